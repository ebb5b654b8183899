"""The sentence that says how a run went, and its motions with the worst first.

The terminal, the report and the list of runs say it with the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pmlaunch.model import RunState
from pmlaunch.support.json import as_list, as_mapping, finite

_UNFINISHED = {
    None: "It is not known how the run ended",
    RunState.RUNNING: "The run is still in progress",
    RunState.FAILED: "The run failed",
    RunState.INTERRUPTED: "The run was interrupted",
    RunState.TIME_LIMIT: "The run was stopped at its time limit",
    RunState.SILENT: "The run was stopped because it wrote nothing",
    RunState.ABNORMAL: "The run ended without a verdict",
}
_POSITION_ERRORS = ("eval/gt_err", "eval/gt_error/mean", "eval/cartesian_err", "eval/max_joint_error/mean")


class Grade(Enum):
    """How a run looks: good if it tracked every motion, poor if it lost some, bad if it failed or lost all."""

    GOOD = auto()
    POOR = auto()
    BAD = auto()


@dataclass(frozen=True)
class Score:
    """What a run measured, in the names that every generation has. `error` is in m, `angle` in degrees.

    `tracked` is None if no metric tells whether a motion was lost.
    """

    motions: int
    lost: int
    tracked: int | None
    error: float | None
    angle: float | None


def score_of(evaluation: Mapping[str, Any]) -> Score:
    """Read the score from `common` and `per_motion` of metrics.json or record.json. Wrong types count as missing."""
    common = as_mapping(evaluation.get("common"))
    motions = int(max(finite(common.get("motions")) or len(as_list(evaluation.get("per_motion"))), 0))
    lost, rate = len(as_list(common.get("failed"))), finite(common.get("success_rate"))
    tracked = motions - lost if lost else None if rate is None else round(min(max(rate, 0.0), 1.0) * motions)
    error, angle = (finite(common.get(f"mean_{name}")) for name in ("position_error_m", "rotation_error_deg"))
    return Score(motions, max(lost, motions - tracked if tracked is not None else 0), tracked, error, angle)


def grade(state: RunState | None, evaluation: Mapping[str, Any], skipped: int = 0) -> Grade:
    """Grade a run. One that `skipped` motions, or whose figures cannot be compared, is not good, either."""
    score = score_of(evaluation)
    if state is not RunState.DONE or 0 < score.motions <= score.lost:
        return Grade.BAD
    return Grade.POOR if score.lost or skipped or evaluation.get("comparable") is False else Grade.GOOD


def verdict_text(state: RunState | None, evaluation: Mapping[str, Any], why: str = "", skipped: int = 0) -> str:
    """Say how a run went, such as "Tracked 8 of 8 motions; 1 not evaluated. Mean error 1.3 cm, 2.3 degrees.".

    `state` is None if it is not known; `why` the cause of a failure, if the caller does not show it elsewhere; `skipped`
    the number of motions that --skip-bad left out.
    """
    sentences = [] if state is RunState.DONE else [_UNFINISHED[state] + (f": {why.rstrip('.')}." if why else ".")]
    score, rest = score_of(evaluation), f"; {skipped} not evaluated" if skipped else ""
    if score.lost:
        sentences.append(f"Lost {score.lost} of {score.motions} motions{rest}.")
    elif score.motions:
        verb = "Measured" if score.tracked is None else f"Tracked {score.tracked} of"
        sentences.append(f"{verb} {score.motions} motions{rest}.")
    if score.error is not None:
        angle = f", {score.angle:.1f} degrees" if score.angle is not None else ""
        sentences.append(f"Mean error {length(score.error)}{angle}.")
    if not sentences:
        sentences.append("Done. Nothing was measured.")
    if rest and not score.motions:
        sentences.append(f"{skipped} motion{'' if skipped == 1 else 's'} not evaluated.")
    return " ".join(sentences)


def worst_first(motions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of `per_motion`: the lost ones first, each part by its position error, the largest first."""
    return sorted(motions, key=lambda entry: (entry.get("success") is not False, -(motion_error(entry) or 0.0)))


def motion_error(entry: Mapping[str, Any]) -> float | None:
    """The position error of an entry of `per_motion` in m; None if its evaluator measures none."""
    metrics = as_mapping(entry.get("metrics"))
    return next((error for name in _POSITION_ERRORS if (error := finite(metrics.get(name))) is not None), None)


def length(metres: float) -> str:
    """A distance with its unit: "1.3 cm", "2.52 m"."""
    return f"{100 * metres:.1f} cm" if abs(metres) < 1 else f"{metres:.2f} m"
