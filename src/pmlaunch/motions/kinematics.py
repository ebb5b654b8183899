"""Rotations and forward kinematics of a skeleton: numpy only, every function works on batches.

Quaternions are `xyzw` and of unit length, the last axis holds the components; rotation vectors are axis times
angle in rad. Formulas: Diebel, "Representing Attitude" (2006), sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IDENTITY: Array = np.array([0.0, 0.0, 0.0, 1.0])
_CONJUGATE: Array = np.array([-1.0, -1.0, -1.0, 1.0])


def multiply(a: Array, b: Array) -> Array:
    """The rotation that does `b` first and `a` after it. Shapes (..., 4) broadcast."""
    ax, ay, az, aw = (a[..., i] for i in range(4))
    bx, by, bz, bw = (b[..., i] for i in range(4))
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def inverse(q: Array) -> Array:
    """The opposite rotation. Shape (..., 4)."""
    return q * _CONJUGATE


def normalized(v: Array) -> Array:
    """Vectors or quaternions, scaled to length one along the last axis."""
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def rotate(q: Array, v: Array) -> Array:
    """Vectors `v` (..., 3) turned by `q` (..., 4): v + 2w (u x v) + 2u x (u x v)."""
    u, w = q[..., :3], q[..., 3:]
    twice = 2.0 * np.cross(u, v)
    return np.asarray(v + w * twice + np.cross(u, twice))


def from_vector(v: Array) -> Array:
    """Rotation vector (..., 3) in rad to quaternion (..., 4)."""
    half = 0.5 * np.linalg.norm(v, axis=-1, keepdims=True)
    # numpy's sinc is sin(pi x) / (pi x): it stays finite where the angle is zero
    return np.concatenate([0.5 * np.sinc(half / np.pi) * v, np.cos(half)], axis=-1)


def to_vector(q: Array) -> Array:
    """Quaternion (..., 4) to the shortest rotation vector (..., 3), of length at most pi rad."""
    q = np.where(q[..., 3:] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    return np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0) * q[..., :3]


def about(axis: str, angle: Array | float) -> Array:
    """Rotations by `angle` (...) rad about a coordinate axis, "x", "y" or "z": shape (..., 4)."""
    angle = np.asarray(angle, dtype=np.float64)
    q = np.zeros((*angle.shape, 4))
    q[..., "xyz".index(axis)] = np.sin(0.5 * angle)
    q[..., 3] = np.cos(0.5 * angle)
    return q


def slerp(a: Array, b: Array, share: Array) -> Array:
    """From `a` (share 0) to `b` (share 1) along the shortest arc; `share` broadcasts against (...)."""
    return multiply(a, from_vector(np.asarray(share)[..., None] * to_vector(multiply(inverse(a), b))))


def heading(q: Array) -> Array:
    """The part of a rotation that turns about the vertical: where its x axis points on the ground."""
    forward = rotate(q, np.array([1.0, 0.0, 0.0]))
    return about("z", np.arctan2(forward[..., 1], forward[..., 0]))


def forward_kinematics(
    parents: Sequence[int] | NDArray[Any], offsets: Array, local_rotation: Array, root_translation: Array
) -> tuple[Array, Array]:
    """World position and rotation of every body.

    Args:
        parents: index of each body's parent, the root's is -1; a parent comes before its children.
        offsets: (J, 3) m, a body's place in its parent's frame; the root's own is not used.
        local_rotation: (..., J, 4), each in its parent's frame.
        root_translation: (..., 3) m.

    Returns:
        positions (..., J, 3) m and rotations (..., J, 4).
    """
    positions = np.zeros((*local_rotation.shape[:-1], 3))
    rotations = np.zeros_like(local_rotation)
    positions[..., 0, :], rotations[..., 0, :] = root_translation, local_rotation[..., 0, :]
    for body in range(1, len(parents)):
        parent = int(parents[body])
        rotations[..., body, :] = multiply(rotations[..., parent, :], local_rotation[..., body, :])
        positions[..., body, :] = positions[..., parent, :] + rotate(rotations[..., parent, :], offsets[body])
    return positions, rotations


def local_rotations(parents: Sequence[int] | NDArray[Any], world_rotation: Array) -> Array:
    """World rotations (..., J, 4) to rotations in the parent's frame: the inverse of the above."""
    local: Array = world_rotation.copy()
    carried_by = world_rotation[..., [int(parent) for parent in parents[1:]], :]
    local[..., 1:, :] = multiply(inverse(carried_by), world_rotation[..., 1:, :])
    return local
