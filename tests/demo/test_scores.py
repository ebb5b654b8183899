"""Tracking errors and scores against hand-computed values."""

# ruff: noqa: E402
from __future__ import annotations

import numpy as np
import pytest

for _package in ("torch", "mujoco", "lightning", "hydra", "matplotlib"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

from pmlaunch.demo.scores import (
    SUMMED,
    ControlStep,
    Tally,
    average,
    cartesian_err,
    gr_err,
    gt_err,
    score,
    shares,
    tracking_errors,
)
from pmlaunch.motions.kinematics import IDENTITY, about, multiply, rotate

REFERENCE = np.array([[0.0, 0.0, 1.0], [0.0, 0.2, 0.5], [0.3, 0.0, 1.5]])
UPRIGHT = np.tile(IDENTITY, (3, 1))


def test_gt_err_is_the_mean_distance() -> None:
    moved = REFERENCE + np.array([[0.3, 0.4, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.1]])
    assert gt_err(moved, REFERENCE) == pytest.approx((0.5 + 0.0 + 0.1) / 3)


def test_gr_err_is_the_mean_of_the_shorter_angles() -> None:
    turned = np.stack([about("x", 0.3), about("z", 2 * np.pi - 0.6), -IDENTITY])
    assert gr_err(turned, UPRIGHT) == pytest.approx((0.3 + 0.6 + 0.0) / 3)
    errors = tracking_errors(REFERENCE, turned, REFERENCE, UPRIGHT)
    assert errors["gr_err_degrees"] == pytest.approx(np.degrees(0.3))


def test_cartesian_err_ignores_position_and_heading() -> None:
    turn = about("z", 1.1)
    moved = rotate(turn, REFERENCE) + np.array([4.0, -2.0, 0.3])
    assert cartesian_err(moved, multiply(turn, UPRIGHT), REFERENCE, UPRIGHT) == pytest.approx(0.0, abs=1e-12)
    moved[2] += [0.0, 0.0, 0.06]
    assert cartesian_err(moved, multiply(turn, UPRIGHT), REFERENCE, UPRIGHT) == pytest.approx(0.02)


def result(motion: int, gt: float, *, last: bool = False) -> ControlStep:
    errors = dict.fromkeys(SUMMED, 0.0) | {"gt_err": gt, "root_force": 100 * gt, "root_force_peak": 200 * gt}
    return ControlStep(motion, 1, last, errors, REFERENCE, REFERENCE, UPRIGHT, UPRIGHT)


def test_means_over_steps_then_over_motions() -> None:
    tally = Tally(3)
    for gt in (0.1, 0.2, 0.6):
        tally.add(result(0, gt))
    tally.add(result(1, 0.1, last=True))
    scores = score(tally.table()[None])
    metrics = average(scores)
    assert metrics["eval/gt_err"] == pytest.approx((0.3 + 0.1) / 2)
    assert metrics["eval/gt_err_max"] == pytest.approx((0.6 + 0.1) / 2)
    assert metrics["eval/gt_err_min"] == pytest.approx(0.1)
    assert metrics["eval/tracking_success_rate"] == 0.5, "the first motion failed: 0.6 m > 0.5 m"
    assert metrics["demo/root_force_mean"] == pytest.approx(20.0)
    assert metrics["demo/root_force_max"] == pytest.approx(120.0), "the maximum over all motions, not their mean"
    assert [entry.completed for entry in scores] == [False, True, False]
    assert [entry.steps for entry in scores] == [3, 1, 0]


def test_ranks_are_averaged_motion_by_motion() -> None:
    first, second = Tally(2), Tally(2)
    first.add(result(0, 0.1, last=True))
    second.add(result(0, 0.3, last=True))
    second.add(result(1, 0.4, last=True))
    scores = score(np.stack([first.table(), second.table()]))
    assert scores[0].metrics["eval/gt_err"] == pytest.approx(0.2)
    assert scores[1].metrics["eval/gt_err"] == pytest.approx(0.4)
    assert average(scores)["eval/gt_err"] == pytest.approx(0.3)
    assert scores[0].metrics["demo/root_force_max"] == pytest.approx(60.0), "of both ranks"


def test_half_a_metre_still_counts_as_success() -> None:
    tally = Tally(1)
    tally.add(result(0, 0.5))
    assert average(score(tally.table()[None]))["eval/tracking_success_rate"] == 1.0


def test_nothing_evaluated() -> None:
    assert average(score(Tally(2).table()[None])) == {}


@pytest.mark.parametrize(
    ("motions", "ranks", "expected"),
    [
        (5, 2, [[0, 1, 2], [3, 4]]),
        (4, 4, [[0], [1], [2], [3]]),
        (7, 3, [[0, 1, 2], [3, 4], [5, 6]]),
        (1, 2, [[0], [0]]),
        (2, 3, [[0, 1], [0, 1], [0, 1]]),
    ],
)
def test_motions_are_divided_among_the_ranks(motions: int, ranks: int, expected: list[list[int]]) -> None:
    assert [list(shares(motions, ranks, rank)) for rank in range(ranks)] == expected
