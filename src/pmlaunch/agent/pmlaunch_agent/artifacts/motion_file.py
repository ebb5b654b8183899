"""motion.npz: what the bodies did, step by step, kept for later.

pmlaunch/motions/recorded_motion.py describes and reads the arrays. numpy is the program's own.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Sequence

from pmlaunch_agent.contract import Artifact
from pmlaunch_agent.report.files import write_whole
from pmlaunch_agent.report.journal import Journal

MOST_BYTES = 1 << 30
"""The most that is kept: an hour of sixteen humanoids. A window may stay open for days."""


class Bodies:
    """The bodies of the environments after a control step. Each generation has its own subclass.

    Args:
        env: a BaseEnv that has been built.
    """

    def __init__(self, env: Any) -> None:
        self._env = env

    def now(self) -> tuple[Any, Any]:
        """Positions (envs, bodies, 3) in m and rotations (envs, bodies, 4) xyzw."""
        raise NotImplementedError

    def reference(self) -> Any:
        """Where the bodies should be, (envs, bodies, 3) in m in the world; None without a motion to follow."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """Names of the bodies."""
        raise NotImplementedError

    def parents(self, names: list[str]) -> list[int]:
        """Index of each body's parent; -1 for the root, and for all bodies if the skeleton is unknown."""
        raise NotImplementedError

    def followed(self, count: int) -> list[int]:
        """The motion that each of `count` environments follows; -1 without motions."""
        manager = getattr(self._env, "motion_manager", None)
        ids: list[int] = manager.motion_ids.tolist() if manager is not None else [-1] * count
        return ids

    def progress(self) -> list[int]:
        """Steps of each environment since its reset."""
        steps: list[int] = self._env.progress_buf.tolist()
        return steps

    def fps(self) -> float:
        """Control steps per second."""
        return 1.0 / float(self._env.dt)


class MotionKeeper:
    """Collects the bodies after each control step. An environment's way through one motion is a column.

    Args:
        bodies: where to read them.
        lengths: control steps of each motion, after which nothing is kept of it; None to keep everything.

    Attributes:
        problem: why nothing more is kept; None if all is well.
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

    def save(self, path: str, names: Sequence[str], journal: Journal) -> None:
        """Write what was kept; remark on what is missing, and raise nothing."""
        try:
            if not self.write(path, names):
                journal.left_out(Artifact.MOTION, "motion.npz was not written: no step was taken")
        except Exception as error:
            journal.left_out(Artifact.MOTION, f"motion.npz was not written: {type(error).__name__}: {error}")
        if self.problem is not None:
            journal.remark(self.problem)

    def write(self, path: str, names: Sequence[str]) -> bool:
        """Write what was kept; False if there is nothing.

        Args:
            path: of motion.npz.
            names: of the library's motions.

        Raises:
            OSError: the file cannot be written.
        """
        columns = [column for column in self._columns if column.positions]
        if not columns:
            return False
        np: Any = sys.modules["numpy"]
        bodies = self._bodies.names()
        arrays = {
            "positions": _padded(np, [column.positions for column in columns]),
            "rotations": _padded(np, [column.rotations for column in columns]),
            "fps": np.float64(self._bodies.fps()),
            "body_names": np.array(bodies),
            "parents": np.array(self._bodies.parents(bodies), dtype=np.int64),
            "motions": np.array([_name(names, column.motion) for column in columns]),
            "frames": np.array([len(column.positions) for column in columns], dtype=np.int64),
        }
        if all(len(column.reference) == len(column.positions) for column in columns):
            arrays["reference"] = _padded(np, [column.reference for column in columns])
        write_whole(path, lambda file: np.savez(file, **arrays), "wb")
        return True

    def _guarded(self, keep: Callable[[], None]) -> None:
        """Keep a step; a failure ends the motion, not the run."""
        if self.problem is not None:
            return
        try:
            keep()
        except Exception as error:
            self.problem = f"motion.npz ends early: {type(error).__name__}: {error}"
        if self._bytes > MOST_BYTES:
            self.problem = f"motion.npz ends after {MOST_BYTES >> 20} MB"

    def _add(self, active: int | None) -> None:
        positions, rotations = self._bodies.now()
        reference = self._bodies.reference()
        followed = self._bodies.followed(len(positions))
        progress = self._bodies.progress()
        for index in range(len(positions) if active is None else min(active, len(positions))):
            column = self._open.get(index)
            if column is None or progress[index] <= column.progress or followed[index] != column.motion:
                column = self._begin(index, followed[index])
            column.progress = progress[index]
            if self._lengths is None or len(column.positions) < self._lengths[column.motion]:
                self._keep(column, positions[index], rotations[index], None if reference is None else reference[index])

    def _follow(self, env_ids: list[int], motion_ids: list[int]) -> None:
        positions, rotations = self._bodies.now()
        reference = self._bodies.reference()
        for index, motion in zip(env_ids, motion_ids):  # noqa: B905  # Python 3.8
            column = self._open.get(motion) or self._begin(motion, motion)
            self._keep(column, positions[index], rotations[index], None if reference is None else reference[index])

    def _begin(self, key: int, motion: int) -> _Column:
        column = self._open[key] = _Column(motion)
        self._columns.append(column)
        return column

    def _keep(self, column: _Column, positions: Any, rotations: Any, reference: Any) -> None:
        column.positions.append(positions)
        column.rotations.append(rotations)
        if reference is not None:
            column.reference.append(reference)
        self._bytes += 2 * positions.nbytes + rotations.nbytes


class _Column:
    """One environment's way through one motion: arrays (bodies, ...) for each step."""

    def __init__(self, motion: int) -> None:
        self.motion = motion
        self.progress = -1
        self.positions: list[Any] = []
        self.rotations: list[Any] = []
        self.reference: list[Any] = []


def to_array(tensor: Any) -> Any:
    """Copy a tensor: the simulator writes the next step into the same memory."""
    return tensor.detach().cpu().numpy().astype("float32", copy=True)


def _name(names: Sequence[str], motion: int) -> str:
    return names[motion] if 0 <= motion < len(names) else f"motion {motion}" if motion >= 0 else ""


def _padded(np: Any, columns: list[list[Any]]) -> Any:
    """Columns of frames side by side: (frames, columns, ...), the shorter ones padded with nan."""
    longest = max(len(column) for column in columns)
    whole = np.full((longest, len(columns), *columns[0][0].shape), np.nan, dtype=np.float32)
    for index, column in enumerate(columns):
        whole[: len(column), index] = np.stack(column)
    return whole
