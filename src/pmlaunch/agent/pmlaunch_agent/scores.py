"""metrics.json: what the program's own evaluation measured, with a part that all generations have in common."""

from __future__ import annotations

import functools
import json
import os

from pmlaunch_agent import evaluator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

    from pmlaunch_agent.record import Record

    Metrics = Mapping[str, "float | None"]


class Scores:
    """Collects what an evaluation knows of each motion, and writes metrics.json when it has ended.

    Args:
        record: gives times and steps, and takes notes.
        request: from the spec: path, generation, limited, common, units. None: write nothing (rank 1 and up).
    """

    def __init__(self, record: Record, request: Mapping[str, Any] | None):
        self._record = record
        self._request = request
        self._found: evaluator.Motions | None = None

    def collecting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, a method of the evaluator that is called while its figures of each motion are still there."""

        @functools.wraps(function)
        def collect(itself: Any, *args: Any, **kwargs: Any) -> Any:
            if self._request is not None:
                try:
                    self._found = evaluator.read(itself)
                except Exception as error:  # another version of the evaluator: the summary is still right
                    self._record.note(f"no metrics of each motion: {type(error).__name__}: {error}")
            return function(itself, *args, **kwargs)

        return collect

    def write(self, metrics: Metrics, seconds: float) -> None:
        """Write metrics.json; a file that cannot be written does not end the run, and the verdict says so."""
        if self._request is None:
            return
        document = self._document(metrics, seconds)
        path = str(self._request["path"])
        beside = f"{path}.{os.getpid()}.tmp"
        try:
            with open(beside, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1, ensure_ascii=False, default=str)
            os.replace(beside, path)
        except OSError as error:
            self._record.note(f"{path} could not be written: {error}")

    def _document(self, metrics: Metrics, seconds: float) -> dict[str, Any]:
        request = self._request or {}
        found = self._found or evaluator.Motions()
        reached = self._record.verdict.data["seconds"]
        start, loaded = reached.get("simulator_ready"), reached.get("checkpoint_loaded")
        steps = self._record.steps.count
        notes = _notes(metrics, found, bool(request.get("limited")))
        if (self._record.verdict.data["world_size"] or 1) > 1:
            notes.append("Every process evaluates every motion; these are the figures of rank 0.")
        whole = bool(metrics) and not (found.cut and request.get("limited"))
        return {
            "schema": 1,
            "generation": request.get("generation"),
            "metrics": dict(metrics),
            "units": {name: unit for name in metrics if (unit := _unit(name, request.get("units") or {}))},
            "common": _common(metrics, found, request.get("common") or {}),
            "per_motion": found.entries,
            "comparable": whole and found.judged is not False,
            "notes": notes,
            "seconds": {
                "start": start,
                "load": round(loaded - start, 3) if start is not None and loaded is not None else None,
                "evaluation": seconds,
            },
            "steps": steps,
            "steps_per_second": round(steps / seconds, 2) if steps and seconds else None,
        }


def _notes(metrics: Metrics, found: evaluator.Motions, limited: bool) -> list[str]:
    notes = []
    if not metrics:
        notes.append("The checkpoint's evaluator measures nothing.")
    if found.cut:
        whose = "--max-steps" if limited else "the checkpoint's own max_eval_steps"
        message = f"{found.cut} of {found.count} motions were cut short after {found.limit} steps by {whose}"
        notes.append(f"{message}: a failure later on is not seen." if limited else f"{message}.")
    if found.judged is False:
        notes.append("No metric has a threshold: upstream calls every motion a success.")
    return notes


def _common(metrics: Metrics, found: evaluator.Motions, wanted: Mapping[str, Any]) -> dict[str, Any]:
    common: dict[str, Any] = {}
    for name, source in wanted.items():
        value = metrics.get(source["metric"])
        common[name] = value * source["factor"] if value is not None else None
    if found.judged is False:
        common["success_rate"] = None
    failed = [entry["motion"] for entry in found.entries if entry["success"] is False]
    common.update(motions=found.evaluated, failed=failed)
    return common


def _unit(name: str, units: Mapping[str, str]) -> str | None:
    """The unit of a metric: of its own name, or of the longest beginning of it."""
    fitting = [known for known in units if name == known or name.startswith(f"{known}/")]
    return units[max(fitting, key=len)] if fitting else None
