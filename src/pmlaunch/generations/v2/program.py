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

from pmlaunch.generations.interface import Program
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo
from pmlaunch.generations.overrides import OverrideKind, group_choices
from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.v2.motion_library import Thinning, library_text, read_entries
from pmlaunch.generations.v2.overrides import argument_of
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.generations.v2.training_config import config_of, trained_changes
from pmlaunch.generations.values import (
    BACKEND,
    CONSTRAINT_GROUP,
    ENDLESS,
    EVERY_MOTION_ONCE,
    GENESIS_VARIABLES,
    LENGTH_OF_THE_MOTION,
    STEPS_OF_UNKNOWN,
    Choices,
    ConfigReport,
    LaunchDetails,
    RunSettings,
)
from pmlaunch.model import CHECKPOINT, OVERRIDE, Generation, MotionInfo, Origin, Sourced

_MAX_STEPS = "agent.config.max_eval_steps"


@dataclass(frozen=True)
class HydraProgram(Program):
    """eval_agent.py. The demo's (`embedded`) keeps all frames of a motion, and ends after the last of several."""

    embedded: bool = False

    @property
    def _thinning(self) -> Thinning:
        return Thinning(None) if self.embedded else Thinning()

    def read_library(self, library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
        return read_entries(library, read, self._thinning)

    def library_text(self, entries: Sequence[LibraryEntry]) -> str:
        return library_text(entries, named=self.embedded)

    def settings(self, choices: Choices) -> RunSettings:
        settings: dict[str, Sourced[Any] | None] = {"checkpoint": choices.checkpoint_text}
        settings["motion_file"] = choices.motion_text
        robot = choices.robot.value
        if robot is not None and choices.robot.source.origin is not Origin.OVERRIDE:
            changes = trained_changes(choices.checkout.config_dir, robot, choices.checkpoint)
            settings |= {key: Sourced(value, CHECKPOINT) for key, value in changes.items()}
        settings |= {
            "num_envs": choices.num_envs,
            "headless": choices.headless,
            "seed": choices.seed,
            "ngpu": choices.devices,
            # always written: the demo's config says cpu, upstream's say gpu
            "fabric.accelerator": choices.device if choices.device.value is not None else None,
            BACKEND: choices.backend if choices.backend.value is not None else None,
        }
        return {key: value for key, value in settings.items() if value is not None}

    def report(self, choices: Choices, settings: RunSettings) -> ConfigReport:
        trained = config_of(choices.checkpoint)
        if trained is None or choices.training is None or choices.training.generation is not Generation.V2:
            return ConfigReport()
        # no config of upstream names the backend, which is an argument of Lightning's strategy
        typed = [item.key for item in choices.overrides if item.kind is OverrideKind.VALUE and item.key != BACKEND]
        return config_report(choices.checkout.config_dir, trained, _arguments(choices, settings), typed)

    def details(self, choices: Choices, settings: RunSettings, report: ConfigReport) -> LaunchDetails:
        steps = self._steps(choices, report)
        typed = steps.source.origin in (Origin.FLAG, Origin.OVERRIDE)
        if steps.value is not None or choices.endless:  # the checkpoint's config may hold a limit
            settings = {**settings, _MAX_STEPS: steps}
        # upstream's measure ignores max_eval_steps
        variables = GENESIS_VARIABLES if choices.simulator == "genesis" else {}
        return LaunchDetails(
            tuple(_arguments(choices, settings)),
            steps,
            variables,
            limit=steps.value if typed else None,
            ends_by_itself=self.embedded and not choices.endless,  # --max-steps limits each of several motions
        )

    def _steps(self, choices: Choices, report: ConfigReport) -> Sourced[int | None]:
        """The seconds of the motion times the rate of the policy's decisions, rounded up, unless something sets it.

        None is without end, which only --endless asks for.
        """
        if _MAX_STEPS in choices.overridden:
            return Sourced(report.max_eval_steps, OVERRIDE)
        if choices.endless:
            return Sourced(None, ENDLESS)
        if choices.max_steps is not None:
            return choices.max_steps
        if report.max_eval_steps is not None:
            return Sourced(int(report.max_eval_steps), CHECKPOINT)
        if self.embedded and len(choices.motions) > 1:
            return Sourced(None, EVERY_MOTION_ONCE)
        seconds = [self.played_seconds(motion) for motion in choices.motions if motion.seconds is not None]
        if not seconds or report.control_hz is None:
            return STEPS_OF_UNKNOWN
        return Sourced(math.ceil(round(max(seconds) * report.control_hz, 6)), LENGTH_OF_THE_MOTION)

    def played_seconds(self, motion: MotionInfo) -> float:
        """How long a run plays the motion: upstream's 511 frames at 100/s last 5.67 s, not 5.1 s."""
        frames, rate = self._thinning.played(motion.frames or 1, motion.fps or 1.0)
        return (frames - 1) / rate if rate != motion.fps else motion.seconds or 0.0


def _arguments(choices: Choices, settings: RunSettings) -> list[str]:
    """The override list, in the only order that works."""
    groups = {"robot": choices.robot.value.name if choices.robot.value else None, "simulator": choices.simulator}
    groups["terrain"] = choices.terrain.value
    written = [f"+{group}={option}" for group, option in groups.items() if option]
    # each group with all of its options: two `+opt=` would fail, one list works
    typed = (item.key for item in choices.overrides if item.kind is OverrideKind.GROUP and item.key not in groups)
    for name in dict.fromkeys([CONSTRAINT_GROUP, *typed]):
        first = choices.constraints.value if name == CONSTRAINT_GROUP else ()
        options = group_choices(choices.overrides, name, first)
        if options:
            written.append(f"+{name}=" + (options[0] if len(options) == 1 else f"[{','.join(options)}]"))
    overridden = choices.overridden
    written += [value_override(key, sourced.value) for key, sourced in settings.items() if key not in overridden]
    return written + [argument_of(item) for item in choices.overrides if item.kind is not OverrideKind.GROUP]
