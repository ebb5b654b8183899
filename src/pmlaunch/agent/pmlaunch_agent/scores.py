"""metrics.json of a program that evaluates by itself, as ProtoMotions 3 does: watched, not replaced."""

from __future__ import annotations

import functools

from pmlaunch_agent import evaluator, measures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

    from pmlaunch_agent.record import Record

    Metrics = Mapping[str, "float | None"]


class Scores:
    """Collects what an evaluation knows of each motion, and writes metrics.json when it has ended.

    Args:
        record: gives times and steps, and takes notes.
        request: hooks.metrics of the spec. None: write nothing (rank 1 and up, or nobody asked).
    """

    def __init__(self, record: Record, request: Mapping[str, Any] | None):
        self._record = record
        self._measures = measures.Measures(request) if request else None
        self._found: evaluator.Motions | None = None

    def collecting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, a method of the evaluator that is called while its figures of each motion are still there."""

        @functools.wraps(function)
        def collect(itself: Any, *args: Any, **kwargs: Any) -> Any:
            if self._measures is not None:
                try:
                    self._found = evaluator.read(itself, self._measures)
                except Exception as error:  # another version of the evaluator: the summary is still right
                    self._record.note(f"no metrics of each motion: {type(error).__name__}: {error}")
            return function(itself, *args, **kwargs)

        return collect

    def write(self, metrics: Metrics, seconds: float) -> None:
        """Write metrics.json; a file that cannot be written does not end the run, and the verdict says so.

        Args:
            metrics: by upstream's names; None for what is not finite.
            seconds: that the evaluation took.
        """
        if self._measures is None:
            return
        try:
            measures.write(self._measures.file, self._document(self._measures, metrics, seconds))
        except OSError as error:
            self._record.note(f"{self._measures.file} could not be written: {error}")

    def _document(self, wanted: measures.Measures, metrics: Metrics, seconds: float) -> dict[str, Any]:
        found = self._found or evaluator.Motions()
        limited = wanted.max_steps is not None
        times = self._record.verdict.data["seconds"]
        start, loaded = times.get("simulator_ready", 0.0), times.get("checkpoint_loaded")
        notes = _notes(metrics, found, limited)
        if (self._record.verdict.data["world_size"] or 1) > 1:
            notes.append("Every process evaluates every motion; these are the figures of rank 0.")
        document = measures.document(
            wanted,
            {name: float("nan") if value is None else value for name, value in metrics.items()},
            found.entries,
            motions=found.evaluated,
            comparable=bool(metrics) and found.judged is not False and not (found.cut and limited),
            notes=notes,
            seconds={
                "start": start,
                "load": loaded - start if loaded is not None else 0.0,
                "evaluation": seconds,
            },
            steps=self._record.steps.count,
        )
        if found.judged is False:
            document["common"]["success_rate"] = None
        return document


def _notes(metrics: Metrics, found: evaluator.Motions, limited: bool) -> list[str]:
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
