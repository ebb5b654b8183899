"""The motion formats. A new one needs a module that reads its outline, and a row in `FORMATS`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.motions.outline import MotionOutline


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
    """Read the outline of the motion file at `path`, or of its `content` if that has been read already.

    The file's suffix and first bytes tell its format. Nothing in it is executed.

    Raises:
        PmlaunchError: PML121 the file is missing; PML122 it is not a motion; PML123 its pickle asks for a function
            that a motion does not need.
    """
    return format_of(path, content).read(path, content)


def format_of(path: Path, content: bytes | None = None) -> MotionFormat:
    """The format that the suffix and the first bytes of a file tell; a file that cannot be read has its suffix's."""
    start = content or b""
    if content is None:
        with contextlib.suppress(OSError), path.open("rb") as file:  # the format's reader reports it
            start = file.read(max(len(row.signature) for row in FORMATS))
    fitting = [row for row in FORMATS if path.suffix in row.suffixes] or list(FORMATS)
    return next((row for row in fitting if start.startswith(row.signature)), fitting[0])
