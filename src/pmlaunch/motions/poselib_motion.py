"""Motions in poselib's format (see poselib_file.py): read as arrays of numpy, and written."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pmlaunch.motions.kinematics import Array, forward_kinematics, inverse, local_rotations, multiply, to_vector
from pmlaunch.motions.poselib_file import read_file
from pmlaunch.support.atomic import write_bytes


@dataclass(frozen=True, eq=False)
class Motion:
    """One motion of one skeleton, z up."""

    path: Path  # the file it was read from or will be written to
    name: str  # the file's stem
    node_names: tuple[str, ...]  # of the bodies, the root first
    parents: NDArray[np.int64]  # (bodies,) indices, -1 for the root
    local_translation: Array  # (bodies, 3) m, position of each body in its parent's frame
    local_rotation: Array  # (frames, bodies, 4) xyzw, rotation of each body in its parent's frame
    root_translation: Array  # (frames, 3) m
    fps: float

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.local_rotation)

    @property
    def bodies(self) -> int:
        """Number of bodies."""
        return len(self.node_names)

    @property
    def seconds(self) -> float:
        """Duration from the first frame to the last."""
        return (self.frames - 1) / self.fps


def read_motion(path: Path, content: bytes | None = None) -> Motion:
    """Read a motion from `path`, or from `content` if it has been read already. Raises what `read_file` raises."""
    stored = read_file(path, content)
    parents = stored.parents.numpy().astype(np.int64)
    rotation = stored.rotation.numpy().astype(np.float64)
    rotation /= np.linalg.norm(rotation, axis=-1, keepdims=True)
    return Motion(
        path=path,
        name=path.stem,
        node_names=stored.node_names,
        parents=parents,
        local_translation=stored.local_translation.numpy().astype(np.float64),
        local_rotation=rotation if stored.is_local else local_rotations(parents, rotation),
        root_translation=stored.root_translation.numpy().astype(np.float64),
        fps=stored.fps,
    )


def write_motion(path: Path, motion: Motion) -> None:
    """Write `motion` in single precision, atomically and deterministic byte for byte. Raises OSError."""
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": "|O", "fortran_order": False, "shape": ()})
    holder = np.empty((), dtype=object)
    holder[()] = _poselib_mapping(motion)
    # upstream may run with numpy 1, which knows the old name only; protocol 3 stores names as text
    payload = pickle.dumps(holder, protocol=3)
    buffer.write(payload.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    write_bytes(path, buffer.getvalue())


def _poselib_mapping(motion: Motion) -> OrderedDict[str, Any]:
    positions, rotations = forward_kinematics(
        motion.parents, motion.local_translation, motion.local_rotation, motion.root_translation
    )
    tree: OrderedDict[str, Any] = OrderedDict(
        node_names=list(motion.node_names),
        parent_indices=_tensor(motion.parents, "int64"),
        local_translation=_tensor(motion.local_translation),
    )
    return OrderedDict(
        rotation=_tensor(motion.local_rotation),
        root_translation=_tensor(motion.root_translation),
        global_velocity=_tensor(_rate(positions, motion.fps)),
        global_angular_velocity=_tensor(_angular_velocity(rotations, motion.fps)),
        skeleton_tree=tree,
        is_local=True,
        fps=float(motion.fps),
        __name__="SkeletonMotion",
    )


def _tensor(array: NDArray[Any], kind: str = "float32") -> dict[str, Any]:
    """A tensor as poselib stores it."""
    array = np.ascontiguousarray(array, kind)
    return {"arr": array, "context": {"dtype": array.dtype.name}}


def _rate(values: Array, fps: float) -> Array:
    """Rate of change along the frames, per second, by central differences."""
    return np.asarray(np.gradient(values, 1.0 / fps, axis=0)) if len(values) > 1 else np.zeros_like(values)


def _angular_velocity(rotations: Array, fps: float) -> Array:
    """(frames, bodies, 3) rad/s in the world frame, from each frame to the next; the last one is repeated."""
    if len(rotations) == 1:
        return np.zeros((*rotations.shape[:-1], 3))
    turn = to_vector(multiply(rotations[1:], inverse(rotations[:-1]))) * fps
    return np.concatenate([turn, turn[-1:]])
