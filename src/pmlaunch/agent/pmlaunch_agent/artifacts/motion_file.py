"""motion.npz: what the bodies did, step by step, kept for later.

pmlaunch/motions/recorded_motion.py describes and reads the arrays. numpy is the program's own.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Sequence, Tuple

from pmlaunch_agent.contract import Artifact
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.files import write_whole
from pmlaunch_agent.report.journal import Journal

MOST_BYTES = 1 << 30
"""The most that is kept: an hour of sixteen humanoids. A window may stay open for days."""
_SCHEMA = 2  # of motion.npz
_NAMED = 8  # motions named in a sentence
Frame = Tuple[Any, Any, Any, Any]
"""Arrays of one step: positions (..., bodies, 3) in m, rotations (..., bodies, 4) xyzw, and the positions and rotations
that the bodies should have, likewise in the world; None without a motion to follow."""


class Bodies:
    """The bodies of the environments of `env`, a BaseEnv that has been built. Each generation has its own subclass."""

    def __init__(self, env: Any) -> None:
        self._env = env

    def frame(self) -> Frame:
        """What the latest control step led to, with the environments as the first axis."""
        raise NotImplementedError

    def skeleton(self) -> tuple[list[str], list[int]]:
        """Name of each body and index of its parent: -1 for the root, and for all bodies if that is unknown."""
        raise NotImplementedError

    def followed(self, count: int) -> list[int]:
        """The motion that each of `count` environments follows; -1 without motions."""
        manager = getattr(self._env, "motion_manager", None)
        return list(manager.motion_ids.tolist()) if manager is not None else [-1] * count

    def progress(self) -> list[int]:
        """Steps of each environment since its reset."""
        return list(self._env.progress_buf.tolist())

    def fps(self) -> float:
        """Control steps per second."""
        return 1.0 / float(self._env.dt)


class MotionKeeper:
    """Collects the bodies after each control step. An environment's way through one motion is a column.

    `lengths` are the control steps of each motion, after which nothing is kept of it; None keeps everything.
    `problem` says why nothing more is kept.
    """

    def __init__(self, bodies: Bodies, lengths: list[int] | None = None) -> None:
        self._bodies = bodies
        self._lengths = lengths
        self._columns: list[_Column] = []
        self._open: dict[int, _Column] = {}
        self._bytes = 0
        self.problem: str | None = None

    def add(self, active: int | None = None) -> None:
        """Keep the latest step of the first `active` environments (None: all). A reset begins the next column."""
        self._guarded(lambda: self._add(active))

    def follow(self, env_ids: Any, motion_ids: Any) -> None:
        """Keep the latest step of these environments, tensors (n,), each motion of which is followed once."""
        self._guarded(lambda: self._follow(env_ids.tolist(), motion_ids.tolist()))

    def finish(self) -> None:
        """The motions that are being followed have been followed to their end."""
        for column in self._columns:
            column.whole = True

    def save(self, path: str, names: Sequence[str], journal: Journal, cut: bool = False) -> None:
        """Write what was kept, with the `names` of the library's motions; remark on what is missing, raise nothing.

        Of an evaluation that was `cut` off, only motions that were followed to their end are kept.
        """
        columns = [column for column in self._columns if column.frames and (column.whole or not cut)]
        reason = None if columns else "no motion was played to its end" if cut else "no step was taken"
        try:
            if columns:
                arrays = self._arrays(columns, names)
                write_whole(journal.in_run(path), lambda file: sys.modules["numpy"].savez(file, **arrays), "wb")
        except Exception as error:
            reason = error_text(error)
        if reason is not None:
            journal.left_out(Artifact.MOTION, f"motion.npz was not written: {reason}")
        elif cut:
            kept = {column.motion for column in columns}
            missing = [name for index, name in enumerate(names) if index not in kept]
            if missing:
                journal.left_out(
                    Artifact.MOTION, f"the run ended before these were played to their end: {_some(missing)}"
                )
        if self.problem is not None:
            journal.remark(self.problem)

    def _arrays(self, columns: list[_Column], names: Sequence[str]) -> dict[str, Any]:
        np: Any = sys.modules["numpy"]
        bodies, parents = self._bodies.skeleton()
        arrays = {
            "schema": np.int64(_SCHEMA),
            "positions": _padded(np, columns, 0),
            "rotations": _padded(np, columns, 1),
            "fps": np.float64(self._bodies.fps()),
            "body_names": np.array(bodies),
            "parents": np.array(parents, dtype=np.int64),
            "motions": np.array([_name(names, column.motion) for column in columns]),
            "frames": np.array([len(column.frames) for column in columns], dtype=np.int64),
        }
        for part, name in ((2, "reference"), (3, "reference_rotations")):
            if all(frame[part] is not None for column in columns for frame in column.frames):
                arrays[name] = _padded(np, columns, part)
        return arrays

    def _guarded(self, keep: Callable[[], None]) -> None:
        """Keep a step; a failure ends the motion, not the run."""
        if self.problem is not None:
            return
        try:
            keep()
        except Exception as error:
            self.problem = f"motion.npz ends early: {error_text(error)}"
        if self._bytes > MOST_BYTES:
            self.problem = f"motion.npz ends after {MOST_BYTES >> 20} MB"

    def _add(self, active: int | None) -> None:
        frame = self._bodies.frame()
        count = len(frame[0])
        followed, progress = self._bodies.followed(count), self._bodies.progress()
        for index in range(count if active is None else min(active, count)):
            column = self._open.get(index)
            if column is None or progress[index] <= column.progress or followed[index] != column.motion:
                column = self._begin(index, followed[index])
            column.progress = progress[index]
            column.whole = self._lengths is not None and len(column.frames) >= self._lengths[column.motion]
            if not column.whole:
                self._keep(column, frame, index)

    def _follow(self, env_ids: list[int], motion_ids: list[int]) -> None:
        frame = self._bodies.frame()
        for motion, column in self._open.items():
            column.whole = column.whole or motion not in motion_ids
        for index, motion in zip(env_ids, motion_ids):  # noqa: B905  # Python 3.8
            self._keep(self._open.get(motion) or self._begin(motion, motion), frame, index)

    def _begin(self, key: int, motion: int) -> _Column:
        column = self._open[key] = _Column(motion)
        self._columns.append(column)
        return column

    def _keep(self, column: _Column, frame: Frame, index: int) -> None:
        now: Any = tuple(None if part is None else part[index] for part in frame)
        column.frames.append(now)
        self._bytes += sum(part.nbytes for part in now if part is not None)


class _Column:
    """One environment's way through one motion."""

    def __init__(self, motion: int) -> None:
        self.motion = motion
        self.progress = -1
        self.whole = False  # followed to its end
        self.frames: list[Frame] = []


def rotations_of(state: Any) -> Any:
    """Copy the rotations (..., bodies, 4) xyzw of a reference state; None if this version of upstream has none."""
    rotations = getattr(state, "rigid_body_rot", None)
    return None if rotations is None else to_array(rotations)


def to_array(tensor: Any) -> Any:
    """Copy a tensor: the simulator writes the next step into the same memory."""
    return tensor.detach().cpu().numpy().astype("float32", copy=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _name(names: Sequence[str], motion: int) -> str:
    return names[motion] if 0 <= motion < len(names) else f"motion {motion}" if motion >= 0 else ""


def _padded(np: Any, columns: list[_Column], part: int) -> Any:
    """One part of the frames, columns side by side: (frames, columns, ...), the shorter ones padded with nan."""
    longest = max(len(column.frames) for column in columns)
    whole = np.full((longest, len(columns), *columns[0].frames[0][part].shape), np.nan, dtype=np.float32)
    for index, column in enumerate(columns):
        whole[: len(column.frames), index] = np.stack([frame[part] for frame in column.frames])
    return whole
