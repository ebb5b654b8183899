"""`pmlaunch report`: one HTML file about one or more runs, or about a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import argument, option, shared
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console


@dataclass(frozen=True)
class ReportOptions:
    """The options of `pmlaunch report`."""

    wanted: tuple[str, ...] = argument(
        "Runs: folders, names or `latest` (default); or the folder of a sweep.", (), names="runs"
    )
    output: str | None = option(
        "The page; default: RUN.html in this folder.", flags=("--output", "-o"), metavar="FILE.html"
    )
    force: bool = option("Replace an existing file.", default=False)
    runs: str | None = shared("runs")


@command(ReportOptions)
def report_command(_: Invocation, options: ReportOptions) -> CommandResult:
    """Write one HTML file about runs or a sweep, with figures, tables and 3D playback, that opens without network.

    \b
    pmlaunch report                                   the latest run
    pmlaunch report runs/20260728-101500-demo-walk -o walk.html
    pmlaunch report latest OTHER_RUN -o both.html     several runs, side by side
    pmlaunch report sweeps/NAME                       all cells of a sweep
    """
    from pathlib import Path

    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.reporting.report import report_of_runs, write_report
    from pmlaunch.runs.selection import find_run
    from pmlaunch.settings import Settings
    from pmlaunch.sweeping.measured_sweep import is_sweep
    from pmlaunch.sweeping.report import report_of_sweep

    if len(options.wanted) == 1 and is_sweep(folder := expanded(options.wanted[0])):
        folders, subject = [folder], report_of_sweep(folder)
    else:
        runs = Path(runs_folder(Settings.here(), options.runs).value)
        folders = [find_run(typed, runs) for typed in options.wanted or (None,)]
        subject = report_of_runs(folders)
    path = expanded(options.output or f"{folders[0].resolve().name if len(folders) == 1 else 'report'}.html")
    page = write_report(path, subject, force=options.force)
    files = [path, *(path.with_name(name) for name in page.beside)]
    data = {"report": path, "files": files, "bytes": len(page.html) + sum(map(len, page.beside.values()))}
    return CommandResult("report", data=data, draw=partial(_draw, files))


def _draw(files: list[Path], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    say(console, f"report  {files[0].absolute()}")
    if len(files) > 1:
        say(console, f"        with {len(files) - 1} files beside it, which belong to it: {files[1].name} ...")
