"""The data that planning and a generation's program exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import ArgumentPoint
from pmlaunch.generations.checkout import Checkout, RobotOutline
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.model import Finding, Generation, MotionInfo, Origin, Source, Sourced, Staged

CONSTRAINT_GROUP = "opt"
"""The config group that MaskedMimic's constraints belong to."""
BACKEND = "fabric.strategy.process_group_backend"
"""The Hydra key of `Choices.backend`."""
ENDLESS = Source(Origin.FLAG, "flag --endless")
LENGTH_OF_THE_MOTION = Source(Origin.DEFAULT, "default: the motion's length")
EVERY_MOTION_ONCE = Source(Origin.DEFAULT, "default: every motion once")
# Genesis 0.3 translates its kernels anew at every start, although it keeps the compiled ones, unless it may take them for
# pure functions of their arguments (genesis/__init__.py). Measured with 2.3 on two cores: ready after 125 s instead of
# 195 s, with the same figures to the last digit. Other versions do not know the variable.
GENESIS_VARIABLES = {"GS_BETA_PURE": "1"}
STEPS_OF_UNKNOWN = Sourced(1000, Source(Origin.DEFAULT, "default: the motion's length is unknown"))
"""Control steps of a headless run whose motion's length is unknown: about half a minute."""


RunSettings = Mapping[str, Sourced[Any]]
"""The values of a run by key, in the order in which they are written."""


@dataclass(frozen=True)
class Training:
    """What the files beside a checkpoint tell about its training; empty or None where they do not tell."""

    generation: Generation
    robots: tuple[str, ...] = ()  # names of its robot, the most reliable first
    bodies: frozenset[str] = frozenset()  # names of the robot's bodies
    simulator: str | None = None
    measures: bool = True  # whether the evaluator has anything to measure, unlike a prior's


@dataclass(frozen=True)
class Choices:
    """The decisions that planning makes alike for every generation."""

    checkout: Checkout
    checkpoint: Path
    training: Training | None  # None if the files beside the checkpoint do not tell
    robot: Sourced[RobotOutline | None]
    simulator: str
    terrain: Sourced[str | None]  # None, and no constraints, in a generation without config groups
    constraints: Sourced[tuple[str, ...]]
    motions: tuple[MotionInfo, ...]  # empty where the checkpoint's own motion is to be used
    overrides: tuple[UserOverride, ...]
    checkpoint_text: Sourced[str]  # a path as the target system writes it
    motion_text: Sourced[str] | None  # likewise; None without motions
    headless: Sourced[bool]
    device: Sourced[str | None]  # gpu or cpu; None where the checkpoint or upstream decides
    backend: Sourced[str | None]  # of the process group; None for Lightning's own choice
    num_envs: Sourced[int]
    devices: Sourced[int] | None
    seed: Sourced[int] | None
    max_steps: Sourced[int] | None
    metrics: Sourced[bool]  # whether every motion is evaluated once and measured
    endless: bool = False  # whether the run continues until someone stops it

    @property
    def overridden(self) -> frozenset[str]:
        """The keys that the user set by an override, which wins over everything else."""
        return frozenset(item.key for item in self.overrides if item.kind is OverrideKind.VALUE)


@dataclass(frozen=True)
class ConfigReport:
    """The relevant content of a run's config, and what is wrong with it. None means unknown."""

    findings: tuple[Finding, ...] = ()
    control_hz: float | None = None  # rate of the policy's decisions in 1/s: sim.fps / sim.decimation
    motion_file: str | None = None
    max_eval_steps: int | None = None
    num_envs: int | None = None
    agent: str | None = None
    control_type: str | None = None
    random_masks: bool = False  # whether MaskedMimic follows random bodies
    expert_model: str | None = None  # the expert that the training learned from: a folder, in 3.x its checkpoint
    asset_root: str | None = None  # the folder of the robot's files, unless it is the checkout's own
    targets: Mapping[str, str] = field(default_factory=dict)  # key of a `_target_` that is not judged yet -> its value
    # key that the user typed and no config has -> the nearest one, or ""
    unknown_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LaunchDetails:
    """What a generation's program adds to a plan."""

    arguments: tuple[str, ...]  # its command line
    steps: Sourced[int | None]  # control steps of the run; None if it is open or unknown
    variables: Mapping[str, str] = field(default_factory=dict)  # make the run faster, unless the user has set them
    agent_arguments: tuple[ArgumentPoint, ...] = ()  # what the agent has to pass to functions of the program
    staged: Staged | None = None
    limit: int | None = None  # control steps after which every motion is cut; None plays them to their end
    ends_by_itself: bool = False  # after the last motion
