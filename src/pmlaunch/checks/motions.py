"""Check that the motions exist, are readable and harmless, and fit the robot."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pmlaunch.catalog.generated_clips import is_own
from pmlaunch.catalog.models import CheckpointState, Model, models
from pmlaunch.catalog.presets import presets
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.registry import GENERATIONS, training_of
from pmlaunch.model import Finding, Generation, MotionInfo, Severity
from pmlaunch.planning.command_line import command_line, corrected, typed_options
from pmlaunch.planning.plan import Planned
from pmlaunch.runtimes.compatibility import Part, holds
from pmlaunch.support.paths import did_you_mean_path

_YES = ("1", "y", "yes", "true")  # values that torch treats as true
_LISTING = "pmlaunch list motions"
_MOST_ALIKE = 3  # findings of one kind that are listed individually


def check_motions(planned: Planned) -> Iterator[Finding]:
    """Check that there is a motion, and that each can be read and belongs to the robot."""
    plan = planned.plan
    if not plan.motions:
        if training_of(plan.checkpoint) and planned.report.motion_file is None and not planned.report.findings:
            message = f"Model {plan.model} has no motion of its own."
            yield Finding("PML125", Severity.ERROR, message, _LISTING, _LISTING, plan.model)
        return
    yield from _left_out(planned)
    several = len({motion.robot for motion in plan.motions if motion.robot}) > 1
    if several:
        yield _of_several_robots(planned)
    # in a folder or library that was asked for, not typed one by one; --skip-bad leaves alone what a config names
    found = 0 < len(planned.request.motions) < len(plan.motions)
    some = found and any(not motion.problem for motion in plan.motions)
    without = corrected(planned.request, skip_bad=True) if some else None
    for problem in _problems(plan.motions, planned.folders):
        skips = without is not None and problem.severity is Severity.ERROR and problem.fix is None
        yield replace(problem, hint=without, fix=without) if skips else problem
    for motion in plan.motions:
        if is_own(motion.path):  # so that it is not taken for upstream's
            own = "a motion that pmlaunch generated for this robot, because the checkout has none with this name"
            hint = "--motion PATH plays any .motion or .pt file"
            yield Finding("PML134", Severity.NOTE, f"{motion.name} is {own}.", hint, None, str(motion.path))
        if motion.problem is not None and motion.problem.code == "PML126":
            yield from _objects_under_new_torch(motion, planned)
        if motion.problem is not None or (several and motion.robot is not None):
            continue
        if plan.robot is not None and motion.robot != plan.robot:
            whose = f"for robot {motion.robot}" if motion.robot else "for no robot in this checkout"
            message = f"Motion {motion.name} is {whose}, not for {plan.robot}."
            fix = f"{_LISTING} --robot {plan.robot}"
            yield Finding("PML124", Severity.ERROR, message, fix, fix, str(motion.path))


def _left_out(planned: Planned) -> Iterator[Finding]:
    """Report the motions that --robot did not select, and those that --skip-bad skipped."""
    plan = planned.plan
    total = len(plan.motions) + len(plan.left_out)
    if foreign := [motion for motion in plan.left_out if motion.problem is None]:
        count = Counter(str(motion.robot) for motion in foreign)
        whose = ", ".join(f"{robot}: {number}" for robot, number in count.items())
        message = f"{len(foreign)} of {total} motions are for other robots and were left out ({whose})."
        yield Finding("PML166", Severity.NOTE, message, None, None, ", ".join(count))
    if broken := [motion.problem for motion in plan.left_out if motion.problem]:
        first = "; ".join(problem.message for problem in broken[:_MOST_ALIKE])
        more = f"; and {len(broken) - _MOST_ALIKE} more" if len(broken) > _MOST_ALIKE else ""
        message = f"Not evaluated: {len(broken)} of {total} motions, skipped by --skip-bad: {first}{more}"
        yield Finding("PML167", Severity.WARNING, message, None, None, broken[0].subject)


def _objects_under_new_torch(motion: MotionInfo, planned: Planned) -> Iterator[Finding]:
    """PML159 for a library of 2.x that torch.load would refuse, which since 2.6 takes plain data only by default."""
    torch = planned.runtime.versions.get(Part.TORCH)
    allowed = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "").lower() in _YES
    if planned.plan.generation is not Generation.V2 or torch is None or allowed or not holds("2.6..", torch.version):
        return
    message = f"{motion.path.name} is a pickle of Python objects, which torch {torch.version} refuses to load."
    hint = "set TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 if you trust the file, or use a YAML library of the same motions"
    yield Finding("PML159", Severity.ERROR, message, hint, None, str(motion.path))


def _problems(motions: Sequence[MotionInfo], folders: Sequence[Path]) -> Iterator[Finding]:
    """The problems of individual motions; many with the same code are combined into one finding with their number.

    A missing file is looked for in `folders` under a similar name.
    """
    alike: dict[str, list[tuple[Path, Finding]]] = {}
    for motion in motions:
        if motion.problem is not None:
            alike.setdefault(motion.problem.code, []).append((motion.path, motion.problem))
    for found in alike.values():
        if len(found) <= _MOST_ALIKE:
            for path, problem in found:
                near = did_you_mean_path(path, folders) if problem.code == "PML121" else ""
                yield replace(problem, message=problem.message + near)
            continue
        first, folder = found[0][1], _missing_folder([path for path, _ in found])
        missing = f"The folder {folder} does not exist; " if folder else ""
        message = f"{missing}{len(found)} of {len(motions)} motions have this problem. The first: {first.message}"
        yield replace(first, message=message, subject=str(folder) if folder else first.subject)


def _missing_folder(paths: Sequence[Path]) -> Path | None:
    """The first missing folder on the common path of these files."""
    if len({path.anchor for path in paths}) != 1:
        return None
    common = Path(os.path.commonpath([path.parent for path in paths]))
    return next((folder for folder in (*reversed(common.parents), common) if not folder.exists()), None)


def _of_several_robots(planned: Planned) -> Finding:
    """The finding for motions of several robots, with a command for each robot."""
    plan = planned.plan
    robots = list(dict.fromkeys(motion.robot for motion in plan.motions if motion.robot))
    robots.sort(key=lambda robot: robot != plan.robot)
    whose, commands = [], []
    for robot in robots:
        theirs = [motion for motion in plan.motions if motion.robot == robot]
        whose.append(f"{robot}: {', '.join(motion.name for motion in theirs)}")
        model = planned.request.model if robot == plan.robot else _model_for(robot, planned)
        if model is None:
            commands.append(f"no model for robot {robot} here: pmlaunch list models")
            continue
        motions = [word for motion in theirs for word in ("--motion", _typed(motion, planned))]
        options = typed_options(planned.request, same_model=robot == plan.robot)
        commands.append(command_line("pmlaunch", "eval", model, *motions, *options))
    message = f"These motions belong to {len(robots)} robots, but a run has only one ({'; '.join(whose)})."
    if len(plan.motions) > len(planned.request.motions) and plan.robot in robots:  # a folder, pattern or library
        fix = corrected(planned.request, robot=plan.robot)
        return Finding("PML118", Severity.ERROR, message, fix, fix, ", ".join(robots))
    return Finding("PML118", Severity.ERROR, message, "\n        ".join(commands), None, ", ".join(robots))


def _typed(motion: MotionInfo, planned: Planned) -> str:
    """How to give the motion on a command line: by its name if the checkout has it, else by its path."""
    if GENERATIONS[planned.plan.generation].motion_names_carry_robot and motion.path in planned.checkout.motion_files():
        return motion.path.stem
    return str(motion.path)


def _model_for(robot: str, planned: Planned) -> str | None:
    """A model for that robot's motions, preferably downloaded and able to measure; None if there is none."""
    adapter = GENERATIONS[planned.plan.generation]
    home = None if adapter.embedded else planned.checkout
    found = models(home, demo_checkout(), presets("model"), list(planned.inputs.robots))
    mine = [model for model in found if model.checkpoint.is_relative_to(planned.checkout.root)]  # not the demo's
    fitting = [model for model in mine if model.robot == robot]
    best = min(fitting, key=_reluctance, default=None)
    return best.name if best else None


def _reluctance(model: Model) -> tuple[bool, bool]:
    training = training_of(model.checkpoint)
    return (training is not None and not training.measures, model.state is not CheckpointState.HERE)
