"""Motions that torch saved: those of 2.x's H1 and G1, and all of ProtoMotions 3, single or packed in a library.

The file is a zip with one pickle (NAME/data.pkl) of tensors and, beside it, a file with the numbers of each. A motion
holds global_translation (2.x) or rigid_body_pos (3.x), (frames, bodies, 3) m, and fps; a library (3.x) holds gts
(frames of all motions, bodies, 3) m and motion_lengths (motions,) s. Nothing is executed, as torch.load would, and
torch is not needed; `open_tensors` reads the numbers, for which it imports numpy.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.outline import MotionOutline
from pmlaunch.support import safe_pickle
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.torch_pickles import open_zip, read_entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAXIMUM_PICKLE = 8 << 20  # bytes; a motion takes about a thousand, a library holds tens of thousands of names
_MAXIMUM_BYTES = 1 << 30  # of one tensor
_MAXIMUM_MOTIONS = 1_000_000  # compressed lengths may be a thousand times as long as the file
# What upstream reads of every motion, the positions first: each tensor has a row for each frame
_FIELDS_2 = (
    *("global_translation", "global_rotation", "global_velocity", "global_angular_velocity"),
    *("global_root_velocity", "global_root_angular_velocity", "dof_pos", "dof_vels"),
)
_FIELDS_3 = ("rigid_body_pos", "rigid_body_rot", "rigid_body_vel", "rigid_body_ang_vel", "dof_pos", "dof_vel")
_FIELDS = {".npy": _FIELDS_2, ".motion": _FIELDS_3}
_FIELDS_OF_LIBRARY = ("gts", "grs", "gvs", "gavs", "dvs", "dps")
_OF_EACH_MOTION = ("motion_lengths", "motion_num_frames", "motion_dt", "motion_weights", "length_starts")


@dataclass(frozen=True)
class _Storage:
    """Where a tensor's numbers lie: the file data/`key` of the archive, as numbers of type `kind`."""

    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    storage: _Storage | None
    is_whole: bool = False  # whether it is all of its storage, in order


def _tensor(storage: object, offset: object, shape: object, strides: object, *_rest: object) -> _Tensor:
    """Stand-in for torch._utils._rebuild_tensor_v2."""
    if not isinstance(shape, tuple) or not all(safe_pickle.is_size(size) for size in shape):
        raise ValueError("a tensor without a proper shape")
    in_order = tuple(math.prod(shape[index + 1 :]) for index in range(len(shape)))
    return _Tensor(shape, storage if isinstance(storage, _Storage) else None, offset == 0 and strides == in_order)


def _stored(description: object) -> _Storage | None:
    """The storage that a persistent id describes: ("storage", type, key, device, count)."""
    match description:
        case ("storage", safe_pickle.Named() as kind, str(key), *_) if key.isdigit():
            return _Storage(kind.name, key)
    return None


def _text(value: object) -> str:
    """Stand-in for an enum that is made from its text."""
    if not isinstance(value, str):
        raise ValueError("an enum whose value is not text")  # noqa: TRY004 (of the file, not of a caller)
    return value


_FLOATS = "torch.FloatStorage"
_STORAGES = (_FLOATS, *(f"torch.{kind}Storage" for kind in ("Double", "Half", "Long", "Int", "Bool")))
_CONSTRUCTORS: Mapping[str, safe_pickle.Constructor | None] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    **dict.fromkeys(_STORAGES),
    # the order of the quaternion components in a 3.x motion
    "protomotions.simulator.base_simulator.simulator_state.StateConversion": _text,
}


def read_outline(path: Path, content: bytes | None = None) -> MotionOutline:
    """Read the outline of a motion or library from `path`, or from `content` if it has been read already.

    Raises:
        PmlaunchError: PML122 it is not a motion, PML123 its pickle asks for more than tensors, PML126 it is too long.
    """
    with open_tensors(path, content) as file:
        # upstream chooses the reader by the suffix alone
        if path.suffix == ".pt" or (path.suffix not in _FIELDS and "gts" in file.content):
            return _library(file.content, file.archive, file.folder)
        return _motion(file.content, _FIELDS.get(path.suffix, _FIELDS_3))


@dataclass(frozen=True)
class TensorFile:
    """An open file: the mapping that its pickle holds, and the archive with the numbers of its tensors."""

    content: Mapping[str, Any]
    archive: zipfile.ZipFile
    folder: str  # in the archive

    def array(self, tensor: object, rows: int | None = None) -> NDArray[Any]:
        """The numbers of a tensor, of its first `rows` at most. Raises ValueError if they are missing."""
        import numpy as np

        kinds = {"torch.FloatStorage": "<f4", "torch.DoubleStorage": "<f8", "torch.LongStorage": "<i8"}
        if not isinstance(tensor, _Tensor) or not tensor.is_whole or not tensor.storage or not tensor.shape:
            raise ValueError("a tensor is missing, or not stored in order")
        kind = kinds.get(tensor.storage.kind)
        shape = (min(tensor.shape[0], rows or tensor.shape[0]), *tensor.shape[1:])
        if kind is None or (size := math.prod(shape) * int(kind[2:])) > _MAXIMUM_BYTES:
            raise ValueError("a tensor of another kind or size than expected")
        with self.archive.open(f"{self.folder}data/{tensor.storage.key}") as entry:
            return np.frombuffer(entry.read(size), kind).reshape(shape)


