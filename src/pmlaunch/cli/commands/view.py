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
    from pmlaunch.settings import Settings


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
    from pmlaunch.settings import Settings
    from pmlaunch.support.desktop import open_on_desktop

    subject = _subject(options, Settings.here())
    path = expanded(options.output or Path(mkdtemp(prefix="pmlaunch-"), "view.html"))
    write_report(path, subject, force=options.force)
    opened = options.open_page and not invocation.as_json and open_on_desktop(path.absolute())
    return CommandResult("view", data={"page": path.absolute(), "opened": opened}, draw=partial(_draw, path, opened))


def _subject(options: ViewOptions, settings: Settings) -> Subject:
    """What to show: a folder is a run, a file a motion; a name is a run's if there is such a run, else a motion's."""
    from pathlib import Path

    from pmlaunch.errors import UnknownNameError
    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.reporting.report import report_of_runs, view_of_motion
    from pmlaunch.runs.selection import find_run

    typed = expanded(options.wanted)
    if typed.is_file():
        return view_of_motion(typed)
    try:
        run = find_run(options.wanted, Path(runs_folder(settings, options.runs).value))
    except UnknownNameError:
        if options.wanted.startswith("latest"):
            raise
        return view_of_motion(_motion_named(options, settings))
    return report_of_runs([run])


def _motion_named(options: ViewOptions, settings: Settings) -> Path:
    """The file of a motion of the checkout, or of the embedded evaluation if there is none. Raises PML010, PML011."""
    from pmlaunch.catalog.motions import MotionSearch
    from pmlaunch.catalog.presets import presets
    from pmlaunch.catalog.robots import robots
    from pmlaunch.errors import NoCheckoutError
    from pmlaunch.generations.demo import demo_checkout
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.support.paths import Place

    try:
        checkout = find_checkout(settings, options.protomotions)
    except NoCheckoutError:
        if options.protomotions is not None:
            raise
        checkout = demo_checkout()
    available = robots(checkout, presets("robot", settings.preset_folders))
    places = [Place(settings.folder), Place(checkout.root)]
    search = MotionSearch(checkout, available, None, presets("motion", settings.preset_folders), places)
    return search.find(options.wanted)


def _draw(path: Path, opened: bool, console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    say(console, f"{'opened' if opened else 'page'}  {path.absolute()}")
    if not opened:
        say(console, "        open this file in a browser")
