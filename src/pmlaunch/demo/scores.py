"""Scores of an evaluation: the tracking errors of a step, and how the steps of all ranks become figures.

The errors have ProtoMotions' names, definitions and units. Each is a mean over the bodies; mean, maximum and minimum are
taken over the steps of a motion and averaged over the motions, as upstream does; only demo/root_*_max are maxima over
everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pmlaunch.motions.kinematics import Array, heading, inverse, multiply, rotate, to_vector

TRACKING: Final = ("gt_err", "gr_err", "gr_err_degrees", "cartesian_err")
_UNITS: Final = {
    "eval/gt_err": "m",
    "eval/gr_err": "rad",
    "eval/gr_err_degrees": "deg",
    "eval/cartesian_err": "m",
    "eval/tracking_success_rate": "share of motions",
    "demo/root_force": "N",
    "demo/root_torque": "Nm",
    "demo/body_weight": "N",
}
FAILED_ABOVE: Final = 0.5  # m of gt_err; a motion that exceeds it at any step counts as failed
COMMON: Final = {  # the figures that every generation has, with their names here
    "success_rate": "eval/tracking_success_rate",
    "mean_position_error_m": "eval/gt_err",
    "mean_rotation_error_deg": "eval/gr_err_degrees",
}
SUMMED: Final = (*TRACKING, "root_force", "root_torque", "root_force_peak")
_LARGEST: Final = ("demo/root_force_max", "demo/root_torque_max")
_COLUMNS: Final = 2 + 3 * len(SUMMED)


def unit(metric: str) -> str:
    """Return the unit of a metric by its flat name, with or without _max, _min or _mean."""
    for ending in ("_max", "_min", "_mean"):
        metric = metric.removesuffix(ending)
    return _UNITS[metric]


def gt_err(positions: Array, reference: Array) -> float:
    """Global translation error: mean distance in m between bodies (J, 3) and their reference."""
    return float(np.linalg.norm(positions - reference, axis=-1).mean())


def gr_err(rotations: Array, reference: Array) -> float:
    """Global rotation error: mean angle in rad between bodies' rotations (J, 4) and their reference."""
    return float(np.linalg.norm(to_vector(multiply(inverse(rotations), reference)), axis=-1).mean())


def cartesian_err(positions: Array, rotations: Array, reference: Array, reference_rotations: Array) -> float:
    """Pose error: mean distance in m between poses that are each seen from their own root and heading."""
    seen, expected = (
        rotate(inverse(heading(turned[0])), placed - placed[0])
        for placed, turned in ((positions, rotations), (reference, reference_rotations))
    )
    return gt_err(seen, expected)


def tracking_errors(
    positions: Array, rotations: Array, reference: Array, reference_rotations: Array
) -> dict[str, float]:
    """Compute all of `TRACKING` for a control step, from bodies (J, 3) m and (J, 4) xyzw, the root first."""
    angle = gr_err(rotations, reference_rotations)
    return {
        "gt_err": gt_err(positions, reference),
        "gr_err": angle,
        "gr_err_degrees": float(np.degrees(angle)),
        "cartesian_err": cartesian_err(positions, rotations, reference, reference_rotations),
    }


@dataclass(frozen=True, eq=False)
class ControlStep:
    """The result of one control step of one humanoid with J bodies."""

    motion: int  # index of the motion that it follows
    step: int  # 1 for the first step of the motion
    last: bool  # the motion has ended
    errors: dict[str, float]  # tracking errors and the balancing force at the root, by names without prefix
    positions: Array  # (J, 3) m
    reference: Array  # (J, 3) m, where the bodies should be
    rotations: Array  # (J, 4) xyzw
    reference_rotations: Array  # (J, 4) xyzw


def shares(motions: int, ranks: int, rank: int) -> range:
    """Return the motions that a rank evaluates: consecutive ones, the first ranks one more, as upstream does.

    If there are more ranks than motions, every rank evaluates all of them, from different starts.
    """
    if motions < ranks:
        return range(motions)
    base, extra = divmod(motions, ranks)
    start = base * rank + min(rank, extra)
    return range(start, start + base + (rank < extra))


