"""Many motions for one start: names, patterns, folders and libraries become one list, and one YAML of it.

The YAML is upstream's: `motions: [{file, fps, idx, sub_motions: [{idx, timings {start, end} s, weight}]}]`. Paths in
it are absolute and fps is each file's own; 3.x reads `{file, weight}` only, in the file's order. Planning only holds
its text; it is written when the run starts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.catalog.motions import read_info
from pmlaunch.catalog.robots import Robot
from pmlaunch.errors import PmlaunchError, UnknownNameError
from pmlaunch.model import Finding, Generation, MotionInfo, Severity
from pmlaunch.motions.readers import CLIP_SUFFIX, CLIP_SUFFIXES, LIST_SUFFIXES, MOTION_SUFFIXES, PACKED_SUFFIX
from pmlaunch.support.yaml_file import yaml_mapping

LIBRARY_FILE = "motions.yaml"
"""The generated list, in the run folder; this bare name stands for it in a plan."""
_WILD = "*?["
_HIGHEST = 1e9  # frames per second, s, idx: what is larger is no number of a motion's


@dataclass(frozen=True)
class MotionList:
    """The motions of a run. `file` is what the program is given; `library` the text of a YAML to be written first."""

    motions: tuple[MotionInfo, ...] = ()
    file: Path | None = None
    library: str | None = None


@dataclass(frozen=True)
class _Entry:
    """One motion: its file's own facts, and the piece of it that is played (s; -1 is the end)."""

    info: MotionInfo
    start: float = 0.0
    end: float = -1.0
    more: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, float, float, float | None]:
        path = os.path.normcase(os.path.abspath(self.info.path))  # noqa: PTH100 (see find.py)
        return path, self.start, self.end, self.info.fps


