"""Rotations and forward kinematics of a skeleton, in batches.

Quaternions are `xyzw` with unit length, their components on the last axis; rotation vectors are axis times angle in
rad. Formulas: Diebel, "Representing Attitude" (2006), sections 6 and 7.
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
    """Compose rotations: `b` first, then `a`. Shapes (..., 4) broadcast."""
    ax, ay, az, aw = (a[..., i] for i in range(4))
    bx, by, bz, bw = (b[..., i] for i in range(4))
    x = aw * bx + ax * bw + ay * bz - az * by
    y = aw * by - ax * bz + ay * bw + az * bx
    z = aw * bz + ax * by - ay * bx + az * bw
    w = aw * bw - ax * bx - ay * by - az * bz
    return np.stack([x, y, z, w], axis=-1)


def inverse(q: Array) -> Array:
    """The inverse rotation, (..., 4)."""
    return q * _CONJUGATE


def normalized(v: Array) -> Array:
    """Scale vectors or quaternions to unit length along the last axis."""
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def rotate(q: Array, v: Array) -> Array:
    """Rotate vectors `v` (..., 3) by `q` (..., 4): v + 2w (u x v) + 2u x (u x v)."""
    qx, qy, qz, w = (q[..., i] for i in range(4))
    vx, vy, vz = (v[..., i] for i in range(3))
    tx, ty, tz = 2.0 * (qy * vz - qz * vy), 2.0 * (qz * vx - qx * vz), 2.0 * (qx * vy - qy * vx)
    x = vx + w * tx + (qy * tz - qz * ty)  # numpy's cross costs five times as much on few rows
    y = vy + w * ty + (qz * tx - qx * tz)
    z = vz + w * tz + (qx * ty - qy * tx)
    return np.stack([x, y, z], axis=-1)


def from_vector(v: Array) -> Array:
    """Convert rotation vectors (..., 3) in rad to quaternions (..., 4)."""
    half = 0.5 * np.linalg.norm(v, axis=-1, keepdims=True)
    # numpy's sinc, sin(pi x) / (pi x), is finite at zero
    return np.concatenate([0.5 * np.sinc(half / np.pi) * v, np.cos(half)], axis=-1)


def to_vector(q: Array) -> Array:
    """Convert quaternions (..., 4) to the shortest rotation vectors (..., 3), at most pi rad long."""
    q = np.where(q[..., 3:] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    return np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0) * q[..., :3]


def about(axis: str, angle: Array | float) -> Array:
    """Rotations (..., 4) by `angle` (...) rad about the axis "x", "y" or "z"."""
    angle = np.asarray(angle, dtype=np.float64)
    q = np.zeros((*angle.shape, 4))
    q[..., "xyz".index(axis)] = np.sin(0.5 * angle)
    q[..., 3] = np.cos(0.5 * angle)
    return q


def slerp(a: Array, b: Array, share: Array) -> Array:
    """Interpolate from `a` (share 0) to `b` (share 1) along the shortest arc; `share` broadcasts against (...)."""
    return multiply(a, from_vector(np.asarray(share)[..., None] * to_vector(multiply(inverse(a), b))))


def heading(q: Array) -> Array:
    """The rotation about the vertical axis that points x where `q` points it, seen from above."""
    forward = rotate(q, np.array([1.0, 0.0, 0.0]))
    return about("z", np.arctan2(forward[..., 1], forward[..., 0]))


def forward_kinematics(
    parents: Sequence[int] | NDArray[Any], offsets: Array, local_rotation: Array, root_translation: Array
) -> tuple[Array, Array]:
    """Compute world positions (..., J, 3) m and rotations (..., J, 4) of all bodies.

    Each parent comes before its children, the root, with parent -1, first. `offsets` (J, 3) m and `local_rotation`
    (..., J, 4) are in the parents' frames; the root's offset is not used, its place is `root_translation` (..., 3) m.
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
    """Convert world rotations (..., J, 4) to rotations in the parent's frame."""
    local: Array = world_rotation.copy()
    carried_by = world_rotation[..., [int(parent) for parent in parents[1:]], :]
    local[..., 1:, :] = multiply(inverse(carried_by), world_rotation[..., 1:, :])
    return local
