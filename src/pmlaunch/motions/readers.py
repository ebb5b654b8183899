"""The motion formats. A new one needs a module that reads its outline, and a row in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.motions.outline import MotionOutline


@dataclass(frozen=True)
class MotionFormat:
    """A format of motion files.

    Attributes:
        suffixes: the file name suffixes it is stored under; formats may share them.
        signature: the first bytes of its files, unique to the format.
        read: reads the outline of the file at a path, whose content is given if it has been read already. Raises
            PmlaunchError PML121, PML122 or PML123 for a missing, invalid or hostile file.
    """

    suffixes: tuple[str, ...]
    signature: bytes
    read: Callable[[Path, bytes | None], MotionOutline]


def _poselib(path: Path, content: bytes | None) -> MotionOutline:
    from pmlaunch.motions.poselib_motion import read_motion  # numpy is slow to import

    motion = read_motion(path, content)
    return MotionOutline(motion.frames, motion.bodies, motion.fps, motion.seconds, motion.node_names)


def _torch(path: Path, content: bytes | None) -> MotionOutline:
    from pmlaunch.motions.torch_motion import read_outline as read

    return read(path, content)


FORMATS = (
    MotionFormat((".npy",), b"\x93NUMPY", _poselib),
    MotionFormat((".npy", ".motion", ".pt"), b"PK\x03\x04", _torch),
)
PACKED_SUFFIX = ".pt"
"""The suffix of a library that holds its motions itself."""
LIST_SUFFIXES = (".yaml", ".yml")
"""The suffixes of a library that lists motion files."""
MOTION_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.suffixes) | frozenset(LIST_SUFFIXES)


def read_outline(path: Path, content: bytes | None = None) -> MotionOutline:
    """Read the outline of a motion file with the reader for its suffix and first bytes. Executes nothing.

    Args:
        path: the file; if `content` is given, only its name is used.
        content: the file's content, if it has been read already.

    Raises:
        PmlaunchError: PML121 the file is missing; PML122 it is not a motion; PML123 its pickle asks for a function
            that a motion does not need.
    """
    start = content if content is not None else _first_bytes(path)
    fitting = [row for row in FORMATS if path.suffix in row.suffixes] or list(FORMATS)
    found = next((row for row in fitting if start.startswith(row.signature)), fitting[0])
    return found.read(path, content)


def _first_bytes(path: Path) -> bytes:
    """The start of a file; empty if it cannot be read, which the reader reports."""
    try:
        with path.open("rb") as file:
            return file.read(max(len(row.signature) for row in FORMATS))
    except OSError:
        return b""
