"""The parts of a page that its template writes: verdict, figures, provenance, versions, command, log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pmlaunch.reporting.contents import MotionRow, RunContents, common_figure
from pmlaunch.reporting.figures import definition, length, number
from pmlaunch.reporting.plain_text import plain, plain_lines
from pmlaunch.reporting.verdict import is_good, verdict
from pmlaunch.support.json import as_list, as_mapping

_MOST_ENTRIES: Final = 200  # of a table, an object or a list
_LONGEST_COMMAND: Final = 8_000
_LONGEST_LOG: Final = 64_000


@dataclass(frozen=True)
class Figure:
    """A row of the table of figures, as texts."""

    name: str
    value: str
    unit: str
    definition: str


@dataclass(frozen=True)
class RunSection:
    """One run, all of it clean text."""

    name: str
    is_good: bool
    verdict: str
    cards: Sequence[tuple[str, str, str]]  # title, value, explanation
    facts: Sequence[tuple[str, str]]
    figures: Sequence[Figure]
    findings: Sequence[tuple[str, str, str]]  # severity, code, message
    notes: Sequence[str]
    provenance: Sequence[tuple[str, str, str]]  # name, value, source
    versions: Sequence[tuple[str, str]]
    command: str
    log: str
    no_motion: str | None


@dataclass(frozen=True)
class MotionSection:
    """A motion file that is only shown."""

    facts: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, rows: Sequence[MotionRow]) -> MotionSection:
        """Describe the motions of a file."""
        tracks = [row.track for row in rows if row.track is not None]
        rates = sorted({f"{track.fps:g}" for track in tracks})
        facts = [
            ("Motions", str(len(rows))),
            ("Duration", f"{sum(track.seconds for track in tracks):.1f} s"),
            ("Frames", str(sum(len(track.positions) for track in tracks))),
            ("Frames per second", ", ".join(rates[:4])),
            ("Bodies", str(tracks[0].positions.shape[1] if tracks else 0)),
        ]
        return cls(facts)


def sections_of(run: RunContents) -> RunSection:
    """Turn what a run folder holds into texts."""
    units, metrics = run.measured.units, list(run.measured.metrics.items())[:_MOST_ENTRIES]
    findings = [as_mapping(it) for it in as_list(run.record.get("findings"))[:_MOST_ENTRIES]]
    return RunSection(
        name=plain(run.name),
        is_good=is_good(run),
        verdict=verdict(run),
        cards=tuple(_cards(run)),
        facts=tuple((title, plain(value)) for title, value in _facts(run) if value not in (None, "", [])),
        figures=[Figure(plain(it), number(value), plain(_unit(units, it)), definition(it)) for it, value in metrics],
        findings=[tuple(plain(it.get(key), 1000) for key in ("severity", "code", "message")) for it in findings],  # type: ignore[misc]
        notes=[plain(note, 1000) for note in run.measured.rest.get("notes", ())[:_MOST_ENTRIES]],
        provenance=tuple(_provenance(run)),
        versions=tuple(_versions(run)),
        command=plain_lines(_command(run), _LONGEST_COMMAND),
        log=plain_lines(run.log, _LONGEST_LOG),
        no_motion=run.no_motion,
    )


def _unit(units: Mapping[str, str], name: str) -> str:
    return units.get(name) or units.get(name.removesuffix("_mean"), "")


def _cards(run: RunContents) -> Iterator[tuple[str, str, str]]:
    rate, error, angle = (
        common_figure(run, name) for name in ("success_rate", "mean_position_error_m", "mean_rotation_error_deg")
    )
    if rate is not None:
        yield "Success rate", f"{100 * rate:.0f} %", "Share of motions that were followed without being lost"
    if error is not None:
        yield "Mean position error", length(error), "Distance of bodies from their reference, over all frames"
    if angle is not None:
        yield "Mean rotation error", f"{angle:.1f}°", "Angle between bodies and their reference, over all frames"
    seconds = run.record.get("seconds")
    if isinstance(seconds, (int, float)) and math.isfinite(seconds):
        yield "Duration of the run", f"{seconds:.0f} s", "Wall time from start to end"


def _facts(run: RunContents) -> Iterator[tuple[str, Any]]:
    plan, record = run.plan, run.record
    motions = [str(as_mapping(it).get("name")) for it in as_list(plan.get("motions"))[:_MOST_ENTRIES]]
    yield "Model", plan.get("model")
    yield "Robot", plan.get("robot")
    yield "Simulator", plan.get("simulator")
    yield "Generation", plan.get("generation")
    yield "Motions", ", ".join(motions[:6]) + (f" and {len(motions) - 6} more" if len(motions) > 6 else "")
    yield "Seed", as_mapping(plan.get("measuring")).get("seed")
    yield "Started", str(record.get("started") or "").replace("T", " ").replace("+00:00", " UTC")
    yield "Steps", record.get("steps")
    yield "Steps per second", record.get("steps_per_second")
    if run.measured.rest.get("comparable") is False:
        yield "Comparable", "no: the notes say why"


def _provenance(run: RunContents) -> Iterator[tuple[str, str, str]]:
    for name, entry in list(as_mapping(run.plan.get("provenance")).items())[:_MOST_ENTRIES]:
        value, source = as_mapping(entry).get("value"), as_mapping(entry).get("source")
        text = ", ".join(map(str, value[:20])) if isinstance(value, list) else "" if value is None else str(value)
        yield plain(name), plain(text), plain(source or "")


def _versions(run: RunContents) -> Iterator[tuple[str, str]]:
    environment = run.environment
    yield "pmlaunch", plain(environment.get("pmlaunch") or "unknown")
    for title, key in (("system", "system"), ("checkout", "checkout_commit")):
        if environment.get(key):
            yield title, plain(environment[key])
    for name, version in list(as_mapping(run.result.get("versions")).items())[:_MOST_ENTRIES]:
        yield plain(name), plain(version)


def _command(run: RunContents) -> str:
    """The command as typed, if the record holds it; else the same run without pmlaunch."""
    plain_command = as_mapping(run.plan.get("plain_command"))
    kind = "powershell" if run.plan.get("platform") == "windows" else "bash"
    return str(run.record.get("typed") or plain_command.get(kind) or "")
