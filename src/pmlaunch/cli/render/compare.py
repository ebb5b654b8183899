"""The comparison of two policies for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import say, short, table_of
from pmlaunch.runs.paired import PairedComparison, Verdict
from pmlaunch.runs.paired_tables import METHOD, caption, counts, heading, tables

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_STYLES = {Verdict.WORSE: "bold red", Verdict.BETTER: "bold green", Verdict.UNDECIDED: "bold"}
_MOST = 50  # groups of conditions, and notes


def draw_paired(comparison: PairedComparison, written: Path | None, console: Console) -> None:
    """Print the verdict, then the figures and worst regressions under each group of conditions."""
    say(console, heading(comparison), style=_STYLES[comparison.verdict], wrap=True)
    for sign, texts in (("worse ", comparison.worse), ("better", comparison.better)):
        for text in texts[:_MOST]:
            say(console, f"  {sign}  {text}", wrap=True)
    for group in comparison.groups[:_MOST]:
        say(console, "")
        say(console, caption(group), wrap=True)
        say(console, counts(group), wrap=True)
        for each in tables(group):
            table = table_of(*each.headers, right=each.headers[1:])
            for row in each.rows:
                table.add_row(*map(short, row))
            console.print(table)
    if len(comparison.groups) > _MOST:
        say(console, f"{len(comparison.groups) - _MOST} more conditions with --json", style="dim")
    say(console, METHOD, style="dim", wrap=True)
    for note in comparison.notes[:_MOST]:
        say(console, f"note: {note}", style="yellow", wrap=True)
    if written is not None:
        say(console, f"table  {written}")
