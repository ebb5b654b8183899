"""Motions: the clips of a checkout and any file by path, each with its robot, frames, fps and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pmlaunch.catalog.presets import Preset
from pmlaunch.catalog.robots import Robot, robot_with_bodies
from pmlaunch.errors import PmlaunchError, UnknownNameError, did_you_mean
from pmlaunch.generations.checkout import Checkout
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, Generation, MotionInfo, Severity
from pmlaunch.motions.outline import MotionOutline
from pmlaunch.motions.readers import MOTION_SUFFIXES, PACKED_SUFFIX, read_outline
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.json import to_json
from pmlaunch.support.names import choose, fold

_LISTING = "pmlaunch list motions"
_READER = "motion 3"  # part of the cache's key: raise it when the reader learns more


def motions(checkout: Checkout, available: list[Robot]) -> list[MotionInfo]:
    """Every motion of the checkout and those of our own for it, read. One that cannot be read carries its problem."""
    return [read_info(path, available) for path in (*checkout.motion_files(), *_own_clips(checkout))]


def _own_clips(checkout: Checkout) -> Sequence[Path]:
    if checkout.generation is not Generation.V3:
        return ()
    from pmlaunch.catalog.generated_clips import own_clips  # only 3.x lacks them

    return own_clips(checkout)


def find_motion(
    wanted: str,
    checkout: Checkout,
    available: list[Robot],
    robot: Robot | None,
    known: Mapping[str, Preset],
    folder: Path,
) -> Path:
    """The file that `wanted` names: a path, a preset's name, a file's name, or a part of one for `robot`.

    Paths are relative to `folder`, where the command was typed, or to the checkout. A path need not exist:
    that is for a check to say. Raises PML010 and PML011 for a name that nothing or several things answer to.
    """
    if _looks_like_path(wanted):
        beside, inside = folder / Path(wanted).expanduser(), checkout.within(wanted)
        return inside if inside.exists() and not beside.exists() else beside
    clips = list(checkout.motion_files())
    preset = _preset(wanted, known, checkout.generation)
    if preset is not None and robot is not None:
        files = preset.values.get("files") or {}
        if robot.name in files and checkout.within(files[robot.name]).exists():
            return checkout.within(files[robot.name])
    if robot is not None:
        names = preset.names if preset else (wanted,)
        for name in names:
            own = [clip for clip in clips if fold(clip.stem) == fold(robot.motion_prefix) + fold(name)]
            if own:
                return own[0]
    if not checkout.motions_carry_robot:
        return _by_content(wanted, clips, robot, available, checkout)
    return _by_name(wanted, clips, robot, available)


def _by_content(
    wanted: str, clips: list[Path], robot: Robot | None, available: list[Robot], checkout: Checkout
) -> Path:
    """The one clip whose name is, or holds, `wanted`; among those whose bodies are the robot's; else one of our own.

    Several clips of ProtoMotions 3 have one name (output.motion), and no name tells the robot. A clip that
    cannot be read, such as a Git LFS pointer, counts by its whole name only.
    """
    key = fold(wanted)
    own = [clip for clip in clips if robot is None or read_info(clip, available).robot == robot.name]
    named = [clip for clip in own if fold(clip.stem) == key] or [clip for clip in clips if fold(clip.stem) == key]
    holding = named or [clip for clip in own if key in fold(clip.stem) and len(key) >= 3]
    if len(holding) == 1:
        return holding[0]
    if holding:
        return choose(
            "motion", wanted, holding, lambda clip: (f"{clip.parent.name}/{clip.name}", wanted), listing=_LISTING
        )
    if robot is not None:
        from pmlaunch.catalog.generated_clips import own_clip, own_clips

        made = own_clip(wanted, checkout, robot.name)
        if made is not None:
            return made
        own += own_clips(checkout, robot.name)
    whose = f" of robot {robot.name}" if robot else ""
    near = did_you_mean(wanted, [clip.stem for clip in own])
    here = f" There are: {', '.join(clip.stem for clip in own[:8])}." if own and not near else near
    hint = "--motion PATH of a .motion or .pt file; pmlaunch list motions"
    raise UnknownNameError(f"No motion{whose} is called {wanted!r}.{here}", hint=hint, subject=wanted)


def _by_name(wanted: str, clips: list[Path], robot: Robot | None, available: list[Robot]) -> Path:
    """The one clip whose name is, or ends with, `wanted`; among the robot's own where it is known."""
    own = [clip for clip in clips if robot is None or _belongs(clip, robot, available)]
    endings = [clip for clip in own if fold(clip.stem).endswith(fold(wanted)) and len(fold(wanted)) >= 3]
    whole = [clip for clip in clips if fold(clip.stem) == fold(wanted)]
    if whole or len(endings) == 1:
        return (whole or endings)[0]
    if endings:
        return choose("motion", wanted, endings, lambda clip: (clip.stem, wanted), listing=_LISTING)
    short = {_without_prefix(clip, robot): clip for clip in own}
    near = did_you_mean(wanted, [*short, *(clip.stem for clip in clips)])
    whose = f" of robot {robot.name}" if robot else ""
    raise UnknownNameError(f"No motion{whose} is called {wanted!r}.{near}", hint=_LISTING, subject=wanted)


