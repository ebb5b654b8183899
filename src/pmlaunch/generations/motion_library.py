"""The entries of a motion library: a YAML file `motions: [{file, ...}, ...]` that lists many motions for one run.

What an entry may hold depends on the generation: see motion_library.py in v2/ and v3/. Paths are relative to the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import MotionInfo
from pmlaunch.support.json import as_list, as_mapping
from pmlaunch.support.yaml_file import LIBRARY, yaml_mapping

ReadInfo = Callable[[Path], MotionInfo]
"""Reads a motion file; never raises, a problem is part of the answer."""
_HIGHEST = 1e9  # frames per second, s, idx: no motion needs a larger number


@dataclass(frozen=True)
class LibraryEntry:
    """One motion of a library: its file, and the part that is played (s; an `end` of -1 is the file's end).

    `extras` are the keys of the entry that are written back unchanged, such as its weight.
    """

    info: MotionInfo
    start: float = 0.0
    end: float = -1.0
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the file is played from its start to its end."""
        return self.start == 0 and self.end == -1


def listed_motions(path: Path) -> list[Mapping[str, Any]]:
    """The raw entries of a library, each with a `file`. Raises PML120 if `path` is not a library."""
    listed = as_list(yaml_mapping(path, "PML120", limit=LIBRARY).get("motions"))
    if not listed or not all(isinstance(as_mapping(item).get("file"), str) for item in listed):
        message = f"{path} lists no motions: it needs `motions: [{{file: ...}}, ...]`."
        raise PmlaunchError("PML120", message, subject=str(path))
    return listed


def pieces_of(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The well-formed `sub_motions` of a library's entry."""
    return [piece for piece in as_list(entry.get("sub_motions")) if isinstance(piece, dict)]


def finite(value: object, default: float) -> float:
    """`value` if it is a number of reasonable size, else `default`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(value) if abs(value) <= _HIGHEST else default
