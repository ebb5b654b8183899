"""Motions that torch saved: those of 2.x's H1 and G1, and all of ProtoMotions 3, alone or as a library.

A zip with one pickle (NAME/data.pkl) of tensors, and their numbers in files beside it. A motion holds
global_translation (2.x) or rigid_body_pos (3.x), (frames, bodies, 3) m, and fps; a library (3.x) holds gts
(frames of all motions, bodies, 3) m, motion_lengths (motions,) s and the motions' names. Only shapes, names and
lengths are read here, and nothing is executed: torch.load would, and torch is not installed where pmlaunch is.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, NoReturn

from pmlaunch.errors import PmlaunchError
from pmlaunch.support import safe_pickle

_ZIP = b"PK\x03\x04"
_MAXIMUM_PICKLE = 8 << 20  # bytes; a motion's is about a thousand, a library's holds ten thousands of names
_MAXIMUM_MOTIONS = 1_000_000  # a compressed file of lengths may be a thousand times its size
_POSITIONS = ("global_translation", "rigid_body_pos")  # as 2.x and 3.x call them


@dataclass(frozen=True)
class TensorMotion:
    """The outline of a motion, or of all motions of a library.

    `frames` are those of all motions, `fps` (1/s) is that of a single one; `lengths` (s) and `names` are those of a
    library's motions.
    """

    frames: int
    bodies: int
    fps: float
    lengths: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """From the first frame to the last; of a library, that of its longest motion."""
        return max(self.lengths) if self.lengths else (self.frames - 1) / self.fps


@dataclass(frozen=True)
class _Storage:
    """Where a tensor's numbers lie: the file data/`key` of the archive, as numbers of type `kind`."""

    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    storage: _Storage | None


def _tensor(storage: object, _offset: object, shape: object, *_rest: object) -> _Tensor:
    """Stand-in for torch._utils._rebuild_tensor_v2."""
    if not isinstance(shape, tuple) or not all(safe_pickle.is_size(size) for size in shape):
        raise ValueError("a tensor without a proper shape")
    return _Tensor(shape, storage if isinstance(storage, _Storage) else None)


def _stored(description: object) -> _Storage | None:
    """The storage that a persistent id describes: ("storage", type, key, device, count)."""
    match description:
        case ("storage", safe_pickle.Named() as kind, str(key), *_) if key.isdigit():
            return _Storage(kind.name, key)
        case _:
            return None


def _text(value: object) -> str:
    """Stand-in for an enum that is made from its text."""
    if not isinstance(value, str):
        raise ValueError("an enum whose value is not text")
    return value


def _not_called(*_arguments: object) -> NoReturn:
    raise ValueError("the pickle calls a type of storage")


_FLOATS = "torch.FloatStorage"
_STORAGES = (_FLOATS, *(f"torch.{kind}Storage" for kind in ("Double", "Half", "Long", "Int", "Bool")))
_CONSTRUCTORS: Mapping[str, safe_pickle.Constructor] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    **dict.fromkeys(_STORAGES, _not_called),
    # the order of the quaternion components in a 3.x motion
    "protomotions.simulator.base_simulator.simulator_state.StateConversion": _text,
}


def is_tensor_motion(content: bytes) -> bool:
    """Whether the file is a zip, as torch.save makes it."""
    return content.startswith(_ZIP)


def read_tensor_motion(path: Path, content: bytes | None = None) -> TensorMotion:
    """The outline of the motion or library at `path`, of whose content only the directory and the pickle are read.

    Args:
        path: where it lies; where `content` is given, for the messages only.
        content: the file's bytes, if they have been read already.

    Raises:
        PmlaunchError: PML122 it is no motion, PML123 its pickle asks for more than tensors.
    """
    try:
        with zipfile.ZipFile(path if content is None else io.BytesIO(content)) as archive:
            name = _pickle_in(archive)
            held = safe_pickle.loads(archive.read(name), _CONSTRUCTORS, _stored)
            if isinstance(held, dict) and "gts" in held:
                return _library(held, archive, name.removesuffix("data.pkl"))
            return _outline(held)
    except safe_pickle.ForbiddenGlobalError as error:
        message = f"{path.name} was not loaded: its pickle asks for {error.name}."
        raise PmlaunchError("PML123", message, subject=str(path)) from None
    except (ValueError, KeyError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise PmlaunchError("PML122", f"{path.name} is not a motion: {error}.", subject=str(path)) from None


def _pickle_in(archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1 or archive.getinfo(names[0]).file_size > _MAXIMUM_PICKLE:
        raise ValueError("it holds no pickle of tensors")
    return names[0]


def _outline(content: Any) -> TensorMotion:
    if not isinstance(content, dict):
        raise ValueError("it holds no mapping")
    positions = [content[name] for name in _POSITIONS if name in content]
    translation, fps = (positions or [None])[0], content.get("fps")
    if not isinstance(translation, _Tensor) or len(translation.shape) != 3 or translation.shape[2] != 3:
        raise ValueError("global_translation is missing or no (frames, bodies, 3)")
    if not isinstance(fps, (int, float)) or not 0 < fps <= 10_000:
        raise ValueError("fps is missing or no sensible number")
    return TensorMotion(translation.shape[0], translation.shape[1], float(fps))


def _library(content: dict[str, Any], archive: zipfile.ZipFile, folder: str) -> TensorMotion:
    positions, lengths = content["gts"], content.get("motion_lengths")
    if not isinstance(positions, _Tensor) or len(positions.shape) != 3 or positions.shape[2] != 3:
        raise ValueError("gts is no (frames, bodies, 3)")
    if not isinstance(lengths, _Tensor) or len(lengths.shape) != 1 or not lengths.shape[0]:
        raise ValueError("motion_lengths is missing or empty")
    seconds = _floats(lengths, archive, folder)
    if not all(0 <= length < 1e6 for length in seconds):
        raise ValueError("motion_lengths holds no sensible numbers")
    files = content.get("motion_files")
    names = tuple(map(_stem, files)) if isinstance(files, (list, tuple)) else ()
    frames, total = positions.shape[0], sum(seconds)
    fps = (frames - len(seconds)) / total if total else 0.0
    return TensorMotion(frames, positions.shape[1], round(fps, 3), seconds, names)


def _stem(file: object) -> str:
    """The name of a motion from its path, which may be one of another operating system."""
    return PureWindowsPath(file).stem if isinstance(file, str) else "?"


def _floats(tensor: _Tensor, archive: zipfile.ZipFile, folder: str) -> tuple[float, ...]:
    """The numbers of a one-dimensional tensor of 32-bit floats."""
    if tensor.storage is None or tensor.storage.kind != _FLOATS:
        raise ValueError("a tensor without its numbers")
    count, entry = tensor.shape[0], f"{folder}data/{tensor.storage.key}"
    if count > _MAXIMUM_MOTIONS or archive.getinfo(entry).file_size != 4 * count:
        raise ValueError("a tensor of another kind than expected")
    return struct.unpack(f"<{count}f", archive.read(entry))
