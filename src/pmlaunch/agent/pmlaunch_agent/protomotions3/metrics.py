"""metrics.json of ProtoMotions 3, which evaluates by itself: its evaluator is watched, not replaced.

BaseEvaluator keeps tensors with one number per motion (`_motion_failed`, `_component_value_sum`, ...) and returns only
their averages. Everything is read by name, and torch is not imported: tensors have `tolist`.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple, Optional, Sequence

from pmlaunch_agent.contract import MetricsRequest
from pmlaunch_agent.hooks.wrapping import Function, before
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.metrics_file import Evaluation, MotionFigures, motion_names, write_metrics
from pmlaunch_agent.report.observers import Observer


def control_steps(evaluator: Any, seconds: float) -> int:
    """How many control steps fit into so many seconds, by upstream's own rule."""
    return math.floor(round(float(seconds) / float(evaluator.env.dt), 4))


class EvaluatedMotions(NamedTuple):
    """The motions of an evaluation.

    Attributes:
        entries: figures of each motion; `success` is None if the motion was not evaluated.
        evaluated: how many of them were evaluated.
        limit: most control steps that an evaluation takes of a motion.
        cut: number of motions longer than that.
        judged: whether any metric has a threshold, so that a motion can fail; None if unknown.
    """

    entries: Sequence[MotionFigures] = ()
    evaluated: int = 0
    limit: Optional[int] = None
    cut: int = 0
    judged: Optional[bool] = None


class Scores(Observer):
    """Collects the figures of each motion, and writes metrics.json when an evaluation ends."""

    def __init__(self, journal: Journal, request: MetricsRequest) -> None:
        self._journal = journal
        self._request = request
        self._found = EvaluatedMotions()

    def collecting(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, which is called while the evaluator still has its figures of each motion."""
        return before(function, self._collect)

    def _collect(self, evaluator: Any, *_args: Any, **_kwargs: Any) -> None:
        try:
            self._found = read_motions(evaluator, self._request.motions)
        except Exception as error:  # another version of the evaluator: the summary is still right
            self._journal.note(f"no metrics of each motion: {error_text(error)}")

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """Write metrics.json."""
        found, result = self._found, self._journal.result
        limited = self._request.max_steps is not None
        notes = _notes(metrics, found, limited)
        if (result.world_size or 1) > 1:
            notes.append("Every process evaluates every motion; these are the figures of rank 0.")
        judged = found.judged is not False
        comparable = bool(metrics) and judged and not (found.cut and limited)
        evaluation = Evaluation(
            metrics, found.evaluated, seconds, result.steps, found.entries, comparable, judged, notes
        )
        write_metrics(self._request, evaluation, self._journal)


def _notes(metrics: Mapping[str, float | None], found: EvaluatedMotions, limited: bool) -> list[str]:
    notes = []
    if not metrics:
        notes.append("The checkpoint's evaluator measures nothing.")
    if found.cut:
        whose = "--max-steps" if limited else "the checkpoint's own max_eval_steps"
        message = f"{found.cut} of {len(found.entries)} motions were cut short after {found.limit} steps by {whose}"
        notes.append(f"{message}: a failure later on is not seen.")
    if found.judged is False:
        notes.append("No metric has a threshold: upstream calls every motion a success.")
    return notes


def read_motions(evaluator: Any, known_names: Sequence[str]) -> EvaluatedMotions:
    """The motions of `evaluator`, when it is about to sum up.

    Raises:
        AttributeError, TypeError, ValueError: this is not the evaluator that the code was written for.
    """
    if evaluator._motion_failed is None:
        return EvaluatedMotions()
    failed, evaluated = evaluator._motion_failed.tolist(), evaluator._eval_mask.tolist()
    library = getattr(evaluator, "motion_lib", None)
    names = motion_names(known_names, len(failed), getattr(library, "motion_files", None) or ())
    components = evaluator.config.evaluation_components
    judged = any(component.static_params.get("threshold") is not None for component in components.values())
    figures = _figures(evaluator)
    entries = [
        MotionFigures(
            name,
            not failed[index] if evaluated[index] and judged else None,
            {figure: values[index] for figure, values in figures.items() if math.isfinite(values[index])},
        )
        for index, name in enumerate(names)
    ]
    limit, cut = getattr(evaluator.config, "max_eval_steps", None), 0
    if library is not None and limit is not None:
        limit = int(limit)
        cut = sum(control_steps(evaluator, length) > limit for length in library.get_motion_length(None).tolist())
    return EvaluatedMotions(entries, sum(map(bool, evaluated)), limit, cut, judged)


def _figures(evaluator: Any) -> dict[str, list[float]]:
    """{figure: one number per motion}; nan if a component was never seen."""
    figures: dict[str, list[float]] = {}
    for component in evaluator._component_value_sum:
        steps = evaluator._component_step_count[component].tolist()
        sums = evaluator._component_value_sum[component].tolist()
        means = [sums[index] / count if count else math.nan for index, count in enumerate(steps)]
        figures[f"eval/{component}/mean"] = means
        figures[f"eval/{component}/max"] = evaluator._component_value_max[component].tolist()
        figures[f"eval/{component}/min"] = evaluator._component_value_min[component].tolist()
    return figures
