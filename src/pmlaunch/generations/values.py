"""The data that planning and a generation's program exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmlaunch.generations.checkout import Checkout, RobotOutline
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.model import ArgumentPoint, Finding, Generation, MotionInfo, Sourced, Staged


@dataclass(frozen=True)
class Choices:
    """The decisions that planning makes alike for every generation; a program turns them into `Values`.

    Attributes:
        maker: generation whose training wrote the checkpoint; None if its files do not tell.
        robot: robot as the checkout describes it; None if nothing names one.
        terrain, constraints: options of config groups; a generation without groups ignores them.
        motions: empty where the checkpoint's own motion is to be used.
        checkpoint_text, motion_text: paths as the target system writes them; `motion_text` is None without motions.
        device: gpu or cpu; None where the checkpoint or upstream decides.
        backend: of the process group; None for Lightning's own choice. `strategy`: set instead of a process group.
        metrics: whether every motion is evaluated once and measured.
    """

    checkout: Checkout
    checkpoint: Path
    maker: Generation | None
    robot: Sourced[RobotOutline | None]
    simulator: str
    terrain: Sourced[str | None]
    constraints: Sourced[tuple[str, ...]]
    motions: tuple[MotionInfo, ...]
    overrides: tuple[UserOverride, ...]
    checkpoint_text: Sourced[str]
    motion_text: Sourced[str] | None
    headless: Sourced[bool]
    device: Sourced[str | None]
    backend: Sourced[str | None]
    strategy: Sourced[str] | None
    num_envs: Sourced[int]
    devices: Sourced[int] | None
    seed: Sourced[int] | None
    max_steps: Sourced[int] | None
    metrics: Sourced[bool]


@dataclass(frozen=True)
class Values:
    """The values of a run.

    Attributes:
        groups: config group -> option, for all groups but robot and simulator.
        settings: key -> value, in the order in which they are written.
        fabric: arguments of Lightning's Fabric that the program has no option for.
    """

    terrain: Sourced[str | None]
    constraints: Sourced[tuple[str, ...]]
    headless: Sourced[bool]
    device: Sourced[str | None]
    backend: Sourced[str | None]
    settings: Mapping[str, Sourced[Any]]
    overrides: tuple[UserOverride, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    fabric: Mapping[str, Any] = field(default_factory=dict)

    @property
    def overridden(self) -> frozenset[str]:
        """The keys that the user set by an override, which wins over everything else."""
        return frozenset(item.key for item in self.overrides if item.kind is OverrideKind.VALUE)


@dataclass(frozen=True)
class ConfigReport:
    """The relevant content of a run's config, and what is wrong with it. None means unknown.

    Attributes:
        control_hz: rate of the policy's decisions in 1/s: sim.fps / sim.decimation.
        unknown_keys: key that the user typed and no config has -> a sentence with the nearest one, or "".
    """

    findings: tuple[Finding, ...] = ()
    control_hz: float | None = None
    motion_file: str | None = None
    max_eval_steps: int | None = None
    num_envs: int | None = None
    agent: str | None = None
    control_type: str | None = None
    unknown_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LaunchDetails:
    """What a generation's program adds to a plan.

    Attributes:
        arguments: its command line.
        variables: environment variables that make the run faster, unless the user has set them.
        agent_arguments: what the agent has to pass to functions of the program.
        limit: control steps after which every motion is cut; None plays them to their end.
        ends_by_itself: whether the program ends after the last motion.
    """

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    agent_arguments: tuple[ArgumentPoint, ...] = ()
    staged: Staged | None = None
    limit: int | None = None
    ends_by_itself: bool = False


def whole_number(value: object) -> int | None:
    """`value` as an integer, if it is a number."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
