"""The comparison of two policies for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import say, table_of
from pmlaunch.runs.paired import PairedComparison, Verdict
from pmlaunch.runs.paired_tables import (
    HEADERS,
    MOTION_HEADERS,
    SEED_HEADERS,
    caption_of,
    regressions_of,
    rows_of,
    seeds_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_STYLES = {Verdict.WORSE: "bold red", Verdict.BETTER: "bold green", Verdict.UNDECIDED: "bold"}
_MOST_GROUPS = 50


def draw_paired(comparison: PairedComparison, written: Path | None, console: Console) -> None:
    """Print the verdict, then the figures and worst regressions of each group of conditions."""
    verdicts = {Verdict.WORSE: "B is worse than A", Verdict.BETTER: "B is better than A"}
    said = verdicts.get(comparison.verdict, "no significant difference")
    if comparison.worse and comparison.better:
        said = "B is worse than A in some respects, better in others"
    say(console, ("A", "bold"), f"  {comparison.a}")
    say(console, ("B", "bold"), f"  {comparison.b}")
    say(console, said, style=_STYLES[comparison.verdict])
    for sign, texts in (("worse ", comparison.worse), ("better", comparison.better)):
        for text in texts[:_MOST_GROUPS]:
            say(console, f"  {sign}  {text}", wrap=True)
    for group in comparison.groups[:_MOST_GROUPS]:
        say(console, "")
        say(console, caption_of(group), wrap=True)
        _draw(HEADERS, rows_of(group), console)
        _draw(SEED_HEADERS, seeds_of(group), console)
        say(console, f"B tracks {group.wins} motions more often and {group.losses} less often.")
        regressions = regressions_of(group)
        if regressions:
            say(console, "worst regressions:", style="dim")
        _draw(MOTION_HEADERS, regressions, console)
    if len(comparison.groups) > _MOST_GROUPS:
        say(console, f"{len(comparison.groups) - _MOST_GROUPS} more conditions with --json", style="dim")
    for note in comparison.notes[:_MOST_GROUPS]:
        say(console, f"note: {note}", style="yellow", wrap=True)
    if written is not None:
        say(console, f"table  {written}")


def _draw(headers: Sequence[str], rows: Sequence[tuple[str, ...]], console: Console) -> None:
    if rows:
        table = table_of(*headers, right=headers[1:])
        for row in rows:
            table.add_row(*row)
        console.print(table)
