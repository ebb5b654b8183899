"""Motion libraries of ProtoMotions 2.

    motions: [{file, fps, idx, sub_motions: [{idx, timings {start, end} s, weight, labels, ref_respawn_offset}]}]

Upstream sorts by `idx` and insists on it: the pieces of all entries are numbered from 0 without gaps, each has a weight,
and timings have both ends. A library that leaves these out is written again by `library_text`. For the demo, entries also
have the `name` under which the motion's figures are reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.generations.motion_library import (
    LibraryEntry,
    ReadInfo,
    finite,
    listed_motions,
    number_of,
    pieces_of,
    timings_of,
    with_frames_checked,
)
from pmlaunch.model import MotionInfo

_KEPT = ("weight", "labels", "ref_respawn_offset")


@dataclass(frozen=True)
class Thinning:
    """How a run thins out motions of more than `fps` frames per second; None keeps all frames.

    Upstream (MotionLib._fix_motion_fps) keeps every n-th frame, n = round(rate / fps), and plays these at `fps`.
    """

    fps: float | None = 30.0

    def overrides(self, stated: float) -> bool:
        """Whether a rate that a library states counts. Upstream takes the file's own if nothing is thinned out."""
        return self.fps is None or stated > self.fps

    def played(self, frames: int, rate: float) -> tuple[int, float]:
        """(number of frames that are kept, their rate in 1/s)."""
        if self.fps is None or rate <= self.fps:
            return frames, rate
        return math.ceil(frames / round(rate / self.fps)), self.fps


def read_entries(library: Path, read: ReadInfo, thinning: Thinning) -> Iterator[LibraryEntry]:
    """The motions of a library, in the order in which upstream plays them. Raises PML120."""
    count = 0
    for item in sorted(listed_motions(library), key=lambda item: finite(item.get("idx"), 1e6)):
        file = item["file"]
        info = read(library.parent / file)
        stated = number_of("fps", item, library, file)
        if item.get("fps") is not None and info.frames is not None and thinning.overrides(stated):
            info = replace(info, fps=stated, seconds=(info.frames - 1) / stated)
        pieces = sorted(pieces_of(item, library), key=lambda piece: finite(piece.get("idx"), 0.0))
        for piece in pieces or [item]:
            timings = timings_of(piece, library)
            start, end = number_of("start", timings, library, file), number_of("end", timings, library, file)
            for key in ("weight", "ref_respawn_offset"):
                number_of(key, piece, library, file)
            read_as_it_is = _numbered(item, piece, count, pieces) and _complete(piece)
            extras = {key: piece[key] for key in _KEPT if piece.get(key) is not None}
            checked = with_frames_checked(info, _frames_between(start, end, info, thinning))
            yield LibraryEntry(checked, start, end, extras, read_as_it_is)
            count += 1


def _numbered(item: Mapping[str, Any], piece: Mapping[str, Any], count: int, pieces: Sequence[object]) -> bool:
    """Whether upstream takes the numbers of an entry and its piece, the `count`-th of all."""
    own = item.get("idx", 0)
    return finite(own, math.nan) == own and (piece.get("idx") == count if pieces else "sub_motions" not in item)


def _complete(piece: Mapping[str, Any]) -> bool:
    """Whether a part has every field that upstream requires; null does not count."""
    timings = piece.get("timings", {"start": 0, "end": -1})
    given = [piece.get("weight"), piece.get("labels", []), piece.get("ref_respawn_offset", 0)]
    return None not in [*given, timings] and None not in [timings.get("start"), timings.get("end")]


def _frames_between(start: float, end: float, info: MotionInfo, thinning: Thinning) -> int | None:
    """How many frames upstream plays from `start` to `end`; None if the motion's length is unknown."""
    if info.frames is None or info.fps is None:
        return None
    frames, rate = thinning.played(info.frames, info.fps)
    return (frames if end == -1 else min(int(end * rate), frames)) - round(start * rate)


def library_text(entries: Sequence[LibraryEntry], *, named: bool = False) -> str:
    """The YAML of a library, in ASCII: upstream opens it in whatever encoding Windows is set to."""
    import yaml

    motions: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        timings = {"start": entry.start, "end": entry.end if entry.end >= 0 else -1}
        piece = {"weight": 1.0, **entry.extras, "idx": index, "timings": timings}
        item: dict[str, Any] = {"file": str(entry.info.path), "idx": index, "sub_motions": [piece]}
        if entry.info.fps is not None:
            item["fps"] = int(entry.info.fps) if entry.info.fps.is_integer() else entry.info.fps
        if named:
            item["name"] = entry.info.name
        motions.append(item)
    return yaml.safe_dump({"motions": motions}, sort_keys=False, width=100_000)
