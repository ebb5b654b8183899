"""eval_agent.py of ProtoMotions 2 and of the demo: a Hydra program, whose command line is a list of overrides.

The order is part of the contract with upstream: it scans its arguments for the word robot before the word simulator, so
these two groups come first; then the other groups, then the values, the user's own last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.generations.interface import STEPS_OF_UNKNOWN
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo
from pmlaunch.generations.overrides import OverrideKind, group_choices, typed_values
from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.v2.overrides import argument_of
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.generations.v2.training_config import config_of, trained_changes
from pmlaunch.generations.values import Choices, ConfigReport, LaunchDetails, Values
from pmlaunch.model import CHECKPOINT, DEFAULT, OVERRIDE, Generation, MotionInfo, Origin, Source, Sourced
from pmlaunch.request import EvalRequest

CONSTRAINT_GROUP = "opt"
_MAX_STEPS = "agent.config.max_eval_steps"
_BACKEND = "fabric.strategy.process_group_backend"
_UPSTREAM_FPS = 30  # ProtoMotions 2 thins faster motions out to this rate (1/s)
_TYPED = (Origin.FLAG, Origin.OVERRIDE)
_UNDECIDED: Sourced[int | None] = Sourced(None, DEFAULT)


@dataclass(frozen=True)
class HydraProgram:
    """eval_agent.py.

    Attributes:
        thins_motions: whether it drops frames of motions of more than 30 frames per second.
        plays_each_once: whether a run of several motions ends by itself after the last one.
    """

    thins_motions: bool = True
    plays_each_once: bool = False

    def check_request(self, request: EvalRequest) -> None:
        """Accept everything: all options were made for this program."""

    def values(self, choices: Choices) -> Values:
        settings: dict[str, Sourced[Any]] = {"checkpoint": choices.checkpoint_text}
        if choices.motion_text is not None:
            settings["motion_file"] = choices.motion_text
        robot = choices.robot.value
        if robot is not None and choices.robot.source.origin is not Origin.OVERRIDE:
            changes = trained_changes(choices.checkout.config_dir, robot, choices.checkpoint)
            settings |= {key: Sourced(value, CHECKPOINT) for key, value in changes.items()}
        settings["num_envs"] = choices.num_envs
        settings["headless"] = choices.headless
        if choices.seed is not None:
            settings["seed"] = choices.seed
        if choices.devices is not None:
            settings["ngpu"] = choices.devices
        if choices.device.value is not None:  # always written: the demo's config says cpu, upstream's say gpu
            settings["fabric.accelerator"] = choices.device
        if choices.strategy is not None:
            settings["fabric.strategy"] = choices.strategy
        elif choices.backend.value is not None:
            settings[_BACKEND] = choices.backend
        typed_backends = typed_values(choices.overrides, _BACKEND)
        return Values(
            terrain=choices.terrain,
            constraints=choices.constraints,
            headless=choices.headless,
            device=choices.device,
            backend=Sourced(typed_backends[-1], OVERRIDE) if typed_backends else choices.backend,
            settings=settings,
            overrides=choices.overrides,
            groups=_groups(choices),
        )

    def report(self, choices: Choices, values: Values) -> ConfigReport:
        trained = config_of(choices.checkpoint)
        if trained is None or choices.maker is not Generation.V2:
            return ConfigReport()
        typed = [override.key for override in choices.overrides if override.kind is OverrideKind.VALUE]
        return config_report(choices.checkout.config_dir, trained, _arguments(choices, values), typed)

    def steps(self, choices: Choices, values: Values, report: ConfigReport) -> Sourced[int | None]:
        """The seconds of the motion times the rate of the policy's decisions, rounded up, unless something sets it.

        None is without end, which only a window allows.
        """
        if _MAX_STEPS in values.overridden:
            return Sourced(report.max_eval_steps, OVERRIDE)
        if choices.max_steps is not None:
            return choices.max_steps
        if report.max_eval_steps is not None:
            return Sourced(int(report.max_eval_steps), CHECKPOINT)
        if self.plays_each_once and len(choices.motions) > 1:
            return Sourced(None, Source(Origin.DEFAULT, "default: every motion once"))
        wants_metrics = choices.metrics.value and choices.metrics.source.origin is Origin.FLAG
        if not values.headless.value and not wants_metrics:
            return Sourced(None, Source(Origin.DEFAULT, "default: a window stays open"))
        seconds = [self.played_seconds(motion) for motion in choices.motions if motion.seconds is not None]
        if not seconds or report.control_hz is None:
            return Sourced(STEPS_OF_UNKNOWN, Source(Origin.DEFAULT, "default: the motion's length is unknown"))
        steps = math.ceil(round(max(seconds) * report.control_hz, 6))
        return Sourced(steps, Source(Origin.DEFAULT, "default: the motion's length"))

    def played_seconds(self, motion: MotionInfo) -> float:
        """How long a run plays the motion.

        ProtoMotions 2 keeps every n-th frame of a faster motion, n = round(fps / 30), and plays them at 30 frames per
        second (MotionLib._fix_motion_fps): 511 frames at 100/s last 5.67 s there, not 5.1 s.
        """
        frames, fps, seconds = motion.frames or 0, motion.fps or 1.0, motion.seconds or 0.0
        if not self.thins_motions or fps <= _UPSTREAM_FPS:
            return seconds
        kept = math.ceil(frames / round(fps / _UPSTREAM_FPS))
        return (kept - 1) / _UPSTREAM_FPS

    def details(self, choices: Choices, values: Values, steps: Sourced[int | None]) -> LaunchDetails:
        limit = steps.value if steps.source.origin in _TYPED else None  # upstream's measure ignores max_eval_steps
        return LaunchDetails(tuple(_arguments(choices, values, steps)), limit=limit)

    def read_library(self, library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
        from pmlaunch.generations.v2.motion_library import read_entries

        return read_entries(library, read)

    def library_text(self, entries: Sequence[LibraryEntry]) -> str:
        from pmlaunch.generations.v2.motion_library import library_text

        return library_text(entries)


def _arguments(choices: Choices, values: Values, steps: Sourced[int | None] = _UNDECIDED) -> list[str]:
    """The override list, in the only order that works."""
    written = [f"+robot={choices.robot.value.name}"] if choices.robot.value else []
    written.append(f"+simulator={choices.simulator}")
    written += [f"+{group}={choice}" for group, choice in values.groups.items()]
    settings = dict(values.settings)
    if steps.value is not None:
        settings[_MAX_STEPS] = steps
    written += [value_override(key, sourced.value) for key, sourced in settings.items() if key not in values.overridden]
    return written + [argument_of(item) for item in values.overrides if item.kind is not OverrideKind.GROUP]


def _groups(choices: Choices) -> dict[str, str]:
    """Every group but robot and simulator, each with all of its options: two `+opt=` would fail, one list works."""
    groups = {"terrain": choices.terrain.value} if choices.terrain.value else {}
    typed = (item.key for item in choices.overrides if item.kind is OverrideKind.GROUP)
    for name in dict.fromkeys([CONSTRAINT_GROUP, *typed]):
        if name in ("robot", "simulator", "terrain"):
            continue
        first = choices.constraints.value if name == CONSTRAINT_GROUP else ()
        options = group_choices(choices.overrides, name, first)
        if options:
            groups[name] = options[0] if len(options) == 1 else f"[{','.join(options)}]"
    return groups
