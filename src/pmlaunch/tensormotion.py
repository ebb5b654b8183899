"""Motions that torch saved: those of the robots H1 and G1, a zip although their names end in .npy.

A zip with one pickle (NAME/data.pkl) of tensors, and their numbers in files beside it: global_translation
(frames, bodies, 3) m, global_rotation (frames, bodies, 4), dof_pos (frames, dofs), fps and more. Only their
shapes are read here, and nothing is executed: torch.load would, and torch is not installed where pmlaunch is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch import plainpickle
from pmlaunch.errors import PmlaunchError

_ZIP = b"PK\x03\x04"
_MAXIMUM_PICKLE = 1 << 20  # bytes; a motion's is about a thousand


@dataclass(frozen=True)
class TensorMotion:
    """The outline of a motion: how many frames and bodies, at how many frames per second."""

    frames: int
    bodies: int
    fps: float

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]


def _tensor(_storage: object, _offset: object, shape: object, *_rest: object) -> _Tensor:
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("a tensor without a proper shape")
    return _Tensor(shape)


_STORAGES = ("FloatStorage", "DoubleStorage", "HalfStorage", "LongStorage", "IntStorage", "BoolStorage")
_CONSTRUCTORS: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    **{f"torch.{name}": str for name in _STORAGES},
}


def is_tensor_motion(content: bytes) -> bool:
    """Whether the file is a zip, as torch.save makes it."""
    return content.startswith(_ZIP)


def read_tensor_motion(path: Path, content: bytes) -> TensorMotion:
    """The outline of the motion in `content`; `path` is for the messages.

    Raises:
        PmlaunchError: PML122 it is no motion, PML123 its pickle asks for more than tensors.
    """
    try:
        return _outline(plainpickle.loads(_pickle(content), _CONSTRUCTORS))
    except plainpickle.ForbiddenGlobalError as error:
        message = f"{path.name} was not loaded: its pickle asks for {error.name}."
        raise PmlaunchError("PML123", message, subject=str(path)) from None
    except (ValueError, KeyError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise PmlaunchError("PML122", f"{path.name} is not a motion: {error}.", subject=str(path)) from None


def _pickle(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1 or archive.getinfo(names[0]).file_size > _MAXIMUM_PICKLE:
            raise ValueError("it holds no pickle of tensors")
        return archive.read(names[0])


def _outline(content: Any) -> TensorMotion:
    if not isinstance(content, dict):
        raise ValueError("it holds no mapping")
    translation, fps = content.get("global_translation"), content.get("fps")
    if not isinstance(translation, _Tensor) or len(translation.shape) != 3 or translation.shape[2] != 3:
        raise ValueError("global_translation is missing or no (frames, bodies, 3)")
    if not isinstance(fps, (int, float)) or not 0 < fps <= 10_000:
        raise ValueError("fps is missing or no sensible number")
    return TensorMotion(translation.shape[0], translation.shape[1], float(fps))
