"""Motions: the clips of a checkout and any file by path, each with its robot, frames, fps and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.catalog.generated_clips import own_clip, own_clips
from pmlaunch.catalog.presets import MotionPreset
from pmlaunch.catalog.robots import Robot, whose_bodies
from pmlaunch.errors import OtherRobotError, PmlaunchError, nearest
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.find import fetch_path_command
from pmlaunch.generations.motion_library import with_frames_checked
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, MotionInfo, Severity
from pmlaunch.motions.outline import MAX_BYTES, MotionOutline
from pmlaunch.motions.raw_data import RAW_SUFFIXES, RawFormat
from pmlaunch.motions.readers import MOTION_SUFFIXES, PACKED_SUFFIX, RawDataError, is_small_motion, read_outline
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.file_kind import is_legacy_torch_file
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import exactly, to_json
from pmlaunch.support.names import choose, fold, unknown_name
from pmlaunch.support.paths import Place, find_path

_LISTING = "pmlaunch list motions"
_CURES = {
    "PML121": _LISTING,
    "PML122": "copy, download or export the file again, or choose another: pmlaunch list motions",
}
_READER = "motion 4"  # part of the cache's key: raise it when the reader learns more


def motions(checkout: Checkout, available: Sequence[Robot]) -> list[MotionInfo]:
    """Every motion of the checkout, and the generated ones. One that cannot be read carries its problem."""
    conversions = GENERATIONS[checkout.generation].conversions
    return [read_info(path, available, conversions) for path in (*checkout.motion_files(), *own_clips(checkout))]


@dataclass(frozen=True)
class MotionSearch:
    """Finds motions by name for one robot (None: any robot) of a checkout.

    `robots` are all that the checkout has; `places` are where relative paths may start, in order.
    """

    checkout: Checkout
    robots: Sequence[Robot]
    robot: Robot | None
    presets: Mapping[str, MotionPreset]
    places: Sequence[Place]

    def find(self, wanted: str) -> Path:
        """The file that `wanted` names: a path, a preset's name, a file's name, or a part of one.

        A path need not exist, which a check reports. Raises PML010 and PML011 for a name that nothing or several files
        answer to.
        """
        if looks_like_path(wanted):
            return find_path(wanted, self.places)[0]
        clips = self.checkout.motion_files()
        if own := self._of_robot(wanted, clips):
            return own
        if GENERATIONS[self.checkout.generation].motion_names_carry_robot:
            return self._by_name(wanted, clips)
        return self._by_content(wanted, clips)

    def _of_robot(self, wanted: str, clips: Sequence[Path]) -> Path | None:
        """The robot's file of a preset, else the file called by the robot's prefix and the name."""
        if self.robot is None:
            return None
        named = (it for it in self.presets.values() if fold(wanted) in map(fold, it.names))
        preset = next(named, None)
        file = preset.of(self.checkout.generation).files.get(self.robot.name) if preset else None
        if file is not None and (self.checkout.root / file).exists():
            return self.checkout.root / file
        for name in preset.names if preset else (wanted,):
            for clip in clips:
                if fold(clip.stem) == fold(self.robot.motion_prefix) + fold(name):
                    return clip
        return None

    def _by_content(self, wanted: str, clips: Sequence[Path]) -> Path:
        """The one clip whose name is or contains `wanted`, among those with the robot's bodies; else a generated one.

        Several clips of ProtoMotions 3 have the same name (output.motion), and no name tells the robot. A clip that
        cannot be read, such as a Git LFS pointer, counts by its whole name only.
        """
        key, robot = fold(wanted), self.robot
        own = [clip for clip in clips if robot is None or read_info(clip, self.robots).robot == robot.name]
        named = [clip for clip in own if fold(clip.stem) == key] or [clip for clip in clips if fold(clip.stem) == key]
        holding = named or [clip for clip in own if key in fold(clip.stem) and len(key) >= 3]
        if len(holding) == 1:
            return holding[0]
        if holding:
            return choose(
                "motion", wanted, holding, lambda clip: (f"{clip.parent.name}/{clip.name}", wanted), listing=_LISTING
            )
        if robot is not None:
            if made := own_clip(wanted, self.checkout, robot.name):
                return made
            own += own_clips(self.checkout, robot.name)
        raise self._unknown(wanted, {clip.stem: clip.stem for clip in own}, clips)

    def _by_name(self, wanted: str, clips: Sequence[Path]) -> Path:
        """The one clip whose name is `wanted` or ends with it; among the robot's own if it is known."""
        own = [clip for clip in clips if self._belongs(clip)]
        endings = [clip for clip in own if fold(clip.stem).endswith(fold(wanted)) and len(fold(wanted)) >= 3]
        whole = [clip for clip in clips if fold(clip.stem) == fold(wanted)]
        if whole or len(endings) == 1:
            return (whole or endings)[0]
        if endings:
            return choose("motion", wanted, endings, lambda clip: (clip.stem, wanted), listing=_LISTING)
        prefix = f"{self.robot.motion_prefix}_" if self.robot else ""
        short = {
            spelling: clip.stem.removeprefix(prefix)
            for clip in own
            for spelling in (clip.stem, clip.stem.removeprefix(prefix))
        }
        raise self._unknown(wanted, {**short, **{clip.stem: clip.stem for clip in clips if clip not in own}}, clips)

    def _belongs(self, clip: Path) -> bool:
        """Whether a file's name begins with the robot's prefix, and not with a longer prefix of another robot."""
        prefixes = [other.motion_prefix for other in self.robots if clip.stem.startswith(f"{other.motion_prefix}_")]
        return self.robot is None or max(prefixes, key=len, default=None) == self.robot.motion_prefix

    def _unknown(self, wanted: str, spellings: Mapping[str, str], clips: Sequence[Path]) -> PmlaunchError:
        """The error for a name that no motion of the robot has: that it is another robot's, or what is near it."""
        others = dict.fromkeys(
            filter(None, map(self._owner, (clip for clip in clips if self._is_called(wanted, clip))))
        )
        if self.robot and others:
            message = f"Motion {wanted!r} exists for robot {', '.join(others)}, not for {self.robot.name}."
            return OtherRobotError(message, fix=f"{_LISTING} --robot {self.robot.name}", subject=wanted)
        whose = f" of robot {self.robot.name}" if self.robot else ""
        near = nearest(wanted, spellings)
        names = list(dict.fromkeys(spellings.values()))[:8]
        there = f" There are: {', '.join(names)}." if names and not near else ""
        return unknown_name(f"No motion{whose} is called {wanted!r}.{there}", wanted, near, _LISTING)

    def _is_called(self, wanted: str, clip: Path) -> bool:
        """Whether the clip would answer to `wanted` if its robot were the one."""
        preset = next((it for it in self.presets.values() if fold(wanted) in map(fold, it.names)), None)
        names = preset.names if preset else (wanted,)
        return any(fold(clip.stem).endswith(fold(name)) and len(fold(name)) >= 3 for name in names)

    def _owner(self, clip: Path) -> str | None:
        """The name of the clip's robot, by its name where names carry it, else by its content."""
        if not GENERATIONS[self.checkout.generation].motion_names_carry_robot:
            return read_info(clip, self.robots).robot
        fitting = [robot for robot in self.robots if clip.stem.startswith(f"{robot.motion_prefix}_")]
        owner = max(fitting, key=lambda robot: len(robot.motion_prefix), default=None)
        return owner.name if owner else None


