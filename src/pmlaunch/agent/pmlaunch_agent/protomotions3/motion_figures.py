"""What ProtoMotions 3's evaluator knows of each motion, read before it forgets.

BaseEvaluator keeps tensors with one number per motion (`_motion_failed`, `_component_value_sum`, ...) and returns only
their averages. Everything is read by name, and torch is not imported: tensors have `tolist`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Sequence

from pmlaunch_agent.report.metrics_file import MotionFigures, motion_names


@dataclass
class EvaluatedMotions:
    """The motions of an evaluation.

    Attributes:
        entries: figures of each motion; `success` is None if the motion was not evaluated.
        count: number of motions.
        evaluated: how many of them were evaluated.
        limit: most control steps that an evaluation takes of a motion.
        cut: number of motions longer than that.
        judged: whether any metric has a threshold, so that a motion can fail; None if unknown.
    """

    entries: list[MotionFigures] = field(default_factory=list)
    count: int = 0
    evaluated: int = 0
    limit: int | None = None
    cut: int = 0
    judged: bool | None = None


def read_motions(evaluator: Any, known_names: Sequence[str]) -> EvaluatedMotions:
    """The motions of `evaluator`, when it is about to sum up.

    Raises:
        AttributeError, TypeError, ValueError: this is not the evaluator that the code was written for.
    """
    found = EvaluatedMotions()
    if evaluator._motion_failed is None:
        return found
    failed = evaluator._motion_failed.tolist()
    evaluated = evaluator._eval_mask.tolist()
    files = getattr(getattr(evaluator, "motion_lib", None), "motion_files", None) or ()
    names = motion_names(known_names, len(failed), files)
    found.count, found.evaluated = len(failed), sum(map(bool, evaluated))
    components = evaluator.config.evaluation_components
    found.judged = any(component.static_params.get("threshold") is not None for component in components.values())
    figures = {name: _figures(evaluator, name) for name in evaluator._component_value_sum}
    for index, name in enumerate(names):
        metrics = {}
        for component, (means, highs, lows) in figures.items():
            for part, values in (("mean", means), ("max", highs), ("min", lows)):
                if math.isfinite(values[index]):
                    metrics[f"eval/{component}/{part}"] = values[index]
        success = not failed[index] if evaluated[index] and found.judged else None
        found.entries.append(MotionFigures(name, success, metrics))
    _count_cut(evaluator, found)
    return found


def _figures(evaluator: Any, component: str) -> tuple[list[float], list[float], list[float]]:
    """(mean, max, min) of a component, one number per motion; nan if it was never seen."""
    steps = evaluator._component_step_count[component].tolist()
    sums = evaluator._component_value_sum[component].tolist()
    means = [sums[index] / count if count else math.nan for index, count in enumerate(steps)]
    return (
        means,
        evaluator._component_value_max[component].tolist(),
        evaluator._component_value_min[component].tolist(),
    )


def _count_cut(evaluator: Any, found: EvaluatedMotions) -> None:
    """Count the motions that are longer than the evaluation's limit, by upstream's own rule."""
    library = getattr(evaluator, "motion_lib", None)
    limit = getattr(evaluator.config, "max_eval_steps", None)
    if library is None or limit is None:
        return
    period = float(evaluator.env.dt)
    found.limit = int(limit)
    found.cut = sum(
        math.floor(round(length / period, 4)) > limit for length in library.get_motion_length(None).tolist()
    )
