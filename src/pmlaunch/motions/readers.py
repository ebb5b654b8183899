"""The motion formats. A new one needs a module that reads its outline, and a row in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.outline import MAX_BYTES, MotionOutline
from pmlaunch.motions.raw_data import RawFormat, raw_format
from pmlaunch.support.file_kind import no_binary_file, start_of


@dataclass(frozen=True)
class MotionFormat:
    """A format of motion files."""

    suffixes: tuple[str, ...]  # formats may share them
    signature: bytes  # the first bytes of its files, unique to the format
    read: Callable[[Path, bytes | None], MotionOutline]  # as `read_outline` below


def _poselib(path: Path, content: bytes | None) -> MotionOutline:
    from pmlaunch.motions.poselib_file import read_file

    stored = read_file(path, content)
    frames, bodies, _ = stored.rotation.shape
    return MotionOutline(frames, bodies, stored.fps, (frames - 1) / stored.fps, stored.node_names)


def _torch(path: Path, content: bytes | None) -> MotionOutline:
    from pmlaunch.motions.torch_motion import read_outline as read

    return read(path, content)


POSELIB = MotionFormat((".npy",), b"\x93NUMPY", _poselib)
FORMATS = (
    POSELIB,
    MotionFormat((".npy", ".motion", ".pt"), b"PK\x03\x04", _torch),
)
PACKED_SUFFIX = ".pt"
"""The suffix of a packed library, which contains its motions."""
LIST_SUFFIXES = (".yaml", ".yml")
"""The suffixes of a library that lists motion files."""
MOTION_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.suffixes) | frozenset(LIST_SUFFIXES)


class RawDataError(PmlaunchError):
    """PML157: a motion of another project."""

    def __init__(self, path: Path, raw: RawFormat) -> None:
        message = f"{path.name} is raw {raw.value} data, which must be converted first."
        super().__init__("PML157", message, subject=str(path))
        self.raw = raw


def read_outline(path: Path, content: bytes | None = None) -> MotionOutline:
    """Read the outline of the motion file at `path`, or of its `content` if that has been read already.

    The file's suffix and first bytes tell its format. Nothing in it is executed.

    Raises:
        PmlaunchError: PML121 the file is missing; PML122 it is not a motion; PML123 its pickle asks for a function
            that a motion does not need; PML157 it is a motion of another project.
    """
    start = motion_start(path) if content is None else content
    found = _format_of(path, start)
    try:
        # what begins like no motion is not worth reading on
        return found.read(path, content if start.startswith(found.signature) else start)
    except PmlaunchError as error:
        if error.code == "PML122" and (raw := raw_format(path)):
            raise RawDataError(path, raw) from None
        if error.code == "PML122" and (reason := no_binary_file(start[:256])):
            raise PmlaunchError("PML122", f"{path.name} is not a motion: {reason}.", subject=str(path)) from None
        raise


def format_of(path: Path) -> MotionFormat:
    """The format that the suffix and the first bytes of a file tell. Raises PML121 and PML122 as `motion_start` does."""
    return _format_of(path, motion_start(path))


def _format_of(path: Path, start: bytes) -> MotionFormat:
    fitting = [row for row in FORMATS if path.suffix in row.suffixes] or list(FORMATS)
    return next((row for row in fitting if start.startswith(row.signature)), fitting[0])


def motion_start(path: Path) -> bytes:
    """The first bytes of a motion file. Raises PML121 for a missing one, PML122 for a pipe, a device or a folder."""
    try:
        return start_of(path)
    except FileNotFoundError:
        raise PmlaunchError("PML121", f"Motion file {path} does not exist.", subject=str(path)) from None
    except OSError as error:
        message = f"Motion file {path} cannot be read: {error.strerror}."
        raise PmlaunchError("PML122", message, subject=str(path)) from None


def is_small_motion(path: Path) -> bool:
    """Whether the file begins like a motion and is short enough to be read as a whole. Raises OSError."""
    start = motion_start(path)
    return path.stat().st_size <= MAX_BYTES and any(start.startswith(row.signature) for row in FORMATS)
