"""What to export of a run's motion.npz or of a motion file. Nothing in a file is executed; all of it is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

import numpy as np

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.motions.animation import Animation, animation_of
from pmlaunch.motions.clips import read_clips
from pmlaunch.motions.recorded_motion import FILE, SavedMotion, read_saved


class What(str, Enum):
    """Which of the two motions of a run."""

    POLICY = "policy"
    REFERENCE = "reference"
    BOTH = "both"


@dataclass(frozen=True)
class Take:
    """A motion by its name, with one animation, or policy and reference."""

    name: str
    animations: tuple[Animation, ...]


def takes_of_file(path: Path, names_of: Callable[[int], Sequence[str]] | None = None) -> list[Take]:
    """The motions of a motion file. `names_of` gives the names of so many bodies for a file without, or none.

    Raises:
        PmlaunchError: PML121 the file is missing, PML122 it is not a motion, PML123 its pickle asks for a function.
    """
    if path.suffix.casefold() == ".npz":
        return takes_of_saved(path, What.POLICY)
    takes = []
    try:
        for clip in read_clips(path):
            if clip.rotations is None:
                raise ValueError("it holds positions without rotations")  # noqa: TRY301
            count = len(clip.parents)
            names = (
                clip.body_names or (names_of(count) if names_of else ()) or [f"body {body}" for body in range(count)]
            )
            skeleton = names, clip.parents.tolist()
            takes.append(Take(clip.name, (animation_of("motion", skeleton, clip.positions, clip.rotations, clip.fps),)))
        return takes
    except ValueError as error:
        raise PmlaunchError("PML122", f"{path.name} cannot be exported: {error}.", subject=str(path)) from None


def takes_of_saved(path: Path, what: What, wanted: str | None = None) -> list[Take]:
    """The motions of a motion.npz: all, or the one named `wanted`.

    Raises:
        PmlaunchError: PML010 no motion has this name, PML361 there is no motion, or not `what` is asked of it.
    """
    if not path.is_file():
        fix = f'pmlaunch runs rerun "{path.parent}" --save-motion'
        raise PmlaunchError("PML361", f"This run kept no motion: it has no {FILE}.", fix=fix, subject=str(path))
    try:
        saved = read_saved(path)
        columns = [index for index, name in enumerate(saved.motions) if wanted in (None, name)]
        if not columns:
            near = did_you_mean(str(wanted), list(saved.motions)) or f" It has {', '.join(saved.motions[:8])}."
            raise PmlaunchError("PML010", f"The run has no motion {wanted!r}.{near}", subject=wanted)
        takes = [_take(saved, column, what) for column in columns]
        if not (found := [take for take in takes if take is not None]):
            _refuse("No motion in it has a frame.", path)
        return found
    except (OSError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise PmlaunchError("PML361", f"{path.name} cannot be exported: {error}.", subject=str(path)) from None


def _take(saved: SavedMotion, column: int, what: What) -> Take | None:
    """One column of a saved motion; None without frames."""
    count = int(saved.frames[column])
    if not 0 < count <= len(saved.positions):
        return None
    parts = {}
    if what is not What.REFERENCE:
        parts["policy"] = saved.positions, saved.rotations
    if what is not What.POLICY:
        if saved.reference is None:
            _refuse("This run followed no reference.", saved.motions[column])
        if saved.reference_rotations is None:
            _refuse("Its reference has positions only: an older version wrote it.", saved.motions[column])
        parts["reference"] = saved.reference, saved.reference_rotations
    skeleton = saved.body_names, np.asarray(saved.parents).tolist()
    animations = [
        animation_of(name, skeleton, positions[:count, column], rotations[:count, column], saved.fps)
        for name, (positions, rotations) in parts.items()
    ]
    return Take(saved.motions[column] or "motion", tuple(animations))


def _refuse(why: str, subject: object) -> NoReturn:
    raise PmlaunchError("PML361", why, subject=str(subject)).retrying({"--what": "policy"})
