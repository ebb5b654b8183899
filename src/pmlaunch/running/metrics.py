"""Read metrics.json: written by a program in another Python, and so believed in nothing but its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pmlaunch.model import Finding, Severity
from pmlaunch.running.run_folder import RunFolder

FILE = "metrics.json"
_BLOWN_UP = 50.0  # m; who merely falls is left behind by a walk at some m/s for some seconds


@dataclass(frozen=True)
class Measured:
    """What a run measured: figures and units by upstream's names; `rest` is common, per_motion, comparable, notes and
    seconds, each only where it is what it should be.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    steps_per_second: float | None = None


def read_measured(folder: RunFolder) -> Measured:
    """The figures of the run in `folder`; nothing where it left none."""
    document = folder.read(FILE)
    if document is None:
        return Measured()
    units = _mapping(document.get("units"))
    rest: dict[str, Any] = {
        "common": _mapping(document.get("common")),
        "per_motion": [entry for item in _list(document.get("per_motion")) if (entry := _motion(item)) is not None],
        "comparable": document.get("comparable") is not False,
        "notes": [str(note) for note in _list(document.get("notes"))],
        "seconds": _numbers(document.get("seconds")),
    }
    rate = _numbers(document).get("steps_per_second")
    return Measured(_numbers(document.get("metrics")), {name: str(unit) for name, unit in units.items()}, rest, rate)


def measured_findings(measured: Measured) -> Iterator[Finding]:
    """What the figures themselves give away."""
    error = measured.rest.get("common", {}).get("mean_position_error_m")
    if isinstance(error, (int, float)) and error > _BLOWN_UP:
        message = f"The bodies were {error:.0f} m from their reference on average: probably the simulation blew up."
        hint = "--simulator with another one; or a smaller physics step"
        yield Finding("PML315", Severity.WARNING, message, hint)


def _motion(item: Any) -> dict[str, Any] | None:
    if not isinstance(item, dict) or "motion" not in item:
        return None
    success = item.get("success")
    return {
        "motion": str(item["motion"]),
        "success": success if isinstance(success, bool) else None,
        "metrics": _numbers(item.get("metrics")),
    }


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(value: Any) -> dict[str, float]:
    return {
        str(name): float(number)
        for name, number in _mapping(value).items()
        if isinstance(number, (int, float)) and not isinstance(number, bool)
    }
