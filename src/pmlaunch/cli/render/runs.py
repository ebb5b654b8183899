"""Runs for people: a list, one run in full, several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import SEVERITY_STYLES, say, short, table_of
from pmlaunch.model import RunState, Severity
from pmlaunch.planning.command_line import command_line
from pmlaunch.reporting.figures import length
from pmlaunch.support.text import duration, megabytes

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.text import Text

    from pmlaunch.runs.comparison import Compared, Comparison
    from pmlaunch.runs.details import Run
    from pmlaunch.runs.summary import RunSummary

_STYLES = {RunState.DONE: "green", RunState.RUNNING: "cyan"}
_MOST_MOTIONS = 40
_MOST_ROWS = 200  # of anything: a run folder may be a stranger's
_LONGEST_CELL = 400  # characters
_NUMBERS = ("motions", "success", "error", "duration")
_LEFT_OUT = ("model", "duration", "success", "motions")  # of a list, in this order, if it is wider than the terminal
_WIDEST = 400  # columns of a list, which is not broken: names are copied


def draw_runs(runs: Sequence[RunSummary], folder: Path, limit: int, console: Console) -> None:
    """Print the first `limit` runs as a table; 0 for all."""
    shown = runs[: limit or None]
    if shown:
        rows, left_out = [_cells(run) for run in shown], list(_LEFT_OUT if console.is_terminal else ())
        titles, widest = list(rows[0]), console.options.update(width=_WIDEST)
        while True:
            table = table_of(*titles, right=_NUMBERS)
            for row in rows:
                table.add_row(*(row[title] for title in titles))
            needed = console.measure(table, options=widest).maximum
            if needed <= console.width or not left_out:
                break
            titles.remove(left_out.pop(0))
        console.width = max(console.width, needed)
        console.print(table, crop=False)
    if len(runs) > len(shown):
        say(
            console,
            f"{_count(len(runs) - len(shown), 'older run')}: --limit 0 shows all, --since 7d those of a week",
            style="dim",
        )
    say(console, f"{_count(len(runs), 'run')} in {folder}" if runs else f"no such runs in {folder}", style="dim")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _cells(run: RunSummary) -> dict[str, str | Text]:
    """A row of the list, by the titles of its columns."""
    from rich.text import Text

    return {
        "run": run.name,
        "state": Text(run.state.value.replace("_", " "), _STYLES.get(run.state, "red")),
        "model": short(run.model),
        "motions": short(run.motions) + (f", {run.not_evaluated} skipped" if run.not_evaluated else ""),
        "success": "-" if run.success is None else f"{100 * run.success:.4g} %",
        "error": _length(run.error),
        "duration": seconds_text(run.seconds),
    }


def _cell(value: object) -> str:
    text = short(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} ..."


def _length(metres: float | None) -> str:
    return "-" if metres is None else length(metres)


def seconds_text(seconds: float | None) -> str:
    """The duration of a run; "-" if it is not known."""
    return "-" if seconds is None else duration(seconds, 1)


def draw_run(run: Run, console: Console) -> None:
    """Print everything about a run."""
    summary = run.summary
    state = (summary.state.value.replace("_", " "), _STYLES.get(summary.state, "red"))
    say(console, (run.name, "bold"), "  ", state, f"  {summary.started or ''}  {seconds_text(summary.seconds)}")
    say(console, run.verdict, style="bold", wrap=True)
    if run.asked:
        say(console, "command  ", command_line("pmlaunch", *run.asked.command))
        say(console, f"typed in {run.asked.folder}")
    values = [(name, entry.get("value"), entry.get("source")) for name, entry in run.values.items()]
    versions = [(name, version, "") for name, version in run.versions.items()]
    for header, source, entries in (("value", "from", values), ("version", "", versions)):
        if entries:
            table = table_of(header, "", source)
            for entry in entries[:_MOST_ROWS]:
                table.add_row(*map(_cell, entry))
            console.print(table)
    if run.figures:
        table = table_of("metric", "value", "unit", "meaning", right=("value",))
        table.columns[0].no_wrap = True
        for figure in run.figures[:_MOST_ROWS]:
            table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, figure.definition)
        console.print(table)
    lost = [motion.name for motion in run.motions if motion.success is False]
    if lost:
        say(console, f"lost: {short(lost)}", style="red")
    if run.not_evaluated:
        say(console, f"not evaluated, because they cannot be played: {short(list(run.not_evaluated))}", style="yellow")
    for note in run.notes[:_MOST_ROWS]:
        say(console, f"note: {note}", style="dim")
    for finding in run.findings[:_MOST_ROWS]:
        style = {severity.value: name for severity, name in SEVERITY_STYLES.items()}.get(
            str(finding.get("severity")), SEVERITY_STYLES[Severity.NOTE]
        )
        say(console, (str(finding.get("severity")), style), f" {finding.get('code')} {finding.get('message')}")
    files = [file.name + ("/" if file.size is None else f" ({megabytes(file.size)})") for file in run.files]
    say(console, f"files    {', '.join(files)}", wrap=True)
    say(console, f"run      {run.folder}")


def draw_comparison(comparison: Comparison, console: Console) -> None:
    """Print runs side by side; a star marks the best."""
    letters = [_letter(position) for position in range(len(comparison.runs))]
    for letter, name in zip(letters, comparison.runs, strict=True):
        say(console, (letter, "bold"), f"  {name}")
    if comparison.conditions:
        table = table_of("condition that differs", *letters)
        for name, values in list(comparison.conditions.items())[:_MOST_ROWS]:
            table.add_row(name, *map(_cell, values))
        console.print(table)
    else:
        say(console, "the same conditions", style="dim")
    _draw_rows("metric", comparison.figures[:_MOST_ROWS], letters, console)
    _draw_rows("mean error of motion", comparison.motions[:_MOST_MOTIONS], letters, console)
    if len(comparison.motions) > _MOST_MOTIONS:
        say(console, f"{len(comparison.motions) - _MOST_MOTIONS} more motions with --json", style="dim")
    for name, positions in list(comparison.lost.items())[:_MOST_MOTIONS]:
        say(console, f"lost {name}: {', '.join(letters[position] for position in positions)}", style="red")
    for note in comparison.notes:
        say(console, f"note: {note}", style="yellow", wrap=True)


def _letter(position: int) -> str:
    return chr(ord("A") + position)


def _draw_rows(title: str, rows: Sequence[Compared], letters: Sequence[str], console: Console) -> None:
    if not rows:
        return
    table = table_of(title, *letters, "unit")
    for column in table.columns[1:-1]:
        column.justify = "right"
    for row in rows:
        table.add_row(row.name, *map(row.cell, range(len(letters))), row.unit)
    console.print(table)
