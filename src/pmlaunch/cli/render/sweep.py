"""A planned sweep for people and as JSON: its evaluations, what cannot run, what it takes, published values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.layout import Breakable, say, table_of
from pmlaunch.model import Finding, Severity
from pmlaunch.planning.command_line import EvalCommand
from pmlaunch.reporting.published_view import PublishedValue, PublishedView
from pmlaunch.support.text import clean_line, duration, megabytes
from pmlaunch.sweeping.bad_cells import text_of
from pmlaunch.sweeping.model import Evaluation
from pmlaunch.sweeping.plan import Left, PlannedSweep

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ROWS = 40
_MOST_NAMED = 20  # cells with the same problem that are named in a message; --json has all
_MOST_MISSING = 10


def cell_findings(planned: PlannedSweep) -> Iterator[Finding]:
    """What is wrong with cells, each problem once with the cells that have it; a warning if the sweep does without."""
    cells: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Finding] = {}  # what it proposes differs from cell to cell
    skipped = bool(planned.plan.jobs) and planned.skip_bad
    same = _constant([*(it.labels for it in planned.plan.evaluations), *(it.labels for it in planned.bad)])
    for bad in planned.bad:
        for finding in bad.findings:
            labels = {key: text for key, text in bad.labels.items() if key not in same}
            seeds = () if "seed" in same else bad.seeds
            key = finding.code, finding.message
            first.setdefault(key, finding)
            cells.setdefault(key, []).append(text_of(labels or bad.labels, seeds, bad.motions))
    for key, named in cells.items():
        names = list(dict.fromkeys(named))  # those of isolated motions have the same labels
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        message = f"{key[1]} Cells: {'; '.join(names[:_MOST_NAMED])}{more}."
        severity = Severity.WARNING if skipped else Severity.ERROR
        # a command of eval would be about one of the cells
        explain = f"pmlaunch explain {key[0]}"
        hint, fix = (explain if isinstance(it, EvalCommand) else it for it in (first[key].hint, first[key].fix))
        yield replace(first[key], message=message, severity=severity, hint=hint, fix=fix)
    if skipped and planned.bad:
        message = f"{len(planned.bad)} parts of the sweep are left out, because they cannot run."
        yield Finding("PML379", Severity.WARNING, message)


def _constant(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The labels that all have with the same value, without the model's."""
    first = dict(labels[0]) if labels else {}
    return {key: text for key, text in first.items() if key != "model" and all(it.get(key) == text for it in labels)}


def sweep_document(planned: PlannedSweep) -> dict[str, Any]:
    """The plan as JSON, without the requests, which repeat what the labels say."""
    plan = planned.plan
    return {
        "folder": plan.folder,
        "cells": plan.cells,
        "evaluations": len(plan.evaluations),
        "starts": len(plan.jobs),
        "left": planned.left,
        "expected": planned.expected,
        "jobs": [
            {
                "id": job.id,
                "evaluations": [{"id": it.id, "labels": it.labels, "motions": it.motions} for it in job.evaluations],
            }
            for job in plan.jobs
        ],
        "bad": planned.bad,
        "missing": planned.missing,
    }


def draw_sweep(planned: PlannedSweep, published: PublishedView, console: Console) -> None:
    """Print the evaluations with their starts, what the sweep takes, missing files and published values."""
    plan = planned.plan
    if published.title:
        say(console, published.title, style="bold", wrap=True)
    same = _constant([evaluation.labels for evaluation in plan.evaluations])
    keys = [key for key in dict.fromkeys(key for it in plan.evaluations for key in it.labels) if key not in same]
    right = ("start",) if any(len(it.motions) == 1 for it in plan.evaluations) else ("start", "motions")
    table = table_of("start", *keys, "motions", "id", right=right, title=f"Plan: {plan.folder}")
    rows = [(number, it) for number, job in enumerate(plan.jobs, 1) for it in job.evaluations]
    for number, it in rows[:_MOST_ROWS]:
        labels = [Breakable(clean_line(it.labels.get(key, "-"))) for key in keys]
        table.add_row(str(number), *labels, Breakable(_motions(it)), it.id)
    console.print(table)
    if same:
        say(console, "all   ", clean_line(", ".join(f"{key} {text}" for key, text in same.items())), wrap=True)
    if len(rows) > _MOST_ROWS:
        say(console, f"... and {len(rows) - _MOST_ROWS} more evaluations (--json lists all)", style="dim")
    say(console, _counts(Left(plan.cells, len(rows), len(plan.jobs))))
    _draw_rest(planned, console)
    if planned.missing:
        say(console, f"\nMissing: {len(planned.missing)} motion files", style="bold")
        for path in planned.missing[:_MOST_MISSING]:
            say(console, f"  {path}")
        if len(planned.missing) > _MOST_MISSING:
            say(console, f"  ... and {len(planned.missing) - _MOST_MISSING} more (--json lists all)", style="dim")
    draw_published(published, console)


