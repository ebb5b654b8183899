"""The evaluations of a point of a sweep: what each measures, which identifies it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pmlaunch.model import LaunchPlan, MotionInfo
from pmlaunch.request import EvalRequest
from pmlaunch.support.cache import content_key
from pmlaunch.sweeping.matrix import Point, evaluation_id, identity
from pmlaunch.sweeping.model import Evaluation

OWN_MOTION = "(the checkpoint's own)"
"""The name of the cell for the motion that the checkpoint's config names, where --motion names none."""


def evaluations_of(request: EvalRequest, point: Point, plan: LaunchPlan, isolate: bool) -> list[Evaluation]:
    """The evaluations of a point, one for each seed; if they are isolated, one for each seed and motion file."""
    made = []
    for own, motions in _apart(request, plan) if isolate else [(request, plan.motions)]:
        names, shared = tuple(_names(motions)) or (OWN_MOTION,), content_key(identity(own), *_state(plan, motions))
        for seed in point.seeds:
            labels = point.labels if seed is None else {**point.labels, "seed": str(seed)}
            made.append(Evaluation(evaluation_id(shared, seed), replace(own, seed=seed), labels, names))
    return made


def _apart(request: EvalRequest, plan: LaunchPlan) -> Iterator[tuple[EvalRequest, tuple[MotionInfo, ...]]]:
    """A request for each motion file of a plan, by its path; by its name if it was named, for other machines."""
    if len(plan.motions) <= 1:
        yield request, plan.motions
        return
    pairs = list(zip(request.motions, plan.motions, strict=False))
    named = len(request.motions) == len(plan.motions) and all(word in motion.name for word, motion in pairs)
    for index, motion in enumerate(plan.motions):
        yield replace(request, motions=(request.motions[index] if named else str(motion.path),)), (motion,)


def _state(plan: LaunchPlan, motions: Iterable[MotionInfo]) -> Iterator[str]:
    """What decides the figures beside the request: the simulator, and the files' sizes and times.

    So a checkpoint that was trained on, or another simulator in pmlaunch.yaml, makes other evaluations of it.
    """
    yield str(plan.provenance["simulator"].value)
    for path in (plan.checkpoint, *(motion.path for motion in motions)):
        with contextlib.suppress(OSError):  # a check tells
            found = path.stat()
            yield f"{found.st_size} {found.st_mtime_ns}"


def _names(motions: Iterable[MotionInfo]) -> Iterator[str]:
    """The names of the cells; those of a packed library are numbered."""
    for motion in motions:
        yield from (motion.name,) if motion.count == 1 else (f"{motion.name} {index}" for index in range(motion.count))
