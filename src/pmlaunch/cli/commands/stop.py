"""`pmlaunch stop`: end a run from another console."""

from __future__ import annotations

from typing import Annotated

import typer


def stop_command(
    run: Annotated[str | None, typer.Argument(help="The run's folder or name; default: the one that goes on.")] = None,
    runs: Annotated[str | None, typer.Option(help="Folder of the run folders; default: ./runs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """End RUN: politely first, so that it writes its verdict, then everything below it."""
    from pathlib import Path

    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.running.stop import choose_run, stop_run
    from pmlaunch.settings import Settings

    chosen = choose_run(Path(runs_folder(Settings.here(), runs).value), run)
    stopped = stop_run(chosen)
    data = {"folder": str(stopped.folder), "state": stopped.state, "politely": stopped.politely}
    render(Outcome("stop", 0, data, shown=stopped), as_json=as_json)
    return 0
