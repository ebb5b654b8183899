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


def evaluations_of(request: EvalRequest, point: Point, plan: LaunchPlan) -> list[Evaluation]:
    """The evaluations of a point, one for each seed."""
    names, shared = tuple(_names(plan.motions)) or (OWN_MOTION,), content_key(identity(request), *_state(plan))
    return [
        Evaluation(
            evaluation_id(shared, seed),
            replace(request, seed=seed),
            point.labels if seed is None else {**point.labels, "seed": str(seed)},
            names,
        )
        for seed in point.seeds
    ]


def _state(plan: LaunchPlan) -> Iterator[str]:
    """What decides the figures beside the request: the simulator, and the files' sizes and times.

    So a checkpoint that was trained on, or another simulator in pmlaunch.yaml, makes other evaluations of it.
    """
    yield str(plan.provenance["simulator"].value)
    for path in (plan.checkpoint, *(motion.path for motion in plan.motions)):
        with contextlib.suppress(OSError):  # a check tells
            found = path.stat()
            yield f"{found.st_size} {found.st_mtime_ns}"


def _names(motions: Iterable[MotionInfo]) -> Iterator[str]:
    """The names of the cells; those of a packed library are numbered."""
    for motion in motions:
        yield from (motion.name,) if motion.count == 1 else (f"{motion.name} {index}" for index in range(motion.count))
