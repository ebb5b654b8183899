"""`pmlaunch view`: play a motion file or a run in the browser."""

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

    from pmlaunch.reporting.page import Subject


@dataclass(frozen=True)
class ViewOptions:
    """The options of `pmlaunch view`."""

    wanted: str = argument(
        "A motion's name or file (.npy, .motion, .pt, .npz), or a run: folder, name or `latest`.", names="motions"
    )
    output: str | None = option(
        "Write the page here; default: a temporary file.", flags=("--output", "-o"), metavar="FILE.html"
    )
    force: bool = option("Replace an existing file.", default=False)
    open_page: bool = option("Open the page in the browser; default.", default=True, flags=("--open",), off="--no-open")
    runs: str | None = shared("runs")
    protomotions: str | None = shared("protomotions")


@command(ViewOptions)
def view_command(invocation: Invocation, options: ViewOptions) -> CommandResult:
    """Play a motion of any generation, or a run, in the browser. Needs no GPU, simulator or checkout.

    \b
    pmlaunch view walk                       a motion by name
    pmlaunch view output_walk.motion         a file, or a packed library
    pmlaunch view latest                     the latest run
    """
    from pathlib import Path
    from tempfile import mkdtemp

    from pmlaunch.reporting.report import write_report
    from pmlaunch.support.desktop import open_on_desktop

    subject = _subject(options)
    path = expanded(options.output or Path(mkdtemp(prefix="pmlaunch-"), "view.html"))
    write_report(path, subject, force=options.force)
    opened = options.open_page and not invocation.as_json and open_on_desktop(path.absolute())
    return CommandResult("view", data={"page": path.absolute(), "opened": opened}, draw=partial(_draw, path, opened))


def _subject(options: ViewOptions) -> Subject:
    from pmlaunch.reporting.report import report_of_runs, view_of_motion
    from pmlaunch.runs.playable import find_playable
    from pmlaunch.settings import Settings

    found = find_playable(options.wanted, Settings.here(), options.runs, options.protomotions)
    return report_of_runs([found]) if found.is_dir() else view_of_motion(found)


def _draw(path: Path, opened: bool, console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    say(console, f"{'opened' if opened else 'page'}  {path.absolute()}")
    if not opened:
        say(console, "        open this file in a browser")