@contextmanager
def open_tensors(path: Path, content: bytes | None = None) -> Iterator[TensorFile]:
    """Open a file of tensors at `path`, or its `content`. A ValueError of the block says why it is not a motion.

    Raises what `read_outline` raises.
    """
    try:
        with open_ordinary(path) if content is None else io.BytesIO(content) as file, open_zip(file) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise ValueError("it contains no pickle of tensors")  # noqa: TRY301
            if archive.getinfo(names[0]).file_size > _MAXIMUM_PICKLE:
                raise safe_pickle.TooLongError("its pickle is too long")  # noqa: TRY301
            held = safe_pickle.loads(read_entry(archive, names[0], _MAXIMUM_PICKLE), _CONSTRUCTORS, _stored)
            if not isinstance(held, dict):
                raise ValueError("it contains no mapping")  # noqa: TRY004,TRY301 (of the file, not of a caller)
            yield TensorFile(held, archive, names[0].removesuffix("data.pkl"))
    except safe_pickle.ForbiddenGlobalError as error:
        message = f"{path.name} was not loaded, because its pickle refers to {error.name}."
        raise PmlaunchError("PML123", message, subject=str(path)) from None
    except safe_pickle.TooLongError as error:
        raise PmlaunchError("PML126", f"{path.name} was not inspected: {error}.", subject=str(path)) from None
    except (ValueError, KeyError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
        why = "it is truncated, or was not saved by torch" if isinstance(error, zipfile.BadZipFile) else error
        raise PmlaunchError("PML122", f"{path.name} is not a motion: {why}.", subject=str(path)) from None


def _motion(content: Mapping[str, Any], fields: Sequence[str]) -> MotionOutline:
    frames, bodies = _frames_and_bodies(content, fields)
    fps = content.get("fps")
    if not isinstance(fps, (int, float)) or not 0.01 <= fps <= 10_000:
        raise ValueError("fps is missing or not a plausible number")
    return MotionOutline(frames, bodies, float(fps), (frames - 1) / float(fps))


def _library(content: Mapping[str, Any], archive: zipfile.ZipFile, folder: str) -> MotionOutline:
    frames, bodies = _frames_and_bodies(content, _FIELDS_OF_LIBRARY)
    lengths = content.get("motion_lengths")
    if not isinstance(lengths, _Tensor) or len(lengths.shape) != 1 or not lengths.shape[0]:
        raise ValueError("motion_lengths is missing or empty")
    _refuse_missing(content, _OF_EACH_MOTION, lengths.shape[0])
    seconds = _floats(lengths, archive, folder)
    if not all(0 <= length < 1e6 for length in seconds):
        raise ValueError("motion_lengths contains no plausible numbers")
    total = sum(seconds)
    fps = (frames - len(seconds)) / total if total else 0.0
    shortest = 1 + round(min(seconds) * fps)
    return MotionOutline(frames, bodies, round(fps, 3), max(seconds), motions=len(seconds), shortest=shortest)


def _frames_and_bodies(content: Mapping[str, Any], fields: Sequence[str]) -> tuple[int, int]:
    """The shape of the positions, the first of `fields`; the others must be there and agree."""
    positions = content.get(fields[0])
    if not isinstance(positions, _Tensor) or len(positions.shape) != 3 or positions.shape[2] != 3:
        raise ValueError(f"its positions ({fields[0]}) are missing or not of shape (frames, bodies, 3)")
    _refuse_missing(content, fields, positions.shape[0])
    return positions.shape[0], positions.shape[1]


def _refuse_missing(content: Mapping[str, Any], fields: Sequence[str], rows: int) -> None:
    for name in fields:
        held = content.get(name)
        if not isinstance(held, _Tensor):
            raise ValueError(f"{name} is missing, but ProtoMotions needs it")  # noqa: TRY004 (of the file, not of a caller)
        if held.shape[:1] != (rows,):
            raise ValueError(f"{name} has shape {held.shape}, not {rows} rows")


def _floats(tensor: _Tensor, archive: zipfile.ZipFile, folder: str) -> tuple[float, ...]:
    """The numbers of a one-dimensional tensor of 32-bit floats."""
    if tensor.storage is None or tensor.storage.kind != _FLOATS:
        raise ValueError("a tensor without its numbers")
    count, entry = tensor.shape[0], f"{folder}data/{tensor.storage.key}"
    if count > _MAXIMUM_MOTIONS or archive.getinfo(entry).file_size != 4 * count:
        raise ValueError("a tensor of an unexpected kind")
    return struct.unpack(f"<{count}f", read_entry(archive, entry, 4 * count))
