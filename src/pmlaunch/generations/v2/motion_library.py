"""Motion libraries of ProtoMotions 2.

    motions: [{file, fps, idx, sub_motions: [{idx, timings {start, end} s, weight, labels, ref_respawn_offset}]}]

Upstream sorts by `idx`; `fps` overrides the file's own rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo, finite, listed_motions, pieces_of
from pmlaunch.support.json import as_mapping

_KEPT = ("weight", "labels", "ref_respawn_offset")


def read_entries(library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
    """The motions of a library, in the order in which upstream plays them. Raises PML120."""
    for item in sorted(listed_motions(library), key=lambda item: finite(item.get("idx"), 1e6)):
        info = read(library.parent / item["file"])
        fps = _playable("fps", item.get("fps"), info.fps or 1.0, library, item)
        if item.get("fps") is not None and info.frames is not None:
            info = replace(info, fps=fps, seconds=(info.frames - 1) / fps)
        for piece in sorted(pieces_of(item), key=lambda piece: finite(piece.get("idx"), 0.0)) or [item]:
            timings = as_mapping(piece.get("timings"))
            start = _playable("start", timings.get("start"), 0.0, library, item)
            end = _playable("end", timings.get("end"), -1.0, library, item)
            yield LibraryEntry(info, start, end, {key: piece[key] for key in _KEPT if key in piece})


def _playable(name: str, value: object, default: float, library: Path, item: Mapping[str, Any]) -> float:
    """An fps, or a time in s, of an entry. Raises PML120 if the motion could not be played with it."""
    number = finite(value, math.nan if isinstance(value, (int, float)) else default)
    if math.isnan(number) or (name == "fps" and number <= 0):
        message = f"{library}: {name} of {item['file']} is {value}; it must be a number{' above 0' * (name == 'fps')}."
        hint = f"correct it in {library.name}" + (", or leave fps out: the file has its own" if name == "fps" else "")
        raise PmlaunchError("PML120", message, hint=hint, subject=str(library))
    return number


def library_text(entries: Sequence[LibraryEntry]) -> str:
    """The YAML of a library, in ASCII: upstream opens it in whatever encoding Windows is set to."""
    import yaml

    motions: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        timings = {"start": entry.start, "end": entry.end if entry.end >= 0 else -1}
        piece = {"weight": 1.0, **entry.extras, "idx": index, "timings": timings}
        item: dict[str, Any] = {"file": str(entry.info.path), "idx": index, "sub_motions": [piece]}
        if entry.info.fps is not None:
            item["fps"] = int(entry.info.fps) if entry.info.fps.is_integer() else entry.info.fps
        motions.append(item)
    return yaml.safe_dump({"motions": motions}, sort_keys=False, width=100_000)
