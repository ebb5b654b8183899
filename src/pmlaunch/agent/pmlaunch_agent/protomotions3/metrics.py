"""metrics.json of ProtoMotions 3, which evaluates by itself: its evaluator is watched, not replaced.

BaseEvaluator keeps tensors with one number per motion (`_motion_failed`, `_component_value_sum`, ...) and returns only
their averages. Everything is read by name, and torch is not imported: tensors have `tolist`.
"""

from __future__ import annotations

import math
from typing import Any, Mapping

from pmlaunch_agent.contract import MetricsRequest
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.journal import Journal, Observer
from pmlaunch_agent.report.metrics_file import (
    Evaluation,
    MotionFigures,
    failed_when,
    motion_names,
    write_metrics,
)


def control_steps(evaluator: Any, seconds: float) -> int:
    """How many control steps fit into so many seconds, by upstream's own rule."""
    return math.floor(round(float(seconds) / float(evaluator.env.dt), 4))


_NOTHING = Evaluation({}, motions=0, seconds=0.0, steps=0)


class Scores(Observer):
    """Collects the figures of each motion, and writes metrics.json when an evaluation ends."""

    def __init__(self, journal: Journal, request: MetricsRequest) -> None:
        self._journal = journal
        self._request = request
        self._found = _NOTHING

    def collect(self, evaluator: Any, *_args: Any, **_kwargs: Any) -> None:
        """Read the figures of each motion while the evaluator still has them."""
        try:
            self._found = read_motions(evaluator, self._request)
        except Exception as error:  # another version of the evaluator: the summary is still right
            self._journal.note(f"no metrics for each motion: {error_text(error)}")

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """Write metrics.json."""
        found, result = self._found, self._journal.result
        self._found = _NOTHING
        if found.per_motion and not found.motions:  # upstream calls that a success of all
            metrics = {
                name: value for name, value in metrics.items() if not name.endswith(("success_rate", "failure_rate"))
            }
        notes = [*([] if metrics else ["The checkpoint's evaluator computes no metrics."]), *found.notes]
        if (result.world_size or 1) > 1:
            notes.append("Every process evaluates every motion; these are the metrics of rank 0.")
        comparable = bool(metrics) and found.comparable
        evaluation = found._replace(
            metrics=metrics, seconds=seconds, steps=result.steps, comparable=comparable, notes=notes
        )
        write_metrics(self._request, evaluation, self._journal)


def read_motions(evaluator: Any, request: MetricsRequest) -> Evaluation:
    """What is known of single motions when `evaluator` is about to sum up.

    An evaluator of another version raises any error. `success` is None for a motion that was not evaluated.
    """
    if evaluator._motion_failed is None:
        return _NOTHING
    failed, evaluated = evaluator._motion_failed.tolist(), evaluator._eval_mask.tolist()
    library = getattr(evaluator, "motion_lib", None)
    names = motion_names(request.motions, len(failed), getattr(library, "motion_files", None) or ())
    components = evaluator.config.evaluation_components
    limits = [
        (f"eval/{name}/{'max' if component.static_params.get('fail_above', True) else 'min'}", float(limit))
        for name, component in components.items()
        if (limit := component.static_params.get("threshold")) is not None
    ]
    judged = bool(limits)
    figures = _figures(evaluator)
    entries = [
        MotionFigures(
            name,
            not failed[index] if evaluated[index] and judged else None,
            {figure: values[index] for figure, values in figures.items() if math.isfinite(values[index])},
        )
        for index, name in enumerate(names)
    ]
    notes, cut, limited = [], 0, request.max_steps is not None
    most = getattr(evaluator.config, "max_eval_steps", None)
    if library is not None and most is not None:
        cut = sum(control_steps(evaluator, length) > most for length in library.get_motion_length(None).tolist())
    if cut:
        whose = "--max-steps" if limited else "the checkpoint's own max_eval_steps"
        message = f"{cut} of {len(names)} motions were cut short after {most} steps by {whose}"
        notes.append(f"{message}. Later failures are not seen.")
    if not all(evaluated):
        notes.append(f"{len(names) - sum(map(bool, evaluated))} of {len(names)} motions were too short to be measured.")
    if not judged:
        notes.append("No metric has a threshold, so ProtoMotions counts every motion as a success.")
    comparable = judged and not (cut and limited)
    definition = failed_when(limits, most if cut else None)
    return Evaluation({}, sum(map(bool, evaluated)), 0.0, 0, entries, comparable, judged, notes, definition)


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