def _belongs(clip: Path, robot: Robot, available: list[Robot]) -> bool:
    """Whether a file's name begins with the robot's prefix and no longer prefix of another robot's."""
    prefixes = [other.motion_prefix for other in available if clip.stem.startswith(f"{other.motion_prefix}_")]
    return max(prefixes, key=len, default=None) == robot.motion_prefix


def _without_prefix(clip: Path, robot: Robot | None) -> str:
    return clip.stem.removeprefix(f"{robot.motion_prefix}_") if robot else clip.stem


def _preset(wanted: str, known: Mapping[str, Preset], generation: Generation) -> Preset | None:
    for preset in known.values():
        if fold(wanted) in {fold(name) for name in preset.names}:
            return preset.of(generation)
    return None


def _looks_like_path(wanted: str) -> bool:
    return any(separator in wanted for separator in "/\\") or Path(wanted).suffix in MOTION_SUFFIXES


def read_info(path: Path, available: Sequence[Robot]) -> MotionInfo:
    """What the file says of itself. Never raises: the reason is the `problem`."""
    info = MotionInfo(path.stem, path)
    if pointer := _pointer(path):
        fix = f'git -C "{path.parent}" lfs pull --include="{path.name}"'
        message = f"{path.name} is a Git LFS pointer, not the motion of {pointer.size / 1e6:.1f} MB."
        return replace(info, problem=Finding("PML127", Severity.ERROR, message, fix, fix, str(path)))
    if path.suffix == PACKED_SUFFIX and path.is_file():
        return _library_info(info, available)
    try:
        found = _outline(path)
    except PmlaunchError as error:
        problem = Finding(error.code, Severity.ERROR, error.message, error.hint, subject=str(path))
        return replace(info, problem=problem)
    return _with_outline(info, found, available)


def _pointer(path: Path) -> lfs.Pointer | None:
    try:
        return lfs.read_pointer(path) if path.suffix in (".motion", ".pt") else None
    except OSError:
        return None


def _library_info(info: MotionInfo, available: Sequence[Robot]) -> MotionInfo:
    """A library of 3.x is outlined; others (a .yaml, a .pt of 2.x, which is a whole object) are not looked into."""
    try:
        found = read_outline(info.path)
    except PmlaunchError:
        note = "This motion library is not looked into: its robot and length are unknown before the start."
        return replace(info, problem=Finding("PML126", Severity.NOTE, note, subject=str(info.path)))
    return _with_outline(info, found, available)


def _with_outline(info: MotionInfo, found: MotionOutline, available: Sequence[Robot]) -> MotionInfo:
    """`info` with the facts of the outline, and the robot that has the motion's bodies."""
    if found.body_names:
        robot = robot_with_bodies(frozenset(found.body_names), list(available))
    else:
        robot = _by_count(info.path, found.bodies, available)
    return replace(info, robot=robot.name if robot else None, frames=found.frames, fps=found.fps, seconds=found.seconds)


def _outline(path: Path) -> MotionOutline:
    """The outline of a motion, cached by content because numpy is slow to import. Raises PML121, PML122 or PML123."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PmlaunchError("PML121", f"Motion file {path} does not exist.", hint=_LISTING, subject=str(path)) from None
    except OSError as error:
        raise PmlaunchError(
            "PML121",
            f"Motion file {path} cannot be read: {error.strerror}.",
            hint=_LISTING,
            subject=str(path),
        ) from error
    cache, key = JsonCache("motions"), content_key(_READER, content)
    entry = cache.get(key)
    if isinstance(entry, dict):
        return MotionOutline(**{**entry, "body_names": tuple(entry["body_names"])})
    found = read_outline(path, content)
    cache.put(key, to_json(found))
    return found


def _by_count(path: Path, bodies: int, available: Sequence[Robot]) -> Robot | None:
    """The robot with so many bodies; where several have, the one that the file's name begins with."""
    fitting = [robot for robot in available if len(robot.bodies) == bodies]
    named = [robot for robot in fitting if path.stem.startswith(robot.motion_prefix)]
    return (named or fitting)[0] if named or len(fitting) == 1 else None
