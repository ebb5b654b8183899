"""Plan and check every cell of a sweep, and group what can share a start of the simulator.

Cells that differ only in their seed have the same plan, so they are planned once. Like planning, this reads files only.
Of a sweep that is continued, what has ended stays in the plan, but is neither checked nor expected to take anything.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmlaunch.checks.preflight import exit_code_of
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Generation, LaunchPlan, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.request import EvalRequest
from pmlaunch.running.timings import Timings, earlier_timings
from pmlaunch.running.together import why_not_together
from pmlaunch.settings import Settings
from pmlaunch.support.cache import content_key
from pmlaunch.support.disk import free_bytes
from pmlaunch.support.text import megabytes
from pmlaunch.sweeping.bad_cells import BadCell, check_point, missing, text_of
from pmlaunch.sweeping.checkpoints import with_checkpoints
from pmlaunch.sweeping.evaluations import evaluations_of
from pmlaunch.sweeping.journal import RUNS, Tally, tallies_of
from pmlaunch.sweeping.matrix import Matrix, Point, identity, points_of
from pmlaunch.sweeping.model import Evaluation, Job, SweepPlan
from pmlaunch.sweeping.summary import SweepSummary, is_left, summarize_sweep
from pmlaunch.trust import Untrusted

_OF_A_RUN = 500_000  # bytes of a run folder without its motion: log, picture, records
_OF_A_BODY = 40  # bytes of a body in a frame of motion.npz: position and rotation, and the reference's position
_MOST_ALIKE = 3  # findings with one code that are reported one by one
_USUAL_HZ, _USUAL_BODIES = 30.0, 24


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep is planned. `slots` is how many simulators run at a time; `isolate` starts one for each cell.

    `retries` is how often what ended abnormally is repeated.
    """

    folder: Path
    slots: int = 1
    isolate: bool = False
    skip_bad: bool = False
    retries: int = 1


@dataclass(frozen=True)
class Left:
    """How much of a plan is left to run."""

    cells: int = 0
    evaluations: int = 0
    starts: int = 0


@dataclass(frozen=True)
class Expected:
    """What is left of a sweep is expected to take.

    `seconds` are those of all jobs one after the other, as far as earlier runs on this machine tell; `unknown` is the
    number of jobs for which none does.
    """

    seconds: float = 0.0
    unknown: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class PlannedSweep:
    """A sweep and all that was learned on the way. `missing` are motion files that are not there.

    `before` counts the cells by how they ended in earlier sessions.
    """

    plan: SweepPlan
    bad: tuple[BadCell, ...]
    findings: tuple[Finding, ...]
    untrusted: tuple[Untrusted, ...]
    expected: Expected
    left: Left
    before: SweepSummary
    missing: tuple[Path, ...] = ()
    skip_bad: bool = False

    @property
    def exit_code(self) -> int:
        """0 if every cell can run, or if the sweep continues without those that cannot."""
        if self.skip_bad and self.plan.jobs:
            return Exit.DONE
        codes = [exit_code_of(cell.findings) for cell in self.bad]
        return Exit.CHECK if Exit.CHECK in codes else next(iter(codes), Exit.DONE)


_Part = tuple[str, float, float | None]  # of a motion file: its path, start and length


@dataclass
class _Start:
    """Evaluations that can share one start unless they are `apart`; the plan of the first, and what one of them takes."""

    plan: LaunchPlan
    steps: int
    earlier: Timings
    apart: bool
    evaluations: list[Evaluation] = field(default_factory=list)


