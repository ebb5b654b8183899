"""Export motions to files of other programs. A new format needs a writer, and a row in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.animation import Animation
from pmlaunch.motions.export_bvh import bvh
from pmlaunch.motions.export_glb import glb
from pmlaunch.motions.export_tables import csv_table, npz
from pmlaunch.motions.export_usda import usda
from pmlaunch.support.atomic import write_bytes

LOOSEST: Final = 0.02
"""m by which a body may miss its place in a rigid skeleton. Simulators with exact joints reach 0.00001 m, a reference
that was interpolated between its frames some millimetres."""


@dataclass(frozen=True)
class ExportFormat:
    """A format, its name also the suffix of its files.

    Attributes:
        write: makes the content from animations of one rate and length, and the axis ("y" or "z") that is up.
        ups: the axes that may be up, the default first.
        several: whether it holds policy and reference side by side.
        one_root: whether all bodies must hang together.
        rigid: whether a body keeps its place in its parent's frame, whatever the motion says.
    """

    write: Callable[[tuple[Animation, ...], str], bytes]
    ups: tuple[str, ...]
    several: bool = False
    one_root: bool = False
    rigid: bool = False


FORMATS: Final[Mapping[str, ExportFormat]] = {
    "glb": ExportFormat(glb, ("y",), several=True),
    "bvh": ExportFormat(bvh, ("y", "z"), one_root=True, rigid=True),
    "usda": ExportFormat(usda, ("z", "y"), several=True),
    "npz": ExportFormat(npz, ("z", "y"), several=True),
    "csv": ExportFormat(csv_table, ("z", "y")),
}


@dataclass(frozen=True)
class Exported:
    """A written file; `error` is the largest distance in m of a body from the motion, `up` the axis that is up."""

    file: Path
    size: int  # bytes
    bodies: int
    frames: int
    fps: float
    up: str
    error: float


@dataclass(frozen=True)
class ExportRequest:
    """How to export: the format's name, the rate in Hz (None: the motion's), the axis that is up (None: the format's)."""

    to: str
    fps: float | None = None
    up: str | None = None


def check_request(request: ExportRequest, count: int) -> None:
    """Raise PML360 if the format cannot hold `count` animations or the axis, PML001 for an impossible rate."""
    form = FORMATS[request.to]
    if count > 1 and not form.several:
        able = ", ".join(name for name, other in FORMATS.items() if other.several)
        message = f"A {request.to} file holds one skeleton, not policy and reference. These hold both: {able}."
        raise PmlaunchError("PML360", message).retrying({"--to": able.split(", ")[0]})
    if request.up is not None and request.up not in form.ups:
        message = f"In a {request.to} file, {form.ups[0]} is up."
        raise PmlaunchError("PML360", message).retrying({"--up": None})
    if request.fps is not None and not 0.01 <= request.fps <= 1000:
        raise PmlaunchError("PML001", f"--fps cannot be {request.fps:g}: it is 0.01 to 1000.").retrying({"--fps": "30"})


@dataclass(frozen=True, eq=False)
class Prepared:
    """Animations as they will be written: resampled, and in the axes of the file."""

    form: ExportFormat
    animations: tuple[Animation, ...]
    up: str
    error: float  # see `Exported`

    def write(self, file: Path) -> Exported:
        """Write the file, atomically. Raises PML364."""
        content = self.form.write(self.animations, self.up)
        try:
            write_bytes(file, content)
        except OSError as error:
            message = f"Cannot write {file}: {error.strerror or error}."
            raise PmlaunchError("PML364", message, hint="-o names another file", subject=str(file)) from error
        first = self.animations[0]
        bodies = len(first.parents)
        return Exported(file.absolute(), len(content), bodies, first.frames, first.fps, self.up, self.error)


def prepare(animations: tuple[Animation, ...], request: ExportRequest) -> Prepared:
    """Convert animations of the same frames for a file.

    Raises:
        PmlaunchError: PML001, PML360 the format cannot hold what is asked, PML362 its bones cannot follow the bodies.
    """
    check_request(request, len(animations))
    form = FORMATS[request.to]
    up = request.up or form.ups[0]
    if form.one_root and any(len(animation.roots) > 1 for animation in animations):
        message = f"A {request.to} file holds one skeleton, and these bodies have no common root."
        raise PmlaunchError("PML360", message).retrying({"--to": "glb"})
    made = [animation if request.fps is None else animation.at_rate(request.fps) for animation in animations]
    made = [animation.y_up() if up == "y" else animation for animation in made]
    error = max(animation.error + (_error(animation) if form.rigid else 0.0) for animation in made)
    if form.rigid and error > LOOSEST:
        message = (
            f"The bodies move by up to {100 * error:.1f} cm against each other: a {request.to} file holds rigid bones."
        )
        raise PmlaunchError("PML362", message).retrying({"--to": "glb"})
    return Prepared(form, tuple(made), up, error)


def check_files(files: Iterable[Path], *, force: bool) -> None:
    """Raise PML363 if one of the files exists, unless `force` is given."""
    for file in files:
        if not force and (file.exists() or file.is_symlink()):
            raise PmlaunchError("PML363", f"{file} exists already.", subject=str(file)).retrying({"--force": True})


def _error(animation: Animation) -> float:
    """The largest distance in m between the bodies of an animation and those of its rigid skeleton."""
    if not np.delete(animation.moving, animation.roots).any():
        return 0.0
    apart = animation.world()[0] - animation.rigid().world()[0]
    return float(np.linalg.norm(apart, axis=-1).max())
