"""Collect the motions of a run: names, patterns, folders and libraries become one list, and one library of it.

The library is only text here: it is written when the run starts. Its paths are absolute. Its format depends on the
generation (motion_library.py in generations/v2 and v3).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pmlaunch.catalog.motions import read_info
from pmlaunch.catalog.robots import Robot
from pmlaunch.errors import OtherRobotError, PmlaunchError, UnknownNameError, did_you_mean
from pmlaunch.generations.motion_library import LibraryEntry
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Finding, Generation, MotionInfo, Severity
from pmlaunch.motions.raw_data import RAW_SUFFIXES, raw_format
from pmlaunch.motions.readers import LIST_SUFFIXES, MOTION_SUFFIXES, PACKED_SUFFIX
from pmlaunch.support.file_kind import files_below
from pmlaunch.support.names import fitting
from pmlaunch.support.paths import expanded

LIBRARY_FILE = "motions.yaml"
"""The library that a run generates, in its run folder; in a plan this bare name stands for it."""
_CLIPS = frozenset(adapter.motion_suffixes[0] for adapter in GENERATIONS.values())
_WILD = "*?["
_LISTING = "pmlaunch list motions"
_NAMES = "--dry-run without --exclude shows their names"


@dataclass(frozen=True)
class MotionList:
    """The motions of a run. `file` is passed to the program; without one, `library` is the text of a file to write.

    `left_out` are motions that a folder, pattern or library also holds: those with a problem were skipped on demand,
    the others belong to another robot than the one that was asked for. `alone` has what --motion names each of the
    files by, and what --exclude leaves out of it, to play them one by one: the user's word if it stands for one file,
    otherwise the path.
    """

    motions: tuple[MotionInfo, ...] = ()
    file: Path | None = None
    library: str | None = None
    left_out: tuple[MotionInfo, ...] = ()
    alone: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class MotionSources:
    """Where motions are looked for."""

    find: Callable[[str], Path]  # the file that a name or path answers to
    folders: Sequence[Path]  # of patterns and folders: where the command was typed, then the checkout
    robots: Sequence[Robot]  # all of the checkout
    generation: Generation  # of the checkout
    robot: str | None = None  # select this robot's motions from folders, patterns and libraries
    skip_bad: bool = False  # leave out motions that cannot be played
    exclude: Sequence[str] = ()  # patterns of names of motions to leave out


def collect(wanted: Sequence[str], sources: MotionSources) -> MotionList:
    """The motions that `wanted` names (names, paths, patterns, folders, libraries), in that order, each once.

    Raises PML010 for a pattern or folder without a motion, PML120 for a YAML file that is not a library, PML001 for a
    packed library beside other motions or if everything is excluded, and PML016 for an entry that the generation would
    play differently.
    """
    found = [[path.absolute() for path in _files(name, sources)] for name in wanted]
    named = {paths[0] for paths in found if len(paths) == 1}  # by the user, one by one
    files = list({os.path.normcase(path): path for paths in found for path in paths}.values())
    packed = [path for path in files if path.suffix == PACKED_SUFFIX]
    if packed and len(files) > 1:
        message = f"{packed[0].name} is a packed motion library, which cannot be combined with other motions."
        failed = PmlaunchError("PML001", message, subject=str(packed[0]))
        raise failed.retrying({"-m": None, "--motion": str(packed[0])})
    read = partial(_info, robots=sources.robots, generation=sources.generation)
    program = GENERATIONS[sources.generation].program
    if len(files) == 1 and not _is_library(files[0]):
        info = read(files[0])
        _excluded([info], sources.exclude)
        return MotionList((info,), files[0])
    listed = {
        path: list(program.read_library(path, read)) if _is_library(path) else [LibraryEntry(read(path))]
        for path in files
    }
    entries, left_out = _selected([entry for each in listed.values() for entry in each], named, sources)
    if len(files) == 1 and not left_out and not sources.exclude and _read_by_upstream(files[0], entries):
        return MotionList(_distinct([_played(entry) for entry in entries]), files[0])
    same: Callable[[LibraryEntry], object] = id if len(files) == 1 else _identity  # a library plays its duplicates
    first: dict[object, LibraryEntry] = {}
    for entry in entries:
        first.setdefault(same(entry), entry)
    motions = _distinct([_played(entry) for entry in first.values()])
    gone = _excluded(motions, sources.exclude)
    rest = [(entry, motion) for entry, motion in zip(first.values(), motions, strict=True) if motion.name not in gone]
    excluded = first.keys() - {same(entry) for entry, _ in rest}
    own = {path: [entry for entry in each if same(entry) in first] for path, each in listed.items()}
    words = _alone(wanted, found, own, lambda entry: same(entry) in excluded)
    motions, alone = tuple(motion for _, motion in rest), tuple(words)
    (entry, motion), *more = rest
    if not more and entry.is_whole and entry.info == read(entry.info.path) and motion.name == entry.info.name:
        return MotionList(motions, motion.path, left_out=left_out, alone=alone)
    # a motion keeps its name, whatever is excluded: `walk (2)` is not the first `walk` of another run
    text = program.library_text([replace(entry, info=replace(entry.info, name=motion.name)) for entry, motion in rest])
    return MotionList(motions, None, text, left_out, alone)


def _alone(
    wanted: Sequence[str],
    found: Sequence[Sequence[Path]],
    listed: Mapping[Path, Sequence[LibraryEntry]],
    is_excluded: Callable[[LibraryEntry], bool],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """`MotionList.alone` of the files `found` for each word of `wanted`, which list these entries."""
    files = {os.path.normcase(path): path for path in listed}
    for word, paths in zip(wanted, found, strict=True):
        for path in filter(None, (files.pop(os.path.normcase(path), None) for path in paths)):
            names = _distinct([_played(entry) for entry in listed[path]])  # those without the other files
            pairs = zip(listed[path], names, strict=True)
            without = tuple(motion.name for entry, motion in pairs if is_excluded(entry))
            if len(without) < len(names):
                yield word if len(paths) == 1 else str(path), without


def _excluded(motions: Sequence[MotionInfo], patterns: Sequence[str]) -> Collection[str]:
    """The names of the motions that have one of these names, or fit one of these patterns.

    Raises PML010 for one that means none of them, and PML001 if no motion is left.
    """
    names, gone = {motion.name: motion.name for motion in motions}, set[str]()
    for pattern in patterns:
        if not (meant := fitting(pattern, names)):
            message = f"--exclude {pattern} fits no motion of {len(names)}.{did_you_mean(pattern, list(names))}"
            raise PmlaunchError("PML010", message, hint=_NAMES, subject=pattern)
        gone.update(meant)
    if names and len(gone) == len(names):
        raise PmlaunchError("PML001", "--exclude leaves out every motion.", hint=_NAMES)
    return gone


def _selected(
    entries: Sequence[LibraryEntry], named: Collection[Path], sources: MotionSources
) -> tuple[list[LibraryEntry], tuple[MotionInfo, ...]]:
    """The entries to play, and the motions that are left out. Files in `named` stay, whatever their robot.

    Raises PML024 if none is of the robot that was asked for. If all are broken, all stay, and the checks report them.
    """

    def is_foreign(info: MotionInfo) -> bool:
        return sources.robot is not None and info.robot not in (None, sources.robot) and info.path not in named

    own = [entry for entry in entries if not is_foreign(entry.info)]
    if entries and not own:
        count = Counter(str(entry.info.robot) for entry in entries)
        whose = ", ".join(f"{robot}: {number}" for robot, number in count.items())
        message = f"None of the {len(entries)} motions is of robot {sources.robot} ({whose})."
        raise OtherRobotError(message, fix=f"{_LISTING} --robot {sources.robot}", subject=sources.robot)
    playable = [entry for entry in own if not (sources.skip_bad and _is_broken(entry.info))] or own
    kept = {id(entry) for entry in playable}
    return playable, tuple(entry.info for entry in entries if id(entry) not in kept)


def _is_broken(info: MotionInfo) -> bool:
    return info.problem is not None and info.problem.severity is Severity.ERROR


def own_list(path: Path, robots: Sequence[Robot], generation: Generation) -> MotionList:
    """The motions of one file that the checkpoint or an override names. Never raises: a problem is part of the list."""
    try:
        found = collect((str(path),), MotionSources(lambda _: path, (), robots, generation))
    except PmlaunchError as error:
        problem = Finding(error.code, Severity.ERROR, error.message, error.hint, subject=error.subject)
        return MotionList((MotionInfo(path.stem, path, problem=problem),), path)
    if _is_library(path) and found.file != path.absolute() and found.motions[0].problem is None:
        message = f"{path} lacks fields that the motion library reader of {GENERATIONS[generation].label} requires."
        hint = f'--motion "{path}" adds the missing fields'
        problem = Finding("PML120", Severity.ERROR, message, hint, subject=str(path))
        found = replace(found, motions=(replace(found.motions[0], problem=problem), *found.motions[1:]))
    return replace(found, file=path, library=None)


def _read_by_upstream(library: Path, entries: Sequence[LibraryEntry]) -> bool:
    """Whether upstream reads the library as pmlaunch does; it passes a .yml to torch, and text in Windows' code page."""
    return (
        library.suffix == ".yaml"
        and all(entry.as_upstream_reads for entry in entries)
        and library.read_bytes().isascii()
    )


