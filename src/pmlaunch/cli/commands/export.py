"""`pmlaunch export`: write the motion of a run, or a motion file, for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import argument, option, require_choice, shared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from pmlaunch.motions.export import Exported
    from pmlaunch.motions.export_source import Take, What


@dataclass(frozen=True)
class ExportOptions:
    """The options of `pmlaunch export`."""

    wanted: str = argument("A run (folder, name or `latest`) or a motion file.")
    to: str = option("glb, bvh, usda, npz or csv.", "glb", choices=("glb", "bvh", "usda", "npz", "csv"))
    what: str = option("policy, reference or both.", "policy", choices=("policy", "reference", "both"))
    motion: str | None = option("One of the run's motions; default: each to a file.", flags=("--motion", "-m"))
    fps: float | None = option("Resample to this rate in Hz; default: the motion's.")
    up: str | None = option("The axis that is up; default: the format's (glb, bvh: y).", choices=("y", "z"))
    output: str | None = option("The file; default: NAME.FORMAT here.", flags=("--output", "-o"), metavar="FILE")
    force: bool = option("Replace an existing file.", default=False)
    runs: str | None = shared("runs")
    protomotions: str | None = shared("protomotions", help="The checkout that names the bodies of a .motion file.")


@command(ExportOptions)
def export_command(_: Invocation, options: ExportOptions) -> CommandResult:
    """Export the motion of a run, or a motion file, for Blender, Maya, Omniverse, viewers or your own scripts.

    \b
    pmlaunch export latest                              latest run to GLB: Blender, Windows' 3D Viewer
    pmlaunch export latest --what both -o compare.glb   with its reference beside it
    pmlaunch export runs/20260728-101500-demo-walk --to bvh --fps 60
    pmlaunch export walk.npy --to usda
    """
    from pathlib import Path

    from pmlaunch.motions.export import ExportRequest, check_files, check_request, prepare
    from pmlaunch.motions.export_source import What

    for name in ("to", "what", "up"):
        require_choice(ExportOptions, name, getattr(options, name))
    what, request = What(options.what), ExportRequest(options.to, options.fps, options.up)
    check_request(request, 2 if what is What.BOTH else 1)
    name, takes = _takes(options, what)
    file = Path(options.output).expanduser() if options.output else Path(f"{name}.{options.to}")
    files = [file] if len(takes) == 1 else _beside(file, takes)
    prepared = [prepare(take.animations, request) for take in takes]  # refuse before anything is written
    check_files(files, force=options.force)
    written = [each.write(file) for each, file in zip(prepared, files, strict=True)]
    return CommandResult("export", data={"files": written}, draw=partial(_draw, written))


def _takes(options: ExportOptions, what: What) -> tuple[str, list[Take]]:
    """The name of what is exported, and its motions. Raises PML010, PML011, PML361 and what motion files raise."""
    from pathlib import Path

    from pmlaunch.errors import PmlaunchError
    from pmlaunch.motions.export_source import What, takes_of_file, takes_of_saved
    from pmlaunch.motions.recorded_motion import FILE

    file = Path(options.wanted).expanduser()
    if not file.is_file():
        run = _run(options)
        return run.name, takes_of_saved(run / FILE, what, options.motion)
    if file.name == FILE:
        return file.absolute().parent.name, takes_of_saved(file, what, options.motion)
    if what is not What.POLICY or options.motion is not None:
        raise PmlaunchError("PML001", f"{file} is one motion: --what and --motion choose of a run's.")
    return file.stem, takes_of_file(file, partial(_body_names, options))


def _body_names(options: ExportOptions, count: int) -> Sequence[str]:
    """The bodies of the checkout's robot that has so many; none without a checkout, or if robots contradict each other."""
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.settings import Settings

    try:
        found = {robot.bodies for robot in find_checkout(Settings.here(), options.protomotions).robots()}
    except PmlaunchError:
        if options.protomotions is not None:
            raise
        return ()
    fitting = [bodies for bodies in found if len(bodies) == count]
    return fitting[0] if len(fitting) == 1 else ()


def _run(options: ExportOptions) -> Path:
    """The run folder that was named."""
    from pathlib import Path

    from pmlaunch.errors import UnknownNameError, did_you_mean
    from pmlaunch.planning.launch import runs_folder
    from pmlaunch.settings import Settings

    if (folder := Path(options.wanted).expanduser()).is_dir():
        return folder.absolute()
    runs = Path(runs_folder(Settings.here(), options.runs).value)
    names = sorted(path.parent.name for path in runs.glob("*/record.json"))
    matching = names[-1:] if options.wanted == "latest" else [name for name in names if name == options.wanted]
    if matching:
        return runs / matching[0]
    near = did_you_mean(options.wanted, names)
    raise UnknownNameError(f"No run in {runs} and no motion file is called {options.wanted!r}.{near}")


def _beside(file: Path, takes: list[Take]) -> list[Path]:
    """One file for each of several motions: its name is added to that of `file`."""
    from pmlaunch.motions.export_bvh import unique

    names = unique(tuple(take.name[:60] for take in takes), r"[^\w.\-]")
    return [file.with_name(f"{file.stem}-{name}{file.suffix}") for name in names]


def _draw(written: list[Exported], console: Console) -> None:
    from pmlaunch.cli.render.layout import say

    for one in written:
        rate, rows = (
            f"{one.frames} frames at {one.fps:g} Hz",
            f"{one.bodies} bodies, {one.up} up, {one.size:,} bytes, within {1000 * one.error:.2g} mm",
        )
        say(console, f"exported  {one.file}")
        say(console, f"          {rate}, {rows}")