def collect(
    wanted: Sequence[str],
    find: Callable[[str], Path],
    places: Sequence[Path],
    robots: Sequence[Robot],
    generation: Generation,
) -> MotionList:
    """The motions that `wanted` names, in that order, each once.

    Args:
        wanted: names, paths, patterns (`data/motions/*.npy`), folders, libraries.
        find: the file that a name or path answers to.
        places: where patterns and folders are looked for: where the command was typed, then the checkout.
        robots: those that the checkout has.
        generation: the checkout's: its motions have an ending of their own, and 3.x reads less of a library.

    Raises PML010 when a pattern or folder holds no motion, PML120 for a YAML that is no library, PML001 for a packed
    library beside other motions, PML016 for a piece of a motion or another rate, which 3.x would not play.
    """
    files = [path.absolute() for name in wanted for path in _files(name, find, places, generation)]
    files = list({os.path.normcase(path): path for path in files}.values())
    packed = [path for path in files if path.suffix == PACKED_SUFFIX]
    if packed and len(files) > 1:
        message = f"{packed[0].name} is a packed library: it cannot be joined with other motions."
        raise PmlaunchError("PML001", message, hint=f'--motion "{packed[0]}" alone', subject=str(packed[0]))
    if len(files) == 1 and not _is_list(files[0]):
        return MotionList((_info(files[0], robots, generation),), files[0])
    entries = [entry for path in files for entry in _entries(path, robots, generation)]
    if len(files) == 1 and files[0].suffix == ".yaml":  # upstream knows no other ending, and plays doubles twice
        return MotionList(_distinct([_piece(entry) for entry in entries]), files[0])
    first: dict[object, _Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    entries = list(first.values())
    motions = _distinct([_piece(entry) for entry in entries])
    if len(entries) == 1:
        whole = entries[0].start == 0 and entries[0].end == -1
        return (
            MotionList(motions, entries[0].info.path)
            if whole
            else MotionList(motions, None, _text(entries, generation))
        )
    return MotionList(motions, None, _text(entries, generation))


def own_list(path: Path, robots: Sequence[Robot], generation: Generation) -> MotionList:
    """The list of one motion file or library that the checkpoint or an override names; never raises."""
    try:
        return replace(collect((str(path),), lambda _: path, (), robots, generation), file=path, library=None)
    except PmlaunchError as error:
        problem = Finding(error.code, Severity.ERROR, error.message, error.hint, subject=error.subject)
        return MotionList((MotionInfo(path.stem, path, problem=problem),), path)


def _is_list(path: Path) -> bool:
    return path.suffix in LIST_SUFFIXES and path.is_file()


def _info(path: Path, robots: Sequence[Robot], generation: Generation) -> MotionInfo:
    """What the file says of itself; one of the other generation is a problem: upstream fails at it after the start."""
    info = read_info(path, robots)
    packed_by_3 = path.suffix == PACKED_SUFFIX and generation is not Generation.V3 and info.problem is None
    foreign = packed_by_3 or (path.suffix in CLIP_SUFFIXES and path.suffix != CLIP_SUFFIX[generation])
    if not foreign or (info.problem is not None and info.problem.code == "PML121"):
        return info
    other, whose = (
        ("2", "3.x") if generation is Generation.V3 else ("3", "2.x" if generation is Generation.V2 else "the demo")
    )
    own = CLIP_SUFFIX[generation]
    message = f"{path.name} is a motion of ProtoMotions {other}, which {whose} cannot read: its own are {own}."
    hint = f"pmlaunch list motions; or --protomotions DIR of a {other}.x checkout"
    return replace(info, problem=Finding("PML132", Severity.ERROR, message, hint, subject=str(path)))


def _files(name: str, find: Callable[[str], Path], places: Sequence[Path], generation: Generation) -> list[Path]:
    """The files that one --motion stands for. A bare name is a motion's first, whatever lies about by that name."""
    if not name.strip():
        raise PmlaunchError("PML001", "--motion is empty: it needs a name or a path.", hint="pmlaunch list motions")
    expanded = Path(name).expanduser()
    if _is_bare(name):
        try:
            return [find(name)]
        except UnknownNameError:
            if not any((place / expanded).exists() for place in places):
                raise
    candidates = [place / expanded for place in places]
    for candidate in candidates:
        if candidate.is_dir():
            ending = CLIP_SUFFIX[generation]
            clips = [path for path in sorted(candidate.rglob("*")) if path.suffix == ending]
            return _some(
                clips, name, f"The folder {candidate} holds no motion of this checkout's generation ({ending})."
            )
        if candidate.is_file():
            return [candidate]
    if not any(sign in name for sign in _WILD):
        return [find(name)]
    for candidate in candidates:
        found = sorted(_matching(candidate))
        motions = [path for path in found if path.suffix in MOTION_SUFFIXES and path.is_file()]
        if motions:  # the other generation's are taken only where there is nothing else: to be told so
            others = set(CLIP_SUFFIXES) - {CLIP_SUFFIX[generation]}
            return [path for path in motions if path.suffix not in others] or motions
    return _some([], name, f"No motion file matches {name}.")


def _is_bare(name: str) -> bool:
    return not (
        any(sign in name for sign in f"/\\~{_WILD}") or name in (".", "..") or Path(name).suffix in MOTION_SUFFIXES
    )


def _some(paths: list[Path], name: str, complaint: str) -> list[Path]:
    if not paths:
        raise UnknownNameError(complaint, hint="pmlaunch list motions", subject=name)
    return paths


def _matching(path: Path) -> Iterator[Path]:
    """What matches; those of its first parts that exist are taken literally: a folder may be called [old]."""
    literal, parts = Path(path.anchor), list(path.parts[1:] if path.anchor else path.parts)
    while parts and (literal / parts[0]).exists():
        literal /= parts.pop(0)
    return iter(literal.glob(str(Path(*parts))))


def _entries(path: Path, robots: Sequence[Robot], generation: Generation) -> Iterator[_Entry]:
    """The motions of one file: itself, or those that a library lists, in upstream's order."""
    if not _is_list(path):
        yield _Entry(_info(path, robots, generation))
        return
    listed = yaml_mapping(path, "PML120").get("motions")
    if not isinstance(listed, list) or not listed or not all(_names_a_file(item) for item in listed):
        message = f"{path} lists no motions: it needs `motions: [{{file: ...}}, ...]`."
        raise PmlaunchError("PML120", message, subject=str(path))
    if generation is Generation.V3:
        yield from (_whole(path, item, robots) for item in listed)
        return
    for item in sorted(listed, key=lambda item: _number(item.get("idx"), 1e6)):
        info = _info(path.parent / item["file"], robots, generation)
        fps = _possible("fps", item.get("fps"), info.fps or 1.0, path, item)
        if item.get("fps") is not None and info.frames is not None:
            info = replace(info, fps=fps, seconds=(info.frames - 1) / fps)
        pieces = item.get("sub_motions")
        pieces = [piece for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []
        for piece in sorted(pieces, key=lambda piece: _number(piece.get("idx"), 0.0)) or [item]:
            timings = piece.get("timings")
            timings = timings if isinstance(timings, dict) else {}
            more = {key: piece[key] for key in ("weight", "labels", "ref_respawn_offset") if key in piece}
            start = _possible("start", timings.get("start"), 0.0, path, item)
            yield _Entry(info, start, _possible("end", timings.get("end"), -1.0, path, item), more)


def _whole(path: Path, item: Mapping[str, Any], robots: Sequence[Robot]) -> _Entry:
    """An entry as 3.x reads it: file and weight, in the file's own order. Raises PML016 for what it would not play."""
    info = _info(path.parent / item["file"], robots, Generation.V3)
    pieces = item.get("sub_motions")
    pieces = [piece for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []
    timings = [found for piece in pieces or [item] if isinstance(found := piece.get("timings"), dict)]
    starts, ends = [_number(it.get("start"), 0.0) for it in timings], [_number(it.get("end"), -1.0) for it in timings]
    whole = len(pieces) <= 1 and all(start == 0 for start in starts)
    whole = whole and all(end == -1 or end >= (info.seconds or math.inf) for end in ends)
    own_rate = item.get("fps") is None or info.fps is None or abs(_number(item["fps"], math.inf) - info.fps) < 1e-6
    if not whole or not own_rate:
        what = "at another rate (fps)" if whole else "in pieces (sub_motions, timings)"
        message = (
            f"{path.name} plays {info.name} {what}; ProtoMotions 3 reads file and weight of an entry only, and would "
            "play the whole motion as it is."
        )
        raise PmlaunchError(
            "PML016", message, hint="leave it out, or make a .motion file of the piece", subject=str(path)
        )
    weight = item.get("weight", pieces[0].get("weight") if pieces else None)
    return _Entry(info, more={} if weight is None else {"weight": weight})


def _names_a_file(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("file"), str)


def _number(value: object, default: float) -> float:
    """`value` where it is a finite number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return default
    return float(value) if abs(value) <= _HIGHEST else default


def _possible(name: str, value: object, default: float, library: Path, item: Mapping[str, Any]) -> float:
    """An fps or a time in s of a library's entry; raises PML120 for one at which nothing can be played."""
    number = _number(value, math.nan if isinstance(value, (int, float)) else default)
    if math.isnan(number) or (name == "fps" and number <= 0):
        message = f"{library}: {name} of {item['file']} is {value}; it must be a number{' above 0' * (name == 'fps')}."
        hint = f"correct it in {library.name}" + (", or leave fps out: the file has its own" if name == "fps" else "")
        raise PmlaunchError("PML120", message, hint=hint, subject=str(library))
    return number


def _piece(entry: _Entry) -> MotionInfo:
    """What is known of the motion, for the part of it that is played."""
    info = entry.info
    if info.frames is None or info.fps is None or (entry.start == 0 and entry.end == -1):
        return info
    last = info.frames if entry.end == -1 else min(int(entry.end * info.fps), info.frames)
    frames = max(last - round(entry.start * info.fps), 0)
    return replace(info, frames=frames, seconds=max(frames - 1, 0) / info.fps)


def _distinct(motions: Sequence[MotionInfo]) -> tuple[MotionInfo, ...]:
    """The motions with names that differ: a second `walk` is called by its folder as well, or numbered."""
    names = [motion.name for motion in motions]
    if len(set(names)) < len(names):
        twice = {name for name in names if names.count(name) > 1}
        names = [
            f"{motion.path.parent.name}/{name}" if name in twice else name
            for motion, name in zip(motions, names, strict=True)
        ]
    taken: dict[str, int] = {}
    found = []
    for motion, name in zip(motions, names, strict=True):
        taken[name] = taken.get(name, 0) + 1
        found.append(replace(motion, name=name if taken[name] == 1 else f"{name} ({taken[name]})"))
    return tuple(found)


def _text(entries: Sequence[_Entry], generation: Generation) -> str:
    """The YAML, in ASCII: upstream opens it in the encoding that Windows happens to have."""
    import yaml

    motions: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        if generation is Generation.V3:
            motions.append({"file": str(entry.info.path), "weight": 1.0, **(entry.more or {})})
            continue
        timings = {"start": entry.start, "end": entry.end if entry.end >= 0 else -1}
        piece = {"weight": 1.0, **(entry.more or {}), "idx": index, "timings": timings}
        item: dict[str, Any] = {"file": str(entry.info.path), "idx": index, "sub_motions": [piece]}
        if entry.info.fps is not None:
            item["fps"] = int(entry.info.fps) if entry.info.fps.is_integer() else entry.info.fps
        motions.append(item)
    return yaml.safe_dump({"motions": motions}, sort_keys=False, width=100_000)
