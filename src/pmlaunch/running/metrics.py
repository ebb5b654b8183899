"""metrics.json: the metrics of a run, and findings about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pmlaunch.model import Finding, Severity
from pmlaunch.running.agent_reports import AgentResult
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.success import read_definition
from pmlaunch.support.json import as_list, as_mapping, finite, from_json, numbers_in, to_json

FILE = "metrics.json"
_BLOWN_UP = 50.0  # m; a robot that merely fell is left behind by a few m/s for a few seconds


@dataclass(frozen=True)
class RunMetrics:
    """Figures and their units by upstream's names.

    `rest` holds common, per_motion, definition, comparable, notes and seconds of metrics.json, reduced to values of the
    right type: another process wrote the file. The definition of success also has the plan's mask.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    steps_per_second: float | None = None


def read_metrics(folder: RunFolder) -> RunMetrics:
    """Return what the run in `folder` measured; empty if it left no metrics.json."""
    document = folder.read(FILE)
    if document is None:
        return RunMetrics()
    common = as_mapping(document.get("common"))
    motions = [entry for item in as_list(document.get("per_motion")) if "motion" in (entry := as_mapping(item))]
    rest = {
        "common": {
            **{name: value if finite(value) is not None else None for name, value in common.items()},
            "failed": [str(name) for name in as_list(common.get("failed"))],
        },
        "per_motion": [
            {
                "motion": str(entry["motion"]),
                "success": success if isinstance(success := entry.get("success"), bool) else None,
                "metrics": numbers_in(entry.get("metrics")),
            }
            for entry in motions
        ],
        "definition": to_json(read_definition(document, folder.read("plan.json") or {})),
        "comparable": document.get("comparable") is not False,
        "notes": [str(note) for note in as_list(document.get("notes"))],
        "seconds": numbers_in(document.get("seconds")),
    }
    return from_json(RunMetrics, {**document, "rest": rest})


def metrics_findings(measured: RunMetrics) -> Iterator[Finding]:
    """Yield PML315 if the bodies are so far from their reference that the simulation must have diverged."""
    error = measured.rest.get("common", {}).get("mean_position_error_m")
    if isinstance(error, (int, float)) and error > _BLOWN_UP:
        message = (
            f"The bodies were on average {error:.0f} m from their reference, so the simulation probably became "
            "unstable."
        )
        hint = "use another --simulator or a smaller physics step"
        yield Finding("PML315", Severity.WARNING, message, hint)


def steps_per_second(result: AgentResult, measured: RunMetrics) -> float | None:
    """Return control steps per second: the evaluation's own figure, else from the first step to the last.

    The time until the evaluation's end does not count: a picture may be drawn and a motion written before it.
    """
    if measured.steps_per_second:
        return round(measured.steps_per_second, 1)
    first, last, steps = result.seconds.get("first_step"), result.seconds.get("last_step"), result.steps
    return round((steps - 1) / (last - first), 1) if steps and first is not None and last and last > first else None


def unit_of(units: Mapping[str, Any], name: str) -> str:
    """The unit of a metric, which may be given for the name without the ending of a mean."""
    for known in (name, name.removesuffix("_mean"), name.removesuffix("/mean")):
        if isinstance(units.get(known), str):
            return str(units[known])
    return ""
