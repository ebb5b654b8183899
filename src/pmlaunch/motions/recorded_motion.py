"""motion.npz: the simulated motion as plain arrays, which `numpy.load(path, allow_pickle=False)` reads.

    positions (frames, envs, bodies, 3) m and rotations (frames, envs, bodies, 4) xyzw of the bodies in the world,
    reference (frames, envs, bodies, 3) m where they should have been, and reference_rotations (frames, envs, bodies, 4)
    xyzw, fps, body_names (bodies), parents (bodies), motions (envs) the motion that each followed, frames (envs) the
    number of frames of each; the rest is nan. schema is 2; files without it (1) hold no reference_rotations.

An environment that followed several motions in turn has one column for each.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pmlaunch.motions.kinematics import Array
from pmlaunch.support.atomic import replacing
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.torch_pickles import open_zip

FILE: Final = "motion.npz"
SCHEMA: Final = 2
_INFLATED = 64 << 20  # bytes that compressed arrays may take
MALFORMED = (
    LookupError, EOFError, TypeError, MemoryError, RecursionError, BadZipFile, NotImplementedError, RuntimeError, SyntaxError,
    tokenize.TokenError, zlib.error, struct.error,
)  # fmt: skip
"""What a broken archive or array may raise, beside OSError and ValueError."""


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


def read_saved(path: Path, *, turns: bool = True) -> SavedMotion:
    """Read motion.npz without executing anything, and without more memory than the file has bytes.

    Without `turns` the rotations, half of the file, are not read: an empty array and None.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a saved motion.
    """
    try:
        with open_ordinary(path) as file:
            _refuse_inflated(file)
            with np.load(file, allow_pickle=False) as arrays:
                saved = SavedMotion(
                    positions=arrays["positions"],
                    rotations=arrays["rotations"] if turns else np.empty(0, np.float32),
                    reference=arrays["reference"] if "reference" in arrays.files else None,
                    fps=float(arrays["fps"]),
                    body_names=tuple(map(str, arrays["body_names"])),
                    parents=arrays["parents"],
                    motions=tuple(map(str, arrays["motions"])),
                    frames=arrays["frames"],
                    reference_rotations=arrays["reference_rotations"]
                    if turns and "reference_rotations" in arrays.files
                    else None,
                )
    except MALFORMED as error:
        raise ValueError(f"{path.name} is not a saved motion: {error}") from error
    shape = saved.positions.shape
    if len(shape) != 4 or shape[1:3] != (len(saved.motions), len(saved.body_names)):
        raise ValueError(f"{path.name} is not a saved motion: positions are {shape}")
    return saved


def _refuse_inflated(file: BinaryIO) -> None:
    """Raise ValueError for arrays that take much more memory than the file has bytes."""
    size = file.seek(0, io.SEEK_END)
    with open_zip(file) as archive:
        entries = archive.infolist()
        for entry in entries:
            if entry.compress_type in (ZIP_STORED, ZIP_DEFLATED):
                with archive.open(entry) as array:
                    reader = npy.read_array_header_1_0 if npy.read_magic(array) == (1, 0) else npy.read_array_header_2_0
                    shape, _, dtype = reader(array)
                    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > entry.file_size:
                        raise ValueError(f"{entry.filename} does not have the numbers of its shape {shape}")
    methods = {entry.compress_type for entry in entries}
    if sum(entry.file_size for entry in entries) > max(size, _INFLATED) or methods - {ZIP_STORED, ZIP_DEFLATED}:
        raise ValueError("it decompresses to more than a motion can have")
    file.seek(0)
