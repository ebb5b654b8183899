"""How far a sweep is, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import say
from pmlaunch.running.run_folder import LOG
from pmlaunch.support.text import clean_line
from pmlaunch.sweeping.journal import RUNS
from pmlaunch.sweeping.summary import SweepSummary

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pmlaunch.cli.result import Draw
    from pmlaunch.sweeping.control import StoppedSweep


def draw_summary(summary: SweepSummary, more: Draw | None, console: Console, *, report: Path | None = None) -> None:
    """Print the counts of a sweep, its failures, what is `more`, and where its report is."""
    state = f"  (running in process {summary.process})" if summary.running else "  (stopped)" if summary.waiting else ""
    say(console, f"{summary.folder}{state}", style="bold")
    counts = (
        (summary.done, f"done, {summary.tracked} of them tracked to the end"),
        (summary.failed, "failed"),
        (summary.abnormal, "ended abnormally"),
        (summary.waiting, "not run yet"),
    )
    for number, text in counts:
        if number:
            say(console, f"  {number} of {summary.cells} cells {text}")
    for failure in summary.failures:
        say(console, f"  {clean_line(str(failure))}", style="yellow")
        if failure.run:
            run = summary.folder / RUNS / failure.run
            say(console, f"    {run / LOG if (run / LOG).is_file() else run}", style="dim")
    if more is not None:
        more(console)
    if report is not None:
        say(console, f"report  {report}")


def draw_stopped(stopped: StoppedSweep, console: Console) -> None:
    """Print how a sweep was stopped."""
    how = "its jobs ended by themselves" if stopped.politely else "its processes were ended"
    say(console, f"stopped  {stopped.folder}  ({how}; the same command continues)")
