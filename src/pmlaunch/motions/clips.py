"""Motion files of every generation as bodies in the world, to show or export. Nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.animation import MOST_BODIES, MOST_FRAMES
from pmlaunch.motions.kinematics import forward_kinematics, inverse, rotate
from pmlaunch.motions.poselib_motion import read_motion
from pmlaunch.motions.readers import POSELIB, format_of
from pmlaunch.motions.torch_motion import TensorFile, open_tensors

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Clip:
    """A motion; `body_names` is empty if the file does not store them, `parents` is -1 for a root."""

    name: str
    positions: Positions  # (frames, bodies, 3) m
    fps: float
    body_names: tuple[str, ...]
    parents: NDArray[np.int64]  # (bodies,)
    rotations: Positions | None = None  # (frames, bodies, 4) xyzw


def read_clips(path: Path) -> list[Clip]:
    """Read the motion at `path`, or all motions of a packed library.

    The skeleton of a file that stores none is inferred: see `infer_parents`.

    Raises:
        PmlaunchError: PML121 the file is missing, PML122 it is not a motion, PML123 its pickle asks for a function.
    """
    if not path.is_file():
        raise PmlaunchError("PML121", f"The motion {path} does not exist.", subject=str(path))
    if format_of(path) is POSELIB:
        motion = read_motion(path)
        if motion.bodies > MOST_BODIES:
            raise PmlaunchError(
                "PML122", f"{path.name} has {motion.bodies} bodies, too many to show.", subject=str(path)
            )
        positions, rotations = forward_kinematics(
            motion.parents, motion.local_translation, motion.local_rotation, motion.root_translation
        )
        known = motion.fps, motion.node_names, motion.parents
        return [Clip(motion.name, positions.astype(np.float32), *known, rotations)]
    with open_tensors(path) as file:
        return _library(file) if "gts" in file.content else [_single(file, path.stem)]


def _single(file: TensorFile, name: str) -> Clip:
    content = file.content
    key = next((key for key in ("global_translation", "rigid_body_pos") if key in content), "rigid_body_pos")
    fps = content.get("fps")
    if not isinstance(fps, (int, float)) or not 0 < fps <= 10_000:
        raise ValueError("fps is missing or no sensible number")
    positions = _positions(file, key)
    turned = _rotations(file, "global_rotation" if key == "global_translation" else "rigid_body_rot", positions)
    return _clip(name, positions, turned, float(fps))


def _library(file: TensorFile) -> list[Clip]:
    """Cut a packed library (3.x) into its motions."""
    content, positions = file.content, _positions(file, "gts")
    rotations = _rotations(file, "grs", positions)
    counts, starts, steps = (
        file.array(content.get(key)) for key in ("motion_num_frames", "length_starts", "motion_dt")
    )
    is_sound = counts.ndim == 1 and counts.shape == starts.shape == steps.shape
    if not is_sound or (counts < 1).any() or (starts < 0).any() or not (steps > 0).all():
        raise ValueError("the lengths of its motions contradict each other")
    names = _names(content, len(counts))
    clips = []
    for name, start, count, step in zip(names, starts.tolist(), counts.tolist(), steps.tolist(), strict=True):
        if start + count <= len(positions):
            part = slice(start, start + count)
            turned = None if rotations is None else rotations[part]
            clips.append(_clip(name, positions[part], turned, round(1 / step, 3)))
    return clips


def _names(content: Mapping[str, Any], count: int) -> list[str]:
    files = content.get("motion_files")
    if isinstance(files, (tuple, list)) and len(files) == count and all(isinstance(file, str) for file in files):
        return [file.replace("\\", "/").rpartition("/")[2].removesuffix(".motion") for file in files]
    return [f"motion {index}" for index in range(count)]


def _positions(file: TensorFile, key: str) -> Positions:
    positions = file.array(file.content.get(key), MOST_FRAMES)
    if positions.ndim != 3 or positions.shape[2] != 3 or not positions.size or positions.shape[1] > MOST_BODIES:
        raise ValueError("its positions are missing or no (frames, bodies, 3)")
    return positions.astype(np.float32)


def _rotations(file: TensorFile, key: str, positions: Positions) -> Positions | None:
    """The rotations (frames, bodies, 4) xyzw that belong to `positions`; None without them, or in another order."""
    if key not in file.content or file.content.get("state_conversion", "common") != "common":
        return None
    rotations = file.array(file.content[key], MOST_FRAMES)
    if rotations.shape != (*positions.shape[:2], 4) or not np.isfinite(rotations).all():
        raise ValueError("its rotations are no (frames, bodies, 4)")
    return rotations


def _clip(name: str, positions: Positions, rotations: Positions | None, fps: float) -> Clip:
    if not 0 < fps <= 10_000 or not np.isfinite(positions).all():
        raise ValueError("it holds numbers that are not finite, or an impossible rate")
    parents = infer_parents(positions) if rotations is None else joined_parents(positions, rotations)
    return Clip(name, positions, fps, (), parents, rotations)


def joined_parents(positions: Positions, rotations: Positions) -> NDArray[np.int64]:
    """Infer a skeleton of bodies of which a parent comes before its children, as in upstream's files.

    A body's joint has a fixed place in its parent's frame. Of several such frames, that of the nearest body counts.
    """
    chosen = np.unique(np.linspace(0, len(positions) - 1, 120).astype(int))
    at, turned = positions[chosen].astype(np.float64), rotations[chosen].astype(np.float64)
    parents = np.full(at.shape[1], -1, dtype=np.int64)
    for body in range(1, at.shape[1]):
        apart = at[:, body, None] - at[:, :body]
        spread = rotate(inverse(turned[:, :body]), apart).std(axis=0).max(axis=-1)
        parents[body] = np.argmin(np.maximum(spread, 1e-4) + 0.001 * np.linalg.norm(apart, axis=-1).mean(axis=0))
    return parents


def infer_parents(positions: Positions) -> NDArray[np.int64]:
    """Infer a skeleton from (frames, bodies, 3) m: bodies that keep their distance are joined, the nearest first.

    This is the minimum spanning tree over the spread of the distance, plus a little of the distance itself, since bodies
    of one rigid part all keep theirs. Body 0 is the root. Only 120 frames at even intervals count.
    """
    chosen = positions[np.unique(np.linspace(0, len(positions) - 1, 120).astype(int))].astype(np.float64)
    count = chosen.shape[1]
    distances = np.stack([np.linalg.norm(chosen - chosen[:, body, None], axis=-1) for body in range(count)])
    cost = distances.std(axis=1) + 0.05 * distances.mean(axis=1)
    parents = np.full(count, -1, dtype=np.int64)
    best, nearest = cost[0].copy(), np.zeros(count, dtype=np.int64)
    best[0] = np.inf
    for _ in range(count - 1):
        body = int(np.argmin(best))
        parents[body] = nearest[body]
        best[body] = np.inf
        closer = (cost[body] < best) & (parents == -1)
        closer[0] = False
        best[closer], nearest[closer] = cost[body][closer], body
    return parents
