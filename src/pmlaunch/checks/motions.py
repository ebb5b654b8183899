"""The motions: present, readable, harmless, and made for the robot that is to follow them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pmlaunch.catalog.generated_clips import is_own
from pmlaunch.catalog.models import CheckpointState, models
from pmlaunch.catalog.presets import presets
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.training_config import config_of
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.model import Finding, MotionInfo, Severity
from pmlaunch.planning.command_line import command_line, typed_options
from pmlaunch.planning.plan import Planned

_MOST_ALIKE = 3  # findings of one kind that are listed one by one


def check_motions(planned: Planned) -> Iterator[Finding]:
    """Check that there is a motion, and that each can be read and belongs to the robot."""
    plan = planned.plan
    if not plan.motions:
        known = config_of(plan.checkpoint) is not None or frozen.is_of_generation_3(plan.checkpoint)
        if known and planned.report.motion_file is None and not planned.report.findings:
            message = f"Model {plan.model} names no motion of its own."
            yield Finding("PML125", Severity.ERROR, message, "pmlaunch eval ... --motion NAME", None, plan.model)
        return
    several = len({motion.robot for motion in plan.motions if motion.robot}) > 1
    if several:
        yield _of_several_robots(planned)
    yield from _problems(plan.motions)
    yield from _own_clips(planned)
    for motion in plan.motions:
        if motion.problem is not None or (several and motion.robot is not None):
            continue
        elif plan.robot is not None and motion.robot != plan.robot:
            whose = f"of robot {motion.robot}" if motion.robot else "of no robot that this checkout knows"
            message = f"Motion {motion.name} is {whose}, not of {plan.robot}."
            hint = f"pmlaunch list motions --robot {plan.robot}"
            yield Finding("PML124", Severity.ERROR, message, hint, None, str(motion.path))


def _own_clips(planned: Planned) -> Iterator[Finding]:
    """Notes for clips of our own that stand in for missing ones, so that they are not taken for upstream's."""
    for motion in planned.plan.motions:
        if is_own(motion.path):
            message = (
                f"{motion.name} is pmlaunch's own clip, made for this robot: the checkout ships none of that name."
            )
            hint = "--motion PATH plays any .motion or .pt file"
            yield Finding("PML134", Severity.NOTE, message, hint, None, str(motion.path))


def _problems(motions: Sequence[MotionInfo]) -> Iterator[Finding]:
    """The problems of single motions; many with the same code become one finding that gives their number."""
    alike: dict[str, list[MotionInfo]] = {}
    for motion in motions:
        if motion.problem is not None:
            alike.setdefault(motion.problem.code, []).append(motion)
    for those in alike.values():
        found = [motion.problem for motion in those if motion.problem is not None]
        if len(found) <= _MOST_ALIKE:
            yield from found
            continue
        first = found[0]
        folder = _missing_folder([motion.path for motion in those])
        missing = f"The folder {folder} does not exist; " if folder else ""
        message = f"{missing}{len(found)} of {len(motions)} motions have this trouble, the first: {first.message}"
        yield replace(first, message=message, subject=str(folder) if folder else first.subject)


def _missing_folder(paths: Sequence[Path]) -> Path | None:
    """The first missing folder on the common path of these files."""
    common = Path(os.path.commonpath([path.parent for path in paths])) if len({p.anchor for p in paths}) == 1 else None
    if common is None or common.exists():
        return None
    return next(folder for folder in (*reversed(common.parents), common) if not folder.exists())


def _of_several_robots(planned: Planned) -> Finding:
    """A run has one robot: lists whose the motions are, and the command for each robot."""
    plan = planned.plan
    own = [motion for motion in plan.motions if motion.robot]
    robots = list(dict.fromkeys(str(motion.robot) for motion in own))
    robots.sort(key=lambda robot: robot != plan.robot)
    whose, commands = [], []
    for robot in robots:
        theirs = [motion for motion in own if motion.robot == robot]
        whose.append(f"{robot}: {', '.join(motion.name for motion in theirs)}")
        model = planned.request.model if robot == plan.robot else _model_for(robot, planned)
        if model is None:
            commands.append(f"no model here is of robot {robot}: pmlaunch list models")
            continue
        motions = [word for motion in theirs for word in ("--motion", _typed(motion, planned))]
        options = typed_options(planned.request, same_model=robot == plan.robot)
        commands.append(command_line("pmlaunch", "eval", model, *motions, *options))
    message = f"These motions belong to {len(robots)} robots, and a start has one ({'; '.join(whose)})."
    return Finding("PML118", Severity.ERROR, message, "\n        ".join(commands), None, ", ".join(robots))


def _typed(motion: MotionInfo, planned: Planned) -> str:
    """How to give the motion on a command line: by its name if the checkout has it, else by its path."""
    if GENERATIONS[planned.plan.generation].motion_names_carry_robot and motion.path in planned.checkout.motion_files():
        return motion.path.stem
    return str(motion.path)


def _model_for(robot: str, planned: Planned) -> str | None:
    """A model for that robot's motions, preferably downloaded and able to measure; None if there is none."""
    home = None if GENERATIONS[planned.plan.generation].embedded else planned.checkout
    found = models(home, demo_checkout(), presets("model"), list(planned.inputs.robots))
    mine = [model for model in found if model.checkpoint.is_relative_to(planned.checkout.root)]  # not the demo's
    fitting = [model for model in mine if model.robot == robot]
    fitting.sort(
        key=lambda model: (not frozen.measures_something(model.checkpoint), model.state is not CheckpointState.HERE)
    )
    return fitting[0].name if fitting else None
