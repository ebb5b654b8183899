"""The entries of a motion library: a YAML file `motions: [{file, ...}, ...]` that lists many motions for one run.

What an entry may hold depends on the generation: see motion_library.py in v2/ and v3/. Paths are relative to the file.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, MotionInfo, Severity
from pmlaunch.support.json import as_list, as_mapping
from pmlaunch.support.paths import refuse_remote
from pmlaunch.support.yaml_file import LIBRARY, yaml_mapping

ReadInfo = Callable[[Path], MotionInfo]
"""Reads a motion file; never raises, a problem is part of the answer."""
_HIGHEST = 1e9  # frames per second, s, idx: no motion needs a larger number
_NUMBERS: Mapping[str, tuple[float, str, Callable[[float], bool]]] = {
    "fps": (1.0, " above 0", lambda number: number > 0),
    "start": (0.0, " of seconds, 0 or more", lambda number: number >= 0),
    "end": (-1.0, " of seconds, or -1 for the end of the file", lambda number: number >= 0 or number == -1),
    "weight": (1.0, ", 0 or more", lambda number: number >= 0),
    "ref_respawn_offset": (0.0, "", lambda _: True),
}
"""The keys of an entry that have a number: its default, what it must be, in words and as a function."""


@dataclass(frozen=True)
class LibraryEntry:
    """One motion of a library: its file, and the part that is played (s; an `end` of -1 is the file's end).

    `extras` are the keys of the entry that are written back unchanged, such as its weight.
    """

    info: MotionInfo
    start: float = 0.0
    end: float = -1.0
    extras: Mapping[str, Any] = field(default_factory=dict)
    as_upstream_reads: bool = True  # whether upstream's own reader takes the entry as the library has it

    @property
    def is_whole(self) -> bool:
        """Whether the file is played from its start to its end."""
        return self.start == 0 and self.end == -1


def listed_motions(path: Path) -> list[Mapping[str, Any]]:
    """The raw entries of a library, each with a `file`. Raises PML120 for another file, PML127 for a pointer, PML147."""
    with contextlib.suppress(OSError):
        if lfs.read_pointer(path) is not None:
            message, fix = f"{path.name} is a Git LFS pointer.", lfs.pull_command(path)
            raise PmlaunchError("PML127", message, hint=fix, subject=str(path))
    listed = as_list(yaml_mapping(path, "PML120", limit=LIBRARY).get("motions"))
    if not listed or not all(_can_name_a_file(as_mapping(item).get("file")) for item in listed):
        message = f"{path} lists no motions. It needs `motions: [{{file: ...}}, ...]`."
        raise PmlaunchError("PML120", message, subject=str(path))
    for item in listed:
        refuse_remote(item["file"], path)
    return listed


def _can_name_a_file(value: object) -> bool:
    """Whether the system takes `value` for a path at all: no file has NUL or half a character in its name."""
    return isinstance(value, str) and not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def pieces_of(entry: Mapping[str, Any], library: Path) -> Sequence[Mapping[str, Any]]:
    """The `sub_motions` of a library's entry; empty if it has none. Raises PML120 for anything but a list of mappings."""
    listed = entry.get("sub_motions")
    if listed is None:
        return []
    if not isinstance(listed, list) or not listed or not all(isinstance(piece, dict) for piece in listed):
        raise _not_readable(library, f"sub_motions of {entry['file']} lists no parts")
    return listed


def timings_of(piece: Mapping[str, Any], library: Path) -> Mapping[str, Any]:
    """The `timings` {start, end} of a piece; empty if it has none. Raises PML120 for other timings, or no list of labels."""
    for key, kind, demand in (("timings", dict, "{start: SECONDS, end: SECONDS}"), ("labels", list, "a list")):
        if piece.get(key) is not None and not isinstance(piece[key], kind):
            raise _not_readable(library, f"{key} is {piece[key]}, but must be {demand}")
    return as_mapping(piece.get("timings"))


def number_of(key: str, mapping: Mapping[str, Any], library: Path, file: str) -> float:
    """The number at `key`, its default if there is none. Raises PML120 if upstream could not work with the value."""
    default, demand, fits = _NUMBERS[key]
    value = mapping.get(key)
    number = default if value is None else finite(value, math.nan)
    if math.isnan(number) or not fits(number):
        raise _not_readable(library, f"{key} of {file} is {value}, but must be a number{demand}")
    return number


def finite(value: object, default: float) -> float:
    """`value` if it is a number of reasonable size, else `default`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(value) if abs(value) <= _HIGHEST else default


def with_frames_checked(info: MotionInfo, frames: int | None) -> MotionInfo:
    """`info`, with PML156 as its problem if only `frames` are played, which is too few for a motion."""
    if frames is None or frames > 1 or info.problem is not None:
        return info
    message = f"A motion needs at least 2 frames, but {info.path.name} would be played for {max(frames, 0)}."
    hint = "in a motion library, correct the start and end (s) of the part; otherwise export the motion again"
    return replace(info, problem=Finding("PML156", Severity.ERROR, message, hint, subject=str(info.path)))


def _not_readable(library: Path, reason: str) -> PmlaunchError:
    return PmlaunchError("PML120", f"{library}: {reason}.", hint=f"correct {library.name}", subject=str(library))
