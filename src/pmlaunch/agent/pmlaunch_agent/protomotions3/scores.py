"""metrics.json of ProtoMotions 3, which evaluates by itself: its evaluator is watched, not replaced."""

from __future__ import annotations

import functools
from typing import Any, Mapping

from pmlaunch_agent.contract import MetricsRequest
from pmlaunch_agent.hooks.wrapping import Function
from pmlaunch_agent.protomotions3.motion_figures import EvaluatedMotions, read_motions
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.metrics_file import Evaluation, write_metrics
from pmlaunch_agent.report.observer import Observer


class Scores(Observer):
    """Collects the figures of each motion, and writes metrics.json when an evaluation ends."""

    def __init__(self, journal: Journal, request: MetricsRequest) -> None:
        self._journal = journal
        self._request = request
        self._found = EvaluatedMotions()

    def collecting(self, function: Function) -> Function:
        """Wrap `function(evaluator)`, which is called while the evaluator still has its figures of each motion."""

        @functools.wraps(function)
        def collect(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                self._found = read_motions(evaluator, self._request.motions)
            except Exception as error:  # another version of the evaluator: the summary is still right
                self._journal.note(f"no metrics of each motion: {type(error).__name__}: {error}")
            return function(evaluator, *args, **kwargs)

        return collect

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """Write metrics.json."""
        found, result = self._found, self._journal.result
        limited = self._request.max_steps is not None
        notes = _notes(metrics, found, limited)
        if (result.world_size or 1) > 1:
            notes.append("Every process evaluates every motion; these are the figures of rank 0.")
        figures = {name: float("nan") if value is None else value for name, value in metrics.items()}
        judged = found.judged is not False
        comparable = bool(metrics) and judged and not (found.cut and limited)
        evaluation = Evaluation(
            figures, found.evaluated, seconds, result.steps, found.entries, comparable, judged, notes
        )
        write_metrics(self._request, evaluation, self._journal)


def _notes(metrics: Mapping[str, float | None], found: EvaluatedMotions, limited: bool) -> list[str]:
    notes = []
    if not metrics:
        notes.append("The checkpoint's evaluator measures nothing.")
    if found.cut:
        whose = "--max-steps" if limited else "the checkpoint's own max_eval_steps"
        message = f"{found.cut} of {found.count} motions were cut short after {found.limit} steps by {whose}"
        notes.append(f"{message}: a failure later on is not seen.")
    if found.judged is False:
        notes.append("No metric has a threshold: upstream calls every motion a success.")
    return notes
