"""Motions in poselib's format, which ProtoMotions 2 uses: an `.npy` file that holds one pickled mapping.

    rotation {arr (frames, bodies, 4) xyzw}, root_translation {arr (frames, 3) m},
    global_velocity, global_angular_velocity {arr (frames, bodies, 3) m/s, rad/s},
    skeleton_tree {node_names, parent_indices {arr}, local_translation {arr (bodies, 3) m}}, is_local, fps

Upstream reads it with `np.load(allow_pickle=True)`, which executes what the file asks for. Here nothing is executed
(see `safe_pickle`).
"""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.kinematics import Array, forward_kinematics, inverse, local_rotations, multiply, to_vector
from pmlaunch.support import safe_pickle
from pmlaunch.support.atomic import write_bytes

MAX_BYTES = 1 << 30
"""An hour of a humanoid at 60 Hz is about 300 MB."""


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
    """Read a motion from `path`, or from `content` if it has been read already. Nothing in it is executed.

    Raises:
        PmlaunchError: PML121 the file is missing, PML122 it is truncated or not a motion, PML123 its pickle asks
            for a function that a motion does not need.
    """
    try:
        with path.open("rb") if content is None else io.BytesIO(content) as file:
            return _motion(path, _mapping_in(file))
    except FileNotFoundError:
        raise PmlaunchError("PML121", f"The motion {path} does not exist.", subject=str(path)) from None
    except safe_pickle.ForbiddenGlobalError as error:
        message = f"{path.name} was not loaded: its pickle asks for {error.name}."
        raise PmlaunchError("PML123", message, subject=str(path)) from None
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
    except Exception as error:  # noqa: BLE001 (numpy raises anything on malformed input)
        why = str(error) or type(error).__name__
    why = why if len(why) <= 200 else f"{why[:200]}..."
    raise PmlaunchError("PML122", f"{path.name} is not a motion: {why}.", subject=str(path))


def _mapping_in(file: BinaryIO) -> dict[str, Any]:
    """The mapping inside an .npy file."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES:
        raise ValueError(f"{size} bytes are too many")
    file.seek(0)
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"npy version {version[0]}.{version[1]}")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _fortran, dtype = read_header(file)
    if shape != () or not dtype.hasobject:
        raise ValueError(f"it holds an array of {dtype} with shape {shape}, no pickled mapping")
    array = safe_pickle.array_of(safe_pickle.loads(file.read()))
    content = array.item() if isinstance(array, np.ndarray) and array.shape == () else None
    if not isinstance(content, dict):
        raise ValueError("it holds no mapping")  # noqa: TRY004 (of the file, not of a caller)
    return content


def _motion(path: Path, content: dict[str, Any]) -> Motion:
    tree = _entry(content, "skeleton_tree", dict)
    names = tuple(_entry(tree, "node_names", list))
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("node_names are no names")
    parents = _arr(tree, "parent_indices", (len(names),)).astype(np.int64)
    if parents[0] != -1 or np.any((parents[1:] < 0) | (parents[1:] >= np.arange(1, len(names)))):
        raise ValueError("parent_indices is no tree whose root comes first")
    rotation = _arr(content, "rotation", (-1, len(names), 4))
    length = np.linalg.norm(rotation, axis=-1, keepdims=True)
    if np.any(np.abs(length - 1.0) > 0.1):
        raise ValueError("rotation holds quaternions that are not of length one")
    rotation = rotation / length
    return Motion(
        path=path,
        name=path.stem,
        node_names=names,
        parents=parents,
        local_translation=_arr(tree, "local_translation", (len(names), 3)),
        local_rotation=rotation if content.get("is_local") else local_rotations(parents, rotation),
        root_translation=_arr(content, "root_translation", (len(rotation), 3)),
        fps=_fps(safe_pickle.array_of(content.get("fps"))),
    )


def _entry(mapping: dict[str, Any], key: str, kind: type) -> Any:
    if not isinstance(mapping.get(key), kind):
        raise ValueError(f"{key} is missing or no {kind.__name__}")  # noqa: TRY004 (of the file, not of a caller)
    return mapping[key]


def _arr(mapping: dict[str, Any], key: str, shape: tuple[int, ...]) -> Array:
    """The array at `key` in double precision, all finite; -1 in `shape` stands for one or more."""
    array = safe_pickle.array_of(_entry(mapping, key, dict).get("arr"))
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise ValueError(f"{key} holds no numbers")
    if array.ndim != len(shape) or any(n == 0 or m not in (n, -1) for n, m in zip(array.shape, shape, strict=True)):
        raise ValueError(f"{key} has shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{key} holds numbers that are not finite")
    return array.astype(np.float64)


def _fps(value: Any) -> float:
    is_number = isinstance(value, int | float) or (isinstance(value, np.ndarray) and value.size == 1)
    fps = float(np.ravel(value)[0]) if is_number else 0.0
    if not 0.0 < fps <= 10_000.0:
        raise ValueError("fps is missing or no sensible number")
    return fps


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
