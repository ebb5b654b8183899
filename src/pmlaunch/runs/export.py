"""Export the motion of a run, or a motion file, by the options of `pmlaunch export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import argument, option, require_choice, shared
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from pmlaunch.motions.export import Exported
    from pmlaunch.motions.export_source import Take, What


@dataclass(frozen=True)
class ExportOptions:
    """The options of an export."""

    wanted: str = argument(
        "A run (name, unique beginning, latest, latest~1 or path), or a motion: its name or file.", names="motions"
    )
    to: str = option("glb, bvh, usda, npz or csv.", "glb", choices=("glb", "bvh", "usda", "npz", "csv"))
    what: str = option("policy, reference or both.", "policy", choices=("policy", "reference", "both"))
    motion: str | None = option("One of the run's motions; default: each to a file.", flags=("--motion", "-m"))
    fps: float | None = option("Resample to this rate in Hz; default: the motion's.")
    up: str | None = option("The axis that is up; default: the format's (glb, bvh: y).", choices=("y", "z"))
    output: str | None = option("The file; default: NAME.FORMAT here.", flags=("--output", "-o"), metavar="FILE")
    force: bool = option("Replace an existing file.", default=False)
    runs: str | None = shared("runs")
    protomotions: str | None = shared("protomotions", help="The checkout with the motion, and the names of its bodies.")


def export_motions(options: ExportOptions) -> list[Exported]:
    """Write one file for each motion; nothing if one of them cannot be exported.

    Raises:
        PmlaunchError: PML001, PML010, PML011, PML360 to PML364, or the file is no motion (PML121 to PML126).
    """
    from pmlaunch.motions.export import ExportRequest, check_files, check_request, prepare
    from pmlaunch.motions.export_source import What

    for name in ("to", "what", "up"):
        require_choice(ExportOptions, name, getattr(options, name))
    what, request = What(options.what), ExportRequest(options.to, options.fps, options.up)
    check_request(request, 2 if what is What.BOTH else 1)
    name, takes = _takes(options, what)
    file = expanded(options.output) if options.output else Path(f"{name}.{options.to}")
    files = [file] if len(takes) == 1 else _beside(file, takes)
    prepared = [prepare(take.animations, request) for take in takes]
    check_files(files, force=options.force)
    return [each.write(file) for each, file in zip(prepared, files, strict=True)]


def _takes(options: ExportOptions, what: What) -> tuple[str, list[Take]]:
    """The name of what is exported, and its motions."""
    from pmlaunch.motions.export_source import What, takes_of_file, takes_of_saved
    from pmlaunch.motions.recorded_motion import FILE
    from pmlaunch.runs.playable import find_playable
    from pmlaunch.settings import Settings

    found = find_playable(options.wanted, Settings.here(), options.runs, options.protomotions)
    file = found / FILE if found.is_dir() else found
    if file.name == FILE:
        return file.absolute().parent.name, takes_of_saved(file, what, options.motion)
    if what is not What.POLICY or options.motion is not None:
        raise PmlaunchError("PML001", f"{file} is no run: --what and --motion choose of a run's motions.")
    return file.stem, takes_of_file(file, partial(_body_names, options))


def _body_names(options: ExportOptions, count: int) -> Sequence[str]:
    """The bodies of the checkout's robot that has so many; none without a checkout, or if robots contradict each other."""
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


def _beside(file: Path, takes: Sequence[Take]) -> list[Path]:
    """One file for each of several motions: its name is added to that of `file`."""
    from pmlaunch.motions.export_bvh import unique

    names = unique(tuple(take.name[:60] for take in takes), r"[^\w.\-]")
    return [file.with_name(f"{file.stem}-{name}{file.suffix}") for name in names]
