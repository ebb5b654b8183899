"""motion.npz: what the policy did, step by step, kept for later.

The arrays are described in pmlaunch/savedmotion.py, which reads them. numpy is the program's own.
"""

from __future__ import annotations

import os
import sys

from pmlaunch_agent.measures import no_draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_BYTES = 1 << 30
"""What is kept at most: an hour of sixteen humanoids. A window may stay open for days."""


class MotionKeeper:
    """Collects the bodies of the environments after each control step: ProtoMotions 2's; evaluate_v3.py adapts it to 3.

    Every environment's way through one motion is a column; a reset begins the next one.

    Args:
        env: a BaseEnv that has been built.
        names: of the library's motions.
        lengths: control steps of each motion, behind which nothing is kept; None where that is no matter.
    """

    def __init__(self, env: Any, names: list[str], lengths: list[int] | None):
        self._env = env
        self._names = names
        self._lengths = lengths
        self._columns: list[_Column] = []
        self._open: dict[int, _Column] = {}
        self._bytes = 0
        self.problem: str | None = None

    def add(self, active: int | None) -> None:
        """Keep the step that was just taken, of the first `active` environments (None: of all)."""
        if self.problem is not None:
            return
        positions, rotations = self._bodies_now()
        reference = self._reference()
        followed = self._followed(len(positions))
        progress = self._env.progress_buf.tolist()
        for index in range(len(positions) if active is None else min(active, len(positions))):
            column = self._open.get(index)
            if column is None or progress[index] <= column.progress or followed[index] != column.motion:
                column = self._open[index] = _Column(followed[index])
                self._columns.append(column)
            column.progress = progress[index]
            if self._lengths is not None and len(column.positions) >= self._lengths[column.motion]:
                continue
            column.positions.append(positions[index])
            column.rotations.append(rotations[index])
            if reference is not None:
                column.reference.append(reference[index])
            self._bytes += 2 * positions[index].nbytes + rotations[index].nbytes
        if self._bytes > MOST_BYTES:
            self.problem = f"motion.npz ends after {MOST_BYTES >> 20} MB"

    def _bodies_now(self) -> tuple[Any, Any]:
        """Arrays (envs, bodies, 3) m and (envs, bodies, 4) xyzw."""
        state = self._env.simulator.get_bodies_state()
        return numbers(state.rigid_body_pos), numbers(state.rigid_body_rot)

    def _followed(self, count: int) -> list[int]:
        manager = getattr(self._env, "motion_manager", None)
        ids: list[int] = manager.motion_ids.tolist() if manager is not None else [-1] * count
        return ids

    def _reference(self) -> Any:
        """Where the bodies should be, in the world (envs, bodies, 3) m; None for an environment without a motion."""
        env = self._env
        if not hasattr(env, "mimic_info_dict"):  # only those follow a motion; others begin with one
            return None
        manager = env.motion_manager
        wanted = env.motion_lib.get_motion_state(manager.motion_ids, manager.motion_times).rigid_body_pos
        wanted = wanted + env.respawn_offset_relative_to_data.view(-1, 1, 3)
        ground = env.terrain.get_ground_heights(wanted[:, 0]).view(-1, 1, 1)
        placed = numbers(wanted)
        placed[..., 2:] += numbers(ground)
        return placed

    def write(self, path: str) -> bool:
        """Write what was kept; False when there is nothing.

        Raises:
            OSError: the file cannot be written.
        """
        np: Any = sys.modules["numpy"]
        columns = [column for column in self._columns if column.positions]
        if not columns:
            return False
        bodies = self._bodies()
        arrays = {
            "positions": _padded(np, [column.positions for column in columns]),
            "rotations": _padded(np, [column.rotations for column in columns]),
            "fps": np.float64(1.0 / float(self._env.dt)),
            "body_names": np.array(bodies),
            "parents": np.array(self._parents(bodies), dtype=np.int64),
            "motions": np.array([self._name(column.motion) for column in columns]),
            "frames": np.array([len(column.positions) for column in columns], dtype=np.int64),
        }
        if all(len(column.reference) == len(column.positions) for column in columns):
            arrays["reference"] = _padded(np, [column.reference for column in columns])
        beside = f"{path}.{os.getpid()}.tmp"
        with no_draft(beside):
            with open(beside, "wb") as file:
                np.savez(file, **arrays)
            os.replace(beside, path)
        return True

    def keep(self, motion: int, positions: Any, rotations: Any, reference: Any) -> None:
        """Keep one step of a motion that is followed once: arrays (bodies, 3) m, (bodies, 4) xyzw, (bodies, 3) m or None."""
        column = self._open.get(motion)
        if column is None:
            column = self._open[motion] = _Column(motion)
            self._columns.append(column)
        column.positions.append(positions)
        column.rotations.append(rotations)
        if reference is not None:
            column.reference.append(reference)
        self._bytes += 2 * positions.nbytes + rotations.nbytes
        if self._bytes > MOST_BYTES:
            self.problem = f"motion.npz ends after {MOST_BYTES >> 20} MB"

    def _bodies(self) -> list[str]:
        return [str(name) for name in self._env.config.robot.body_names]

    def _name(self, motion: int) -> str:
        return self._names[motion] if 0 <= motion < len(self._names) else f"motion {motion}" if motion >= 0 else ""

    def _parents(self, bodies: list[str]) -> list[int]:
        """Each body's parent, from the skeleton of the first motion; -1 where it does not tell."""
        try:
            tree = self._env.motion_lib.state.motions[0].skeleton_tree
            names, parents = [str(name) for name in tree.node_names], tree.parent_indices.tolist()
            above = {name: names[parent] if parent >= 0 else "" for name, parent in zip(names, parents)}  # noqa: B905
        except (AttributeError, IndexError, KeyError, TypeError):
            return [-1] * len(bodies)
        return [bodies.index(above[name]) if above.get(name) in bodies else -1 for name in bodies]


class _Column:
    def __init__(self, motion: int):
        self.motion = motion
        self.progress = -1
        self.positions: list[Any] = []
        self.rotations: list[Any] = []
        self.reference: list[Any] = []


def numbers(tensor: Any) -> Any:
    """A tensor as an array of its own: the simulator writes the next step into the same memory."""
    return tensor.detach().cpu().numpy().astype("float32", copy=True)


def _padded(np: Any, columns: list[list[Any]]) -> Any:
    """Columns of frames side by side: (frames, columns, ...), with nan behind the shorter ones."""
    longest = max(len(column) for column in columns)
    whole = np.full((longest, len(columns), *columns[0][0].shape), np.nan, dtype=np.float32)
    for index, column in enumerate(columns):
        whole[: len(column), index] = np.stack(column)
    return whole