@dataclass
class _Result:
    """What is collected while the points are planned, one after the other. `left` are the ids of what has not ended."""

    tallies: Mapping[str, Tally]
    starts: dict[str, list[_Start]] = field(default_factory=dict)
    bad: list[BadCell] = field(default_factory=list)
    findings: dict[Finding, None] = field(default_factory=dict)
    untrusted: dict[Untrusted, None] = field(default_factory=dict)
    missing: dict[Path, None] = field(default_factory=dict)
    measured: dict[tuple[str, int | None], frozenset[_Part]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    bytes: int = 0


def plan_sweep(matrix: Matrix, settings: Settings, options: SweepSettings) -> PlannedSweep:
    """Plan and check the cells of `matrix`. All that cannot run are `bad`; with `skip_bad` the plan does without them.

    Raises PML375 if the matrix has no cell, PML376 for a cell that it has twice, PML377 and PML381, and PML383 for a
    damaged journal.
    """
    result, any_cell = _Result(tallies_of(options.folder)), False
    for point in points_of(with_checkpoints(matrix, settings)):
        any_cell = True
        _add(point, settings, options, result)
    if not any_cell:
        message = "The sweep has no cell: it names no model, or exclude leaves out everything."
        raise PmlaunchError("PML375", message, hint="pmlaunch sweep --help")
    starts = [start for alike in result.starts.values() for start in alike]
    evaluations = sum(len(start.evaluations) for start in starts)
    jobs = [job for start in starts for job in _jobs(start, options, evaluations, result.left)]
    plan = SweepPlan(options.folder, tuple(job for job, _ in jobs))
    rest = [each for each in plan.evaluations if each.id in result.left]
    to_start = [(job, seconds) for job, seconds in jobs if any(each.id in result.left for each in job.evaluations)]
    known = [seconds for _, seconds in to_start if seconds is not None]
    expected = Expected(sum(known), len(to_start) - len(known), result.bytes)
    return PlannedSweep(
        plan,
        tuple(result.bad),
        (*_few(result.findings), *_room(expected, options.folder)),
        tuple(result.untrusted),
        expected,
        Left(sum(len(each.motions) for each in rest), len(rest), len(to_start)),
        summarize_sweep(options.folder, plan.evaluations, result.tallies),
        tuple(result.missing),
        options.skip_bad,
    )


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The first findings with each code, and how many more there are."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.code, []).append(finding)
    for first, *more in alike.values():
        if len(more) < _MOST_ALIKE:
            yield from (first, *more)
        else:
            yield replace(first, message=f"{first.message} (and {len(more)} more like this)")


def _add(point: Point, settings: Settings, options: SweepSettings, result: _Result) -> None:
    """Plan a point and add its evaluations, or what is bad about it, to `result`; isolated, a point for each motion file."""

    def still_runs(each: Evaluation) -> bool:
        return is_left(each, result.tallies.get(each.id, Tally()), options.retries)

    def unfinished(request: EvalRequest, planned: Planned) -> bool:
        if options.isolate and not _is_alone(request, planned) and not planned.plan.left_out:
            return False  # each motion is checked for itself
        return not result.tallies or any(map(still_runs, evaluations_of(request, point, planned.plan)))

    request = replace(point.request, runs=str(options.folder / RUNS), skip_bad=options.skip_bad)
    planned, request, bad = check_point(request, point, settings, options.skip_bad, unfinished)
    result.bad += bad
    result.missing |= dict.fromkeys(path for part in bad for path in part.missing)
    if planned is None:
        return
    plan = planned[0].plan
    result.findings |= dict.fromkeys(finding for finding in planned[1] if finding.severity is not Severity.ERROR)
    result.missing |= dict.fromkeys(missing(plan.left_out))
    if options.isolate and not _is_alone(request, planned[0]):
        for word, exclude in planned[0].inputs.motion_list.alone:
            own = replace(request, motions=(word,), exclude=exclude)
            _add(replace(point, request=own, without=()), settings, options, result)
        return
    _refuse_duplicates(point, plan, result)
    evaluations = evaluations_of(request, point, plan)
    _start_for(request, planned[0], result).evaluations.extend(evaluations)
    if rest := [each for each in evaluations if still_runs(each)]:
        result.untrusted |= dict.fromkeys(planned[0].untrusted)
        result.left |= {each.id for each in rest}
        result.bytes += len(rest) * _size(planned[0])


def _is_alone(request: EvalRequest, planned: Planned) -> bool:
    """Whether the request names one motion file, and as it would be named if there were more."""
    words = tuple(word for word, _ in planned.inputs.motion_list.alone)
    return not words or (len(words) == 1 and words == request.motions)


def _refuse_duplicates(point: Point, plan: LaunchPlan, result: _Result) -> None:
    """Raise PML376 if a cell of the point is one of an earlier point, also if its model is named differently."""
    chosen = plan.provenance["constraints"].value
    same = replace(
        point.request, model=plan.model, checkpoint=str(plan.checkpoint), motions=(), exclude=(), constraints=chosen
    )
    key = identity(same)
    own = frozenset((str(it.path), it.start, it.seconds) for it in plan.motions)  # shared by the seeds
    for seed in point.seeds:
        known = result.measured.get((key, seed), frozenset())
        if twice := known & own:
            shown = text_of(point.labels, (seed,), [Path(min(twice)[0]).stem])
            raise PmlaunchError("PML376", f"The sweep has this cell twice: {shown}.", subject=shown)
        result.measured[key, seed] = known | own if known else own


def _start_for(request: EvalRequest, planned: Planned, result: _Result) -> _Start:
    """The start that the evaluations of a plan share with earlier ones; a new one if there is none."""
    plan = planned.plan
    asked = content_key(identity(replace(request, model="", checkpoint=None)), str(plan.cwd))
    alike = result.starts.setdefault(asked, [])
    for start in alike:
        first = start.plan
        same_training = plan.checkpoint.parent == first.checkpoint.parent  # whose configs need no look
        other = replace(plan, checkpoint=first.checkpoint) if same_training else plan
        if why_not_together(first, other) is None:
            return start
    alike.append(_Start(plan, _steps(planned), earlier_timings(plan), why_not_together(plan, plan) is not None))
    return alike[-1]


def _steps(planned: Planned) -> int:
    """The control steps of an evaluation, as far as they are known, else 0. Motions side by side share them."""
    plan, together = planned.plan, max(planned.plan.num_envs, 1)
    count = sum(motion.count for motion in plan.motions)
    if plan.max_steps is not None:  # of 3.x those of all motions, if it measures
        return plan.max_steps if plan.generation is Generation.V3 else plan.max_steps * math.ceil(count / together)
    rate = planned.report.control_hz or 0.0
    steps = [math.ceil(motion.seconds * rate) for motion in plan.motions if motion.seconds is not None]
    if len(steps) < count:
        return 0
    return sum(max(steps[first : first + together]) for first in range(0, count, together))


def _jobs(
    start: _Start, options: SweepSettings, evaluations: int, left: Container[str]
) -> Iterator[tuple[Job, float | None]]:
    """The jobs for a start with the seconds that what is left of each takes: as many as get it a fair share of the slots."""
    count = len(start.evaluations)
    pieces = count if options.isolate or start.apart else min(count, max(1, round(options.slots * count / evaluations)))
    each = start.earlier.seconds(start.steps)
    for number in range(pieces):
        own = tuple(start.evaluations[number * count // pieces : (number + 1) * count // pieces])
        rest = sum(evaluation.id in left for evaluation in own)
        more = (rest - 1) * start.steps / start.earlier.rate if start.earlier.rate else 0.0
        seconds = None if each is None else each + more
        yield Job(content_key(*(evaluation.id for evaluation in own))[:12], own), seconds


def _size(planned: Planned) -> int:
    """Roughly the bytes of a run folder."""
    if not planned.plan.save_motion:
        return _OF_A_RUN
    rate = planned.report.control_hz or _USUAL_HZ
    robot = planned.inputs.robot.value
    seconds = sum(motion.seconds or 0.0 for motion in planned.plan.motions)
    return _OF_A_RUN + int(seconds * rate) * _OF_A_BODY * (len(robot.bodies) if robot else _USUAL_BODIES)


def _room(expected: Expected, folder: Path) -> Iterator[Finding]:
    """PML382 if the run folders that are still to come will not fit on the disk."""
    free = free_bytes(folder.absolute())
    if expected.bytes > free:
        written = megabytes(expected.bytes)
        message = f"The sweep will write about {written} to {folder}, but only {megabytes(free)} are free."
        yield Finding(
            "PML382", Severity.WARNING, message, "-o DIR on another disk, or --no-save-motion", None, str(folder)
        )
