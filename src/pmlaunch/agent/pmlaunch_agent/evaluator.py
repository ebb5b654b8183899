"""What the evaluator of ProtoMotions 3 knows of each motion, read before it forgets.

BaseEvaluator keeps tensors with one number a motion (`_motion_failed`, `_component_value_sum`, ...) and gives
away their averages only. Everything is read by name, and torch is not imported: a tensor has `tolist`.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pmlaunch_agent.measures import Measures


class Motions:
    """The figures of each motion.

    Attributes:
        entries: {motion, success, metrics}; success None where the motion was not evaluated.
        count: how many motions there are.
        evaluated: how many of them were evaluated.
        limit: the most steps that an evaluation takes of a motion.
        cut: how many motions are longer than that.
        judged: does any metric have a threshold, so that a motion can fail? None: not known.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.count = 0
        self.evaluated = 0
        self.limit: int | None = None
        self.cut = 0
        self.judged: bool | None = None


def read(evaluator: Any, measures: Measures) -> Motions:
    """The motions of `evaluator`, at the moment when it begins to sum up.

    Raises:
        AttributeError, TypeError, ValueError: it is another evaluator than this was written for.
    """
    found = Motions()
    if evaluator._motion_failed is None:
        return found
    failed = evaluator._motion_failed.tolist()
    evaluated = evaluator._eval_mask.tolist()
    files = getattr(getattr(evaluator, "motion_lib", None), "motion_files", None) or ()
    names = measures.names(len(failed), [str(file).replace("\\", "/") for file in files])
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
        found.entries.append({"motion": name, "success": success, "metrics": metrics})
    _look_at_lengths(evaluator, found)
    return found


def _figures(evaluator: Any, component: str) -> tuple[list[float], list[float], list[float]]:
    """(mean, max, min) of a component, one number a motion; nan where it was never seen."""
    steps = evaluator._component_step_count[component].tolist()
    sums = evaluator._component_value_sum[component].tolist()
    means = [sums[index] / count if count else math.nan for index, count in enumerate(steps)]
    return (
        means,
        evaluator._component_value_max[component].tolist(),
        evaluator._component_value_min[component].tolist(),
    )


def _look_at_lengths(evaluator: Any, found: Motions) -> None:
    """How many motions are longer than an evaluation goes on, by upstream's own rule."""
    library = getattr(evaluator, "motion_lib", None)
    limit = getattr(evaluator.config, "max_eval_steps", None)
    if library is None or limit is None:
        return
    period = float(evaluator.env.dt)
    found.limit = int(limit)
    found.cut = sum(
        math.floor(round(length / period, 4)) > limit for length in library.get_motion_length(None).tolist()
    )
