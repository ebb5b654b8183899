"""motion.npz: the simulated motion as plain arrays, which `numpy.load(path, allow_pickle=False)` reads.

    positions (frames, envs, bodies, 3) m and rotations (frames, envs, bodies, 4) xyzw of the bodies in the world,
    reference (frames, envs, bodies, 3) m where they should have been, and reference_rotations (frames, envs, bodies, 4)
    xyzw, fps, body_names (bodies), parents (bodies), motions (envs) the motion that each followed, frames (envs) the
    number of frames of each; the rest is nan. schema is 2; files without it (1) hold no reference_rotations.

An environment that followed several motions in turn has one column for each.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pmlaunch.motions.kinematics import Array
from pmlaunch.support.atomic import replacing

FILE: Final = "motion.npz"
SCHEMA: Final = 2
_MOST_BYTES: Final = 2 << 30
"""Of all arrays, unpacked: twice what is kept of a run."""


@dataclass(frozen=True, eq=False)
class SavedMotion:
    """The content of motion.npz; what there was not of the reference is None, a parent is -1 for a root or if unknown."""

    positions: Array
    rotations: Array
    reference: Array | None
    fps: float
    body_names: tuple[str, ...]
    parents: NDArray[np.int64]
    motions: tuple[str, ...]
    frames: NDArray[np.int64]
    reference_rotations: Array | None = None


def padded(columns: Sequence[Sequence[Array]]) -> Array:
    """Stack columns of frames (bodies, n) to (frames, columns, bodies, n); shorter columns are padded with nan."""
    longest = max(len(column) for column in columns)
    shape = next(column[0].shape for column in columns if column)
    whole = np.full((longest, len(columns), *shape), np.nan, dtype=np.float32)
    for index, column in enumerate(columns):
        if column:
            whole[: len(column), index] = np.stack(list(column))
    return whole


def write_saved(path: Path, saved: SavedMotion) -> None:
    """Write `saved` atomically. Raises OSError."""
    arrays = {name: value for name, value in vars(saved).items() if value is not None}
    for name in {"positions", "rotations", "reference", "reference_rotations"} & arrays.keys():
        arrays[name] = arrays[name].astype(np.float32)
    arrays["schema"] = np.int64(SCHEMA)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_saved(path: Path) -> SavedMotion:
    """Read motion.npz without executing anything.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a saved motion.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ValueError(f"{path.name} unpacks to more than a motion takes")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            saved = SavedMotion(
                positions=arrays["positions"],
                rotations=arrays["rotations"],
                reference=arrays["reference"] if "reference" in arrays.files else None,
                fps=float(arrays["fps"]),
                body_names=tuple(map(str, arrays["body_names"])),
                parents=arrays["parents"],
                motions=tuple(map(str, arrays["motions"])),
                frames=arrays["frames"],
                reference_rotations=arrays["reference_rotations"] if "reference_rotations" in arrays.files else None,
            )
    except (KeyError, EOFError, TypeError, MemoryError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is no saved motion: {error}") from error
    shape = saved.positions.shape
    if len(shape) != 4 or shape[1:3] != (len(saved.motions), len(saved.body_names)):
        raise ValueError(f"{path.name} is no saved motion: positions are {shape}")
    return saved