def _is_library(path: Path) -> bool:
    return path.suffix in LIST_SUFFIXES and path.is_file()


def _identity(entry: LibraryEntry) -> tuple[str, float, float, float | None]:
    path = os.path.normcase(os.path.abspath(entry.info.path))  # noqa: PTH100 (see find.py)
    return path, entry.start, entry.end, entry.info.fps


def _info(path: Path, robots: Sequence[Robot], generation: Generation) -> MotionInfo:
    """The content of a motion file. One of another generation is a problem: upstream fails at it, but late."""
    own = GENERATIONS[generation]
    info = read_info(path, robots, own.conversions)
    # a packed library that could be read is one of 3.x; those of 2.x are pickled objects
    foreign = path.suffix in _CLIPS or (path.suffix == PACKED_SUFFIX and (own.embedded or info.frames is not None))
    if path.suffix in own.motion_suffixes or not foreign or not path.is_file():
        return info
    maker = next(adapter for adapter in GENERATIONS.values() if path.suffix in adapter.motion_suffixes)
    message = (
        f"{path.name} is a motion of ProtoMotions {maker.generation}, which {own.label} cannot read. It reads "
        f"{own.motion_suffixes[0]}."
    )
    hint = f"pmlaunch list motions, or --protomotions DIR of a {maker.label} checkout"
    return replace(info, problem=Finding("PML132", Severity.ERROR, message, hint, subject=str(path)))


