"""`pmlaunch export`: write the motion of a run, or a motion file, for other programs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.runs.export import ExportOptions, export_motions

if TYPE_CHECKING:
    from rich.console import Console

    from pmlaunch.motions.export import Exported


@command(ExportOptions)
def export_command(_: Invocation, options: ExportOptions) -> CommandResult:
    """Export the motion of a run, or a motion file, for Blender, Maya, Omniverse, viewers or your own scripts.

    \b
    pmlaunch export latest                    latest run to GLB, for Blender
    pmlaunch export latest --what both        with its reference beside it
    pmlaunch export latest --to bvh --fps 60
    pmlaunch export walk --to usda            a motion by name, or its file
    """
    written = export_motions(options)
    return CommandResult("export", data={"files": written}, draw=partial(_draw, written))


def _draw(written: list[Exported], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for one in written:
        rate = f"{one.frames} frames at {one.fps:g} Hz, {one.bodies} bodies, {one.up} up"
        say(console, f"exported  {one.file}")
        say(console, f"          {rate}, {one.size:,} bytes, within {1000 * one.error:.2g} mm")