def looks_like_path(wanted: str) -> bool:
    """Whether --motion names a file rather than a motion."""
    return any(separator in wanted for separator in "/\\") or Path(wanted).suffix in (*MOTION_SUFFIXES, *RAW_SUFFIXES)


def read_info(path: Path, available: Sequence[Robot], conversions: Mapping[RawFormat, str] | None = None) -> MotionInfo:
    """The robot and the length of a motion file. Never raises: what is wrong is its `problem`.

    A packed library of 2.x is a pickled object, which is noted only: upstream can load it. `conversions` are the commands
    with which the generation converts the motions of other projects.
    """
    info = MotionInfo(path.stem, path)
    if pointer := _pointer(path):
        fix = fetch_path_command(path)
        message = f"{path.name} is a Git LFS pointer, not the motion of {pointer.size / 1e6:.1f} MB."
        return replace(info, problem=Finding("PML127", Severity.ERROR, message, fix, fix, str(path)))
    try:
        found = _outline(path)
    except RawDataError as error:
        hint = (conversions or {}).get(
            error.raw, "no script of this ProtoMotions converts it; for other motions: pmlaunch list motions"
        )
        return replace(info, problem=Finding(error.code, Severity.ERROR, error.message, hint, subject=str(path)))
    except PmlaunchError as error:
        problem = Finding(error.code, Severity.ERROR, error.message, _CURES.get(error.code), subject=str(path))
        if path.suffix == PACKED_SUFFIX and (error.code in ("PML123", "PML126") or is_legacy_torch_file(path)):
            note = "This motion library cannot be inspected, so its robot and duration are unknown before the start."
            problem = Finding("PML126", Severity.NOTE, note, subject=str(path))
        return replace(info, problem=problem)
    wrong = None
    if found.body_names:
        robot, wrong = whose_bodies(found.body_names, available)
    else:
        robot = _by_count(path, found.bodies, available)
    info = replace(info, robot=robot.name if robot else None, count=found.motions)
    info = replace(info, frames=found.frames, fps=found.fps, seconds=found.seconds)
    if robot and wrong:
        message = f"{path.name} {wrong}, compared with robot {robot.name}. ProtoMotions matches bodies by position."
        hint = (
            f"convert it again for the skeleton of {robot.name}, or choose another: pmlaunch list motions --robot "
            f"{robot.name}"
        )
        return replace(info, problem=Finding("PML155", Severity.ERROR, message, hint, subject=str(path)))
    return with_frames_checked(info, found.least_frames)


def _pointer(path: Path) -> lfs.Pointer | None:
    try:
        return lfs.read_pointer(path)
    except OSError:
        return None


def _outline(path: Path) -> MotionOutline:
    """The outline of a motion, cached by content because numpy is slow to import. Raises what `read_outline` raises."""
    try:
        content = read_bytes(path, MAX_BYTES) if path.suffix != PACKED_SUFFIX and is_small_motion(path) else None
    except OSError:  # it has gone since, or may not be read
        content = None
    if content is None:
        return read_outline(path)
    cache, key = JsonCache("motions"), content_key(_READER, path.suffix, content)
    kept = exactly(MotionOutline, cache.get(key))
    if kept is not None:
        return kept
    found = read_outline(path, content)
    cache.put(key, to_json(found))
    return found


def _by_count(path: Path, bodies: int, available: Sequence[Robot]) -> Robot | None:
    """The robot with this number of bodies; of several, the one whose prefix the file's name begins with."""
    fitting = [robot for robot in available if len(robot.bodies) == bodies]
    named = [robot for robot in fitting if path.stem.startswith(robot.motion_prefix)]
    return (named or fitting)[0] if named or len(fitting) == 1 else None
