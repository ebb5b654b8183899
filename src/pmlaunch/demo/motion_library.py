"""Load the motions of an evaluation: one `.npy` file, or a YAML library that lists several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.motions.poselib_motion import Motion, read_motion
from pmlaunch.support.yaml_file import LIBRARY, yaml_mapping


def load_motions(motion_file: Path) -> list[Motion]:
    """Read `motion_file`.

    A YAML library holds `motions: [{file, fps, sub_motions: [{timings: {start, end}}]}]`, as upstream's does. A file is
    absolute or relative to the YAML, `fps` and `sub_motions` are optional, timings are in s. Entries of libraries that
    pmlaunch has written also have the motion's `name`.

    Raises:
        PmlaunchError: a motion is missing, unreadable or refused.
        ValueError: the YAML is not such a library.
    """
    if motion_file.suffix not in (".yaml", ".yml"):
        return [read_motion(motion_file)]
    entries = yaml_mapping(motion_file, "PML120", limit=LIBRARY).get("motions")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{motion_file} lists no motions. It needs `motions: [{{file: ...}}]`.")
    taken: Counter[str] = Counter()  # figures are reported by name, so names must be unique
    motions = []
    for motion in (motion for entry in entries for motion in _entry(motion_file.parent, entry)):
        taken[motion.name] += 1
        count = taken[motion.name]
        motions.append(motion if count == 1 else replace(motion, name=f"{motion.name} ({count})"))
    return motions


def _entry(folder: Path, entry: Any) -> list[Motion]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("file"), str):
        raise ValueError(f"a motion in the list has no file: {entry!r}")  # noqa: TRY004 (of the file, not of a caller)
    motion = read_motion(folder / entry["file"])
    if isinstance(entry.get("name"), str):
        motion = replace(motion, name=entry["name"])
    if entry.get("fps") is not None:
        motion = replace(motion, fps=float(entry["fps"]))
    pieces = [piece.get("timings") for piece in entry.get("sub_motions") or []]
    if not any(pieces):
        return [motion]
    return [_cut(motion, timings or {}) for timings in pieces]


def _cut(motion: Motion, timings: Mapping[str, Any]) -> Motion:
    """The frames from `start` to `end` s; an `end` of -1 or None is the end of the motion."""
    end = timings.get("end")
    first = round(float(timings.get("start") or 0.0) * motion.fps)
    last = motion.frames if end is None or float(end) < 0 else min(int(float(end) * motion.fps), motion.frames)
    if last - first < 2:
        raise ValueError(f"{motion.name}: no frames are left between {timings}")
    local, root = motion.local_rotation[first:last], motion.root_translation[first:last]
    return replace(motion, local_rotation=local, root_translation=root)
