"""Files in poselib's format, which ProtoMotions 2 uses: an `.npy` file that holds one pickled mapping.

    rotation {arr (frames, bodies, 4) xyzw}, root_translation {arr (frames, 3) m},
    global_velocity, global_angular_velocity {arr (frames, bodies, 3) m/s, rad/s},
    skeleton_tree {node_names, parent_indices {arr}, local_translation {arr (bodies, 3) m}}, is_local, fps

Upstream reads it with `np.load(allow_pickle=True)`, which executes what the file asks for. Here nothing is executed
(see `safe_pickle`), and files as poselib writes them are checked without importing numpy.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.outline import MAX_BYTES
from pmlaunch.support import safe_pickle
from pmlaunch.support.files import read_bytes
from pmlaunch.support.safe_pickle import StoredArray

_HEADER_SIZES = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}  # bytes that hold the header's length
_HEADER = re.compile(rb"\{'descr': '\|?O8?', 'fortran_order': (?:False|True), 'shape': \(\),? *\}\s*")


@dataclass(frozen=True, eq=False)
class PoselibFile:
    """The content of a file, checked: shapes agree, all numbers are finite, and quaternions are about of length one."""

    node_names: tuple[str, ...]  # of the bodies, the root first
    parents: StoredArray  # (bodies,) indices of earlier bodies, -1 for the root
    local_translation: StoredArray  # (bodies, 3) m, position of each body in its parent's frame
    rotation: StoredArray  # (frames, bodies, 4) xyzw, in the parent's frame if `is_local`, else in the world's
    root_translation: StoredArray  # (frames, 3) m
    is_local: bool
    fps: float


def read_file(path: Path, content: bytes | None = None) -> PoselibFile:
    """Read the file at `path`, or its `content` if that has been read already. Nothing in it is executed.

    Raises:
        PmlaunchError: PML121 the file is missing, PML122 it is truncated or not a motion, PML123 its pickle asks
            for a function that a motion does not need.
    """
    try:
        return _checked(_mapping_in(read_bytes(path, MAX_BYTES) if content is None else content))
    except FileNotFoundError:
        raise PmlaunchError("PML121", f"The motion {path} does not exist.", subject=str(path)) from None
    except safe_pickle.ForbiddenGlobalError as error:
        message = f"{path.name} was not loaded, because its pickle refers to {error.name}."
        raise PmlaunchError("PML123", message, subject=str(path)) from None
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
    except ValueError as error:
        why = str(error)
    why = why if len(why) <= 200 else f"{why[:200]}..."
    raise PmlaunchError("PML122", f"{path.name} is not a motion: {why}.", subject=str(path))


def _mapping_in(content: bytes) -> dict[str, Any]:
    """The mapping inside an .npy file."""
    size = _HEADER_SIZES.get(content[:8])
    if size is None:
        raise ValueError("it is not an .npy file of version 1 or 2")
    start = 8 + size
    end = start + int.from_bytes(content[8:start], "little")
    if not _HEADER.fullmatch(content[start:end]):
        raise ValueError("it contains no pickled mapping")
    array = safe_pickle.loads(content[end:])
    held = array.objects[0] if isinstance(array, StoredArray) and array.code == "O" and array.shape == () else None
    if not isinstance(held, dict):
        raise ValueError("it contains no mapping")  # noqa: TRY004 (of the file, not of a caller)
    return held


def _checked(content: dict[str, Any]) -> PoselibFile:
    tree = _entry(content, "skeleton_tree", dict)
    names = tuple(_entry(tree, "node_names", list))
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("node_names are not names")
    parents = _array(tree, "parent_indices", (len(names),))
    root, *others = map(int, parents.numbers())
    if root != -1 or not all(0 <= parent < index for index, parent in enumerate(others, 1)):
        raise ValueError("parent_indices is not a tree that starts with its root")
    rotation = _array(content, "rotation", (-1, len(names), 4))
    numbers = rotation.numbers()
    if not all(0.9 <= length <= 1.1 for length in map(math.hypot, *(numbers[start::4] for start in range(4)))):
        raise ValueError("rotation contains quaternions that are not of unit length")
    kind = content.get("__name__")
    if kind != "SkeletonMotion":
        raise ValueError(
            f"it is a {kind} of poselib, not a SkeletonMotion" if isinstance(kind, str) else "it has no __name__"
        )
    for velocity in ("global_velocity", "global_angular_velocity"):  # upstream does not start without them
        _array(content, velocity, (rotation.shape[0], len(names), 3))
    return PoselibFile(
        node_names=names,
        parents=parents,
        local_translation=_array(tree, "local_translation", (len(names), 3)),
        rotation=rotation,
        root_translation=_array(content, "root_translation", (rotation.shape[0], 3)),
        is_local=bool(content.get("is_local")),
        fps=_fps(content.get("fps")),
    )


def _entry(mapping: dict[str, Any], key: str, kind: type) -> Any:
    if not isinstance(mapping.get(key), kind):
        raise ValueError(f"{key} is missing or not of type {kind.__name__}")  # noqa: TRY004 (of the file, not of a caller)
    return mapping[key]


def _array(mapping: dict[str, Any], key: str, shape: tuple[int, ...]) -> StoredArray:
    """The array at `key`, all its numbers finite; -1 in `shape` stands for one or more."""
    array = _entry(mapping, key, dict).get("arr")
    if not isinstance(array, StoredArray) or array.code[1:2] not in ("f", "i", "u"):
        raise ValueError(f"{key} contains no numbers")
    sizes = zip(array.shape, shape, strict=False)
    if len(array.shape) != len(shape) or any(n == 0 or m not in (n, -1) for n, m in sizes):
        raise ValueError(f"{key} has shape {array.shape}")
    if not all(map(math.isfinite, array.numbers())):
        raise ValueError(f"{key} contains numbers that are not finite")
    return array


def _fps(value: Any) -> float:
    if isinstance(value, StoredArray) and math.prod(value.shape) == 1 and value.code not in ("", "O"):
        value = value.numbers()[0]
    if not isinstance(value, int | float) or not 0.01 <= value <= 10_000.0:
        raise ValueError("fps is missing or not a plausible number")
    return float(value)
