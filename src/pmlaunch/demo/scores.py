"""Scores of an evaluation: which motions a rank evaluates, and how its steps become figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pmlaunch.demo.env import StepResult
from pmlaunch.demo.tracking_errors import FAILED_ABOVE, TRACKING
from pmlaunch.motions.kinematics import Array

SUMMED: Final = (*TRACKING, "root_force", "root_torque", "root_force_peak")
_LARGEST: Final = ("demo/root_force_max", "demo/root_torque_max")
_COLUMNS: Final = 2 + 3 * len(SUMMED)


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


class Tally:
    """Sums, maxima and minima over the steps of each motion."""

    def __init__(self, motions: int) -> None:
        shape = (motions, len(SUMMED))
        self.sum, self.max, self.min = np.zeros(shape), np.full(shape, -np.inf), np.full(shape, np.inf)
        self.steps = np.zeros(motions)
        self.completed = np.zeros(motions)
        self.poses: dict[int, Poses] = {}

    def add(self, result: StepResult) -> None:
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
