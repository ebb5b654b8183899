"""Motion libraries of ProtoMotions 3, which reads only `file` and `weight` of an entry, in the file's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo, finite, listed_motions, pieces_of
from pmlaunch.support.json import as_mapping


def read_entries(library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
    """The motions of a library. Raises PML120, and PML016 for an entry that upstream would play differently."""
    return (_entry(library, item, read) for item in listed_motions(library))


def _entry(library: Path, item: Mapping[str, Any], read: ReadInfo) -> LibraryEntry:
    info, pieces = read(library.parent / item["file"]), pieces_of(item)
    timings = as_mapping((pieces or [item])[0].get("timings"))
    start, end = finite(timings.get("start"), 0.0), finite(timings.get("end"), -1.0)
    whole = len(pieces) <= 1 and start == 0 and (end == -1 or end >= (info.seconds or math.inf))
    own_rate = item.get("fps") is None or info.fps is None or abs(finite(item["fps"], math.inf) - info.fps) < 1e-6
    if not whole or not own_rate:
        what = "at another rate (fps)" if whole else "in pieces (sub_motions, timings)"
        message = (
            f"{library.name} plays {info.name} {what}; ProtoMotions 3 reads file and weight of an entry only, and would "
            "play the whole motion as it is."
        )
        hint = "leave it out, or make a .motion file of the piece"
        raise PmlaunchError("PML016", message, hint=hint, subject=str(library))
    weight = item.get("weight", pieces[0].get("weight") if pieces else None)
    return LibraryEntry(info, extras={} if weight is None else {"weight": weight})


def library_text(entries: Sequence[LibraryEntry]) -> str:
    """The YAML of a library, in ASCII: upstream opens it in whatever encoding Windows is set to."""
    import yaml

    motions = [{"file": str(entry.info.path), "weight": 1.0, **entry.extras} for entry in entries]
    return yaml.safe_dump({"motions": motions}, sort_keys=False, width=100_000)
