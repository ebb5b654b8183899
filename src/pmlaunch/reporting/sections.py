"""What the page's template shows of a run: cards, facts, figures, findings, provenance, versions, command.

Values are as the run folder holds them; the page cleans and escapes whatever it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from pmlaunch.planning.command_line import command_line
from pmlaunch.reporting.contents import MotionRow, RunContents, common_figure
from pmlaunch.reporting.figures import definition, length, number
from pmlaunch.request import Asked
from pmlaunch.running.metrics import unit_of
from pmlaunch.support.json import as_list, as_mapping, from_json, numbers_in

_MOST: Final = 200  # entries of a table


def cards(run: RunContents) -> Iterator[tuple[str, str, str]]:
    """Yield title, value and explanation of the main figures."""
    rate, error, angle = (
        common_figure(run, name) for name in ("success_rate", "mean_position_error_m", "mean_rotation_error_deg")
    )
    if rate is not None:
        yield "Success rate", f"{100 * rate:.0f} %", "Share of motions that were played to their end without being lost"
    if error is not None:
        yield "Mean position error", length(error), "Distance of bodies from their reference, over all frames"
    if angle is not None:
        yield "Mean rotation error", f"{angle:.1f}°", "Angle between bodies and their reference, over all frames"
    if seconds := numbers_in(run.record).get("seconds"):
        yield "Duration of the run", f"{seconds:.0f} s", "Wall time from start to end"


def facts(run: RunContents) -> Iterator[tuple[str, object]]:
    """Yield what was run, and when."""
    plan, record = run.plan, run.record
    found: dict[str, Any] = {
        **{name.capitalize(): plan.get(name) for name in ("model", "robot", "simulator", "generation")},
        "Motions": _listed([str(as_mapping(it).get("name")) for it in as_list(plan.get("motions"))]),
        "Not evaluated": _listed(run.not_evaluated),
        "Seed": as_mapping(plan.get("measuring")).get("seed"),
        "Started": str(record.get("started") or "").replace("T", " ").replace("+00:00", " UTC"),
        "Steps": record.get("steps"),
        "Steps per second": record.get("steps_per_second"),
        "Comparable": "no; see the notes" if run.measured.rest.get("comparable") is False else None,
    }
    return ((title, value) for title, value in found.items() if value not in (None, ""))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def facts_of_file(rows: Sequence[MotionRow]) -> Iterator[tuple[str, object]]:
    """Yield what a motion file holds."""
    tracks = [row.track for row in rows if row.track is not None]
    yield "Motions", len(rows)
    yield "Duration", f"{sum(track.seconds for track in tracks):.1f} s"
    yield "Frames", sum(len(track.positions) for track in tracks)
    yield "Frames per second", ", ".join(sorted({f"{track.fps:g}" for track in tracks})[:4])
    yield "Bodies", max(track.positions.shape[1] for track in tracks)


def figures(run: RunContents) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, value, unit and definition of every metric."""
    units = run.measured.units
    for name, value in islice(run.measured.metrics.items(), _MOST):
        yield name, number(value), unit_of(units, name), definition(name)


def findings(run: RunContents) -> Iterator[tuple[object, object, object]]:
    """Yield severity, code and message of the run's findings."""
    for finding in map(as_mapping, as_list(run.record.get("findings"))[:_MOST]):
        yield finding.get("severity", ""), finding.get("code", ""), finding.get("message", "")


def provenance(run: RunContents) -> Iterator[tuple[str, str, object]]:
    """Yield name, value and source of what was planned."""
    for name, entry in islice(as_mapping(run.plan.get("provenance")).items(), _MOST):
        value = as_mapping(entry).get("value")
        text = ", ".join(map(str, value[:20])) if isinstance(value, list) else "" if value is None else str(value)
        yield name, text, as_mapping(entry).get("source") or ""


def versions(run: RunContents) -> Iterator[tuple[str, object]]:
    """Yield what ran, in which version."""
    for title, key in (("pmlaunch", "pmlaunch"), ("system", "system"), ("checkout", "checkout_commit")):
        if run.environment.get(key):
            yield title, run.environment[key]
    yield from islice(as_mapping(run.result.get("versions")).items(), _MOST)


def command(run: RunContents) -> str:
    """Return the command as typed, if the record holds it; else the same run without pmlaunch."""
    if typed := from_json(Asked, as_mapping(run.record.get("asked"))).command:
        return command_line("pmlaunch", *typed)
    kind = "powershell" if run.plan.get("platform") == "windows" else "bash"
    return str(as_mapping(run.plan.get("plain_command")).get(kind) or "")