@dataclass(eq=False)
class Poses:
    """The first run through a motion: (J, 3) m and (J, 4) xyzw for each step."""

    positions: list[Array] = field(default_factory=list)
    rotations: list[Array] = field(default_factory=list)
    reference: list[Array] = field(default_factory=list)  # positions
    reference_rotations: list[Array] = field(default_factory=list)


class Tally:
    """Sums, maxima and minima over the steps of each motion."""

    def __init__(self, motions: int) -> None:
        shape = (motions, len(SUMMED))
        self.sum, self.max, self.min = np.zeros(shape), np.full(shape, -np.inf), np.full(shape, np.inf)
        self.steps = np.zeros(motions)
        self.completed = np.zeros(motions)
        self.poses: dict[int, Poses] = {}

    def add(self, result: ControlStep) -> None:
        """Add one step of one humanoid."""
        motion = result.motion
        values = np.array([result.errors[name] for name in SUMMED])
        self.sum[motion] += values
        self.max[motion] = np.maximum(self.max[motion], values)
        self.min[motion] = np.minimum(self.min[motion], values)
        self.steps[motion] += 1
        poses = self.poses.setdefault(motion, Poses())
        if not self.completed[motion]:
            poses.positions.append(result.positions)
            poses.rotations.append(result.rotations)
            poses.reference.append(result.reference)
            poses.reference_rotations.append(result.reference_rotations)
        self.completed[motion] += result.last

    def table(self) -> Array:
        """Return all numbers as (motions, columns), to be gathered from the ranks."""
        return np.column_stack([self.steps, self.completed, self.sum, self.max, self.min])


@dataclass(frozen=True)
class MotionScore:
    """Figures of a motion over all ranks that evaluated it; `metrics` is empty if none did."""

    steps: int
    completed: bool
    metrics: dict[str, float]


def score(tables: Array) -> list[MotionScore]:
    """Compute every motion's figures from the ranks' tables (ranks, motions, columns).

    Means are taken over the steps of each rank and then over the ranks. As upstream does, the largest and smallest
    step are averaged over the ranks, too; only the balancing force, the demo's own, reports the largest of all.
    """
    return [_score(tables[:, motion][tables[:, motion, 0] > 0]) for motion in range(tables.shape[1])]


def _score(rows: Array) -> MotionScore:
    if not len(rows):
        return MotionScore(steps=0, completed=False, metrics={})
    steps, completed = rows[:, 0], rows[:, 1]
    total, largest, smallest = np.split(rows[:, 2:], 3, axis=1)
    mean, high, low = (
        dict(zip(SUMMED, table.mean(axis=0).tolist(), strict=True))
        for table in (total / steps[:, None], largest, smallest)
    )
    worst = dict(zip(SUMMED, largest.T, strict=True))
    metrics: dict[str, float] = {}
    for name in TRACKING:
        metrics |= {f"eval/{name}": mean[name], f"eval/{name}_max": high[name], f"eval/{name}_min": low[name]}
    metrics |= {
        "eval/tracking_success_rate": float((worst["gt_err"] <= FAILED_ABOVE).mean()),
        "demo/root_force_mean": mean["root_force"],
        "demo/root_force_max": float(worst["root_force_peak"].max()),
        "demo/root_torque_mean": mean["root_torque"],
        "demo/root_torque_max": float(worst["root_torque"].max()),
    }
    return MotionScore(int(steps.sum()), bool(completed.all()), metrics)


def average(scores: list[MotionScore]) -> dict[str, float]:
    """Average each metric over the evaluated motions, as upstream does; of the balancing force, take the largest."""
    evaluated = [entry.metrics for entry in scores if entry.metrics]
    if not evaluated:
        return {}
    whole = {name: [metrics[name] for metrics in evaluated] for name in evaluated[0]}
    return {name: max(values) if name in _LARGEST else float(np.mean(values)) for name, values in whole.items()}


def gather(fabric: Any, tally: Tally) -> Array:
    """Gather the tables of all ranks: (ranks, motions, columns)."""
    import torch

    mine = torch.from_numpy(tally.table()).to(fabric.device)
    return np.asarray(fabric.all_gather(mine).cpu(), dtype=np.float64).reshape(fabric.world_size, -1, _COLUMNS)