def _motions(evaluation: Evaluation) -> str:
    """How many motions an evaluation has; the name of a single one."""
    return clean_line(evaluation.motions[0]) if len(evaluation.motions) == 1 else str(len(evaluation.motions))


def _counts(of: Left) -> str:
    counts = (("cell", of.cells), ("evaluation", of.evaluations), ("simulator start", of.starts))
    return ", ".join(f"{number:,} {name}{'' if number == 1 else 's'}" for name, number in counts)


def _draw_rest(planned: PlannedSweep, console: Console) -> None:
    """Print what earlier sessions have done, what is left, and what that takes."""
    before, cells = planned.before, planned.plan.cells
    ended = [
        f"{number:,} of {cells:,} cells {text}"
        for number, text in (
            (before.done, "are done"),
            (before.failed, "failed"),
            (before.abnormal, "ended abnormally"),
        )
        if number
    ]
    if ended:
        say(console, ", ".join(ended), wrap=True)
        say(console, f"left  {_counts(planned.left) if planned.left.cells else 'nothing'}")
    if planned.left.cells:
        say(console, f"time  {_time(planned)}", wrap=True)
        say(console, f"disk  about {megabytes(planned.expected.bytes)}")


def _time(planned: PlannedSweep) -> str:
    expected = planned.expected
    if expected.unknown == planned.left.starts:
        return "not known: nothing like this ran to its end on this machine yet"
    also = f", and {expected.unknown} starts of which nothing like it ran here yet" if expected.unknown else ""
    return f"about {duration(expected.seconds)}{also}"


def draw_published(view: PublishedView, console: Console) -> None:
    """Print published values beside measured ones, a table each, and below them what differs."""
    notes: dict[str, int] = {}
    for part in view.tables:
        rows: dict[str, list[PublishedValue]] = {}
        for value in part.values:
            rows.setdefault(value.label, []).append(value)
        figures = list(dict.fromkeys(it.figure for it in part.values))
        rule = f" (success: {part.rule})" if part.rule else ""
        title = clean_line(f"Table {part.name}, published and measured{rule}")
        headers = [text for figure in figures for text in (clean_line(figure), "measured")]
        table = table_of("row", *headers, "motions", "differs", title=title, right=("motions",))
        for label, own in rows.items():
            by_figure = {it.figure: it for it in own}
            values = [text for figure in figures for text in _pair(by_figure.get(figure))]
            marks = [notes.setdefault(text, len(notes) + 1) for it in own for text in it.differs]
            told = ", ".join(f"[{mark}]" for mark in dict.fromkeys(marks)) or "-"
            table.add_row(Breakable(clean_line(label)), *values, str(max(it.motions for it in own)), told)
        console.print(table)
    for text, mark in notes.items():
        say(console, f"[{mark}] {clean_line(text)}", wrap=True)
    for text in view.differs if view.tables else ():
        say(console, f"all: {clean_line(text)}", wrap=True)


def _pair(value: PublishedValue | None) -> tuple[str, str]:
    """(the published value, the measured one with its interval)."""
    if value is None:
        return "-", "-"
    return value.published, value.measured + (f" ({value.interval})" if value.interval else "") or "-"
