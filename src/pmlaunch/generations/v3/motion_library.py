"""Motion libraries of ProtoMotions 3, which reads only `file` and `weight` of an entry, in the file's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo, listed_motions, number_of, pieces_of, timings_of


def read_entries(library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
    """The motions of a library. Raises PML120, and PML016 for an entry that upstream would play differently."""
    return (_entry(library, item, read) for item in listed_motions(library))


def _entry(library: Path, item: Mapping[str, Any], read: ReadInfo) -> LibraryEntry:
    file, pieces = item["file"], pieces_of(item, library)
    info, first = read(library.parent / file), (pieces or [item])[0]
    timings = timings_of(first, library)
    start, end = number_of("start", timings, library, file), number_of("end", timings, library, file)
    whole = len(pieces) <= 1 and start == 0 and (end == -1 or end >= (info.seconds or math.inf))
    rate = number_of("fps", item, library, file)
    own_rate = item.get("fps") is None or info.fps is None or abs(rate - info.fps) < 1e-6
    if not whole or not own_rate:
        what = "at another frame rate (fps)" if whole else "in parts (sub_motions, timings)"
        message = (
            f"{library.name} plays {info.name} {what}, but ProtoMotions 3 reads only the file and weight of an entry "
            "and would play the whole motion unchanged."
        )
        hint = "leave it out, or create a .motion file of the part"
        raise PmlaunchError("PML016", message, hint=hint, subject=str(library))
    holder = item if "weight" in item else first
    weight = number_of("weight", holder, library, file)
    # null is no weight for upstream, which looks for one in the entry itself only
    return LibraryEntry(info, extras={"weight": weight}, as_upstream_reads=holder.get("weight", 1.0) is not None)


def library_text(entries: Sequence[LibraryEntry]) -> str:
    """The YAML of a library, in ASCII: upstream opens it in whatever encoding Windows is set to."""
    import yaml

    motions = [{"file": str(entry.info.path), "weight": 1.0, **entry.extras} for entry in entries]
    return yaml.safe_dump({"motions": motions}, sort_keys=False, width=100_000)