def _files(name: str, sources: MotionSources) -> list[Path]:
    """The files that one --motion stands for. A bare name is a motion first, even if a folder has that name, too."""
    if not name.strip():
        raise PmlaunchError("PML001", "--motion is empty. Give a name or a path.", fix=_LISTING)
    own = GENERATIONS[sources.generation].motion_suffixes[0]
    candidates = [folder / expanded(name) for folder in sources.folders]
    if _is_bare(name):
        try:
            return [sources.find(name)]
        except UnknownNameError:
            if not any(candidate.exists() for candidate in candidates):
                raise
    for candidate in candidates:
        if candidate.is_file():
            return [candidate]
        if candidate.is_dir():
            if clips := sorted(files_below(candidate, own)):
                return clips
            if raw := next(filter(raw_format, files_below(candidate, *RAW_SUFFIXES)), None):
                return [raw]
            message = f"The folder {candidate} contains no motions for this checkout's generation ({own})."
            raise UnknownNameError(message, fix=_LISTING, subject=name)
    if not set(name) & set(_WILD):
        return [sources.find(name)]
    for candidate in candidates:
        motions = [path for path in _matching(candidate) if path.suffix in MOTION_SUFFIXES and path.is_file()]
        if motions:  # those of the other generation only if there is nothing else, and then to be refused
            return [path for path in motions if path.suffix not in _CLIPS - {own}] or motions
    raise UnknownNameError(f"No motion file matches {name}.", fix=_LISTING, subject=name)


def _is_bare(name: str) -> bool:
    special = set(name) & set(f"/\\~{_WILD}")
    return not special and name not in (".", "..") and Path(name).suffix not in (*MOTION_SUFFIXES, *RAW_SUFFIXES)


def _matching(path: Path) -> list[Path]:
    """The files that match a pattern. Its leading parts that exist are literal: a folder may be called [old]."""
    literal, parts = Path(path.anchor), list(path.parts[1:] if path.anchor else path.parts)
    while parts and (literal / parts[0]).exists():
        literal /= parts.pop(0)
    try:
        return sorted(literal.glob(str(Path(*parts))))
    except OSError:  # a folder vanished meanwhile
        return []


def _played(entry: LibraryEntry) -> MotionInfo:
    """The motion with the start and length of the part that is played."""
    info = replace(entry.info, start=entry.start)
    if info.frames is None or info.fps is None or entry.is_whole:
        return info
    last = info.frames if entry.end == -1 else min(int(entry.end * info.fps), info.frames)
    frames = max(last - round(entry.start * info.fps), 0)
    return replace(info, frames=frames, seconds=max(frames - 1, 0) / info.fps)


def _distinct(motions: Sequence[MotionInfo]) -> tuple[MotionInfo, ...]:
    """The motions with distinct names: a second `walk` gets its folder's name as well, or a number."""
    count, taken = Counter(motion.name for motion in motions), Counter[str]()
    found = []
    for motion in motions:
        name = motion.name if count[motion.name] == 1 else f"{motion.path.parent.name}/{motion.name}"
        taken[name] += 1
        found.append(replace(motion, name=name if taken[name] == 1 else f"{name} ({taken[name]})"))
    return tuple(found)
