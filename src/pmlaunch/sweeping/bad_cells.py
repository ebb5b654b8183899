"""Which cells of a point cannot run, and why: each part is planned and checked as `pmlaunch eval` would be."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmlaunch.checks.preflight import preflight
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, LaunchPlan, MotionInfo, Origin, Severity
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.json import HIDDEN
from pmlaunch.support.names import fitting
from pmlaunch.sweeping.matrix import Point

_OTHER_ROBOT, _NOT_THERE = "PML118", "PML121"  # motions of several robots; a missing file


@dataclass(frozen=True)
class BadCell:
    """Cells that cannot run, and why. `motions` are their motions; empty for all of that evaluation.

    `missing` are motion files that are not there.
    """

    labels: Mapping[str, str]
    seeds: tuple[int | None, ...]
    motions: tuple[str, ...]
    findings: tuple[Finding, ...]
    missing: tuple[Path, ...] = field(default=(), metadata=HIDDEN)


def text_of(labels: Mapping[str, str], seeds: Sequence[int | None], motions: Sequence[str] = ()) -> str:
    """Cells in words: model=maskmimic, constraint=vr, seed=0 (and 4 more), motion=walk."""
    parts = [f"{key}={text}" for key, text in labels.items() if key != "seed"]
    for key, values in (("seed", [seed for seed in seeds if seed is not None]), ("motion", motions)):
        if values:
            parts.append(f"{key}={values[0]}" + (f" (and {len(values) - 1} more)" if len(values) > 1 else ""))
    return ", ".join(parts)


_Checked = tuple[Planned, Sequence[Finding]]


def check_point(
    request: EvalRequest,
    point: Point,
    settings: Settings,
    skip_bad: bool,
    unfinished: Callable[[EvalRequest, Planned], bool],
) -> tuple[_Checked | None, EvalRequest, list[BadCell]]:
    """(the plan and its findings; None if no cell of the point can run, the request that it is for, bad cells).

    A motion that nothing answers to is taken out of the request and the rest is planned, so that one look names all.
    A plan of which nothing is `unfinished` is not checked.
    """
    bad: list[BadCell] = []
    while True:
        try:
            planned = make_plan(replace(request, seed=point.seeds[0]), settings)
        except PmlaunchError as error:
            left = tuple(word for word in request.motions if word != error.subject)
            finding = Finding(error.code, Severity.ERROR, error.message, error.hint, error.fix, error.subject)
            known = len(left) < len(request.motions)
            bad.append(BadCell(point.labels, point.seeds, (str(error.subject),) if known else (), (finding,)))
            if not known or not left:
                return None, request, bad
            request = replace(request, motions=left)
            continue
        motions = {motion.name: motion for motion in planned.plan.motions}
        if gone := {each.name for pattern in point.without for each in fitting(pattern, motions)}:
            if len(gone) == len(motions):
                return None, request, bad
            request, point = _without(request, planned, gone), replace(point, without=())
            continue
        findings = preflight(planned) if unfinished(request, planned) else []
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        if not errors:
            return (planned, findings), request, bad
        wrong = _wrong_motions(planned.plan, errors)
        names = tuple(motion.name for motion in wrong)
        lacking = tuple(missing(planned.plan.motions))
        bad.append(BadCell(point.labels, point.seeds, names, tuple(errors), lacking))
        if not (skip_bad and 0 < len(wrong) < len(motions)):
            return None if skip_bad else (planned, findings), request, bad
        request = _without(request, planned, names)


def missing(motions: Iterable[MotionInfo]) -> Iterator[Path]:
    """The files among these that are not there."""
    yield from (it.path for it in motions if it.problem is not None and it.problem.code == _NOT_THERE)


def _without(request: EvalRequest, planned: Planned, names: Container[str]) -> EvalRequest:
    """The request without some of its motions; of a library that the checkpoint names, with the library as well."""
    found = planned.inputs.motion_list
    own = planned.inputs.motion_source.origin is Origin.CHECKPOINT
    return replace(
        request,
        motions=(str(found.file),) if own else request.motions,
        exclude=(*request.exclude, *(motion.name for motion in found.motions if motion.name in names)),
    )


def _wrong_motions(plan: LaunchPlan, errors: Sequence[Finding]) -> list[MotionInfo]:
    """The motions that the errors are about; none if an error is about something else."""
    broken = {motion.problem.code for motion in plan.motions if motion.problem}
    paths = {str(motion.path) for motion in plan.motions}
    if not all(error.code in (*broken, _OTHER_ROBOT) or error.subject in paths for error in errors):
        return []
    codes, subjects = {error.code for error in errors}, {error.subject for error in errors}
    return [
        motion
        for motion in plan.motions
        if str(motion.path) in subjects
        or (motion.problem is not None and motion.problem.code in codes)
        or (_OTHER_ROBOT in codes and motion.robot not in (None, plan.robot))
    ]
