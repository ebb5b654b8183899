"""`pmlaunch stop`: stop a run from another console."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import argument, shared

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.running.stop import Stopped


@dataclass(frozen=True)
class StopOptions:
    """The options of `pmlaunch stop`."""

    run: str | None = argument("The run's folder or name; default: the one that is running.", None, names="runs")
    runs: str | None = shared("runs")


@command(StopOptions)
def stop_command(_: Invocation, options: StopOptions) -> CommandResult:
    """Stop RUN: ask it to finish and write its results, then end every process it started."""
    from pathlib import Path

    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.running.stop import choose_run, stop_run
    from pmlaunch.settings import Settings

    stopped = stop_run(choose_run(Path(runs_folder(Settings.here(), options.runs).value), options.run))
    return CommandResult("stop", data=stopped, draw=partial(_draw, stopped))


def _draw(stopped: Stopped, console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    how = "it wrote its own verdict" if stopped.politely else "its processes were ended"
    say(console, f"stopped  {stopped.folder}  ({stopped.state}; {how})")
