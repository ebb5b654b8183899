"""A body of capsules for a skeleton: one from each body to each of its children, a ball at the end of a limb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlaunch.motions.animation import Animation
from pmlaunch.motions.kinematics import Array, normalized

_AROUND, _RINGS = 10, 3  # of each half ball
_THICKNESS = 0.035  # m, at most


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in the rest pose; each vertex moves with one body."""

    points: Array  # (V, 3) m
    normals: Array  # (V, 3)
    bodies: NDArray[np.int64]  # (V,)
    triangles: NDArray[np.int64]  # (T, 3) indices of vertices, counter-clockwise from outside


def capsules(animation: Animation) -> Mesh:
    """The capsules of a skeleton in its rest pose."""
    ball, triangles = _ball()
    rest, radius = animation.rest, _radius(animation)
    bones = [(parent, body) for body, parent in enumerate(animation.parents) if parent >= 0]
    bones += [(body, body) for body in range(len(rest)) if body not in animation.parents]
    points, normals = [], []
    for body, end in bones:
        along = rest[end] - rest[body]
        normal = ball @ _frame(along)
        far = np.repeat([0.0, 1.0], len(ball) // 2)[:, None]
        points.append(rest[body] + far * along + radius * normal)
        normals.append(normal)
    count = len(ball)
    return Mesh(
        points=np.concatenate(points),
        normals=np.concatenate(normals),
        bodies=np.repeat([body for body, _ in bones], count),
        triangles=np.concatenate([triangles + index * count for index in range(len(bones))]),
    )


def _radius(animation: Animation) -> float:
    lengths = [float(np.linalg.norm(animation.offsets[body])) for body, p in enumerate(animation.parents) if p >= 0]
    return min(_THICKNESS, 0.3 * float(np.median(lengths))) if lengths and max(lengths) > 0 else _THICKNESS


def _ball() -> tuple[Array, NDArray[np.int64]]:
    """A unit ball about z, its lower half first: the equator is there twice, so that the halves can be pulled apart."""
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    lower = np.linspace(-np.pi / 2, 0.0, _RINGS + 1)
    heights = np.concatenate([lower, -lower[::-1]])[:, None]
    parts = [np.cos(heights) * np.cos(turn), np.cos(heights) * np.sin(turn), np.sin(heights) * np.ones(_AROUND)]
    ring, at = np.meshgrid(np.arange(len(heights) - 1), np.arange(_AROUND), indexing="ij")
    a, b = ring * _AROUND + at, ring * _AROUND + (at + 1) % _AROUND
    c, d = a + _AROUND, b + _AROUND
    triangles = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    return np.stack(parts, axis=-1).reshape(-1, 3), triangles


def _frame(along: Array) -> Array:
    """A rotation matrix, its rows the axes of a frame whose z points `along`."""
    if not np.linalg.norm(along) > 1e-9:
        return np.eye(3)
    z = normalized(along)
    x = normalized(np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z))
    return np.stack([x, np.cross(z, x), z])
