"""BVH: one skeleton whose root moves and whose joints turn, as text. It has neither units nor an up axis: here m.

Joints turn in the order Z, X, Y, in degrees; only the root has positions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from pmlaunch.motions.animation import Animation
from pmlaunch.motions.kinematics import Array, normalized

_TURNS = "Zrotation Xrotation Yrotation"
_END = 0.05  # m from a limb's last joint to its end, which the motion does not tell


def bvh(animations: tuple[Animation, ...], _up: str) -> bytes:
    """Write one animation of one root."""
    (animation,) = animations
    names = unique(animation.body_names, r"[^A-Za-z0-9_.\-]")
    head = ["HIERARCHY", *_joint(animation, names, 0, ""), "MOTION"]
    head += [f"Frames: {animation.frames}", f"Frame Time: {1 / animation.fps:.9f}"]
    order = list(_depth_first(animation, 0))
    turns = np.degrees(_zxy(animation.rotations[:, order])).reshape(animation.frames, -1)
    rows = np.concatenate([animation.translations[:, 0], turns], axis=1)
    lines = [_numbers(row) for row in rows]
    return "\n".join([*head, *lines, ""]).encode("ascii")


def unique(names: tuple[str, ...], forbidden: str) -> list[str]:
    """The names with `_` for every character that a format forbids, numbered where that makes two alike."""
    found: list[str] = []
    for name in names:
        base = free = re.sub(forbidden, "_", name)[:200] or "body"
        number = 2
        while free in found:
            free, number = f"{base}_{number}", number + 1
        found.append(free)
    return found


def _children(animation: Animation, body: int) -> list[int]:
    return [child for child, parent in enumerate(animation.parents) if parent == body]


def _depth_first(animation: Animation, body: int) -> Iterator[int]:
    """The bodies as a BVH file lists them."""
    waiting = [body]
    while waiting:
        yield (body := waiting.pop())
        waiting += reversed(_children(animation, body))


def _joint(animation: Animation, names: list[str], body: int, indent: str) -> Iterator[str]:
    root = animation.parents[body] < 0
    yield f"{indent}{'ROOT' if root else 'JOINT'} {names[body]}"
    yield f"{indent}{{"
    inner = f"{indent}\t"
    yield f"{inner}OFFSET {_numbers(animation.offsets[body])}"
    yield f"{inner}CHANNELS " + (f"6 Xposition Yposition Zposition {_TURNS}" if root else f"3 {_TURNS}")
    children = _children(animation, body)
    for child in children:
        yield from _joint(animation, names, child, inner)
    if not children:
        own = animation.offsets[body]
        end = _END * normalized(own) if np.linalg.norm(own) > 1e-6 else np.array([0.0, _END, 0.0])
        yield from (f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_numbers(end)}", f"{inner}}}")
    yield f"{indent}}}"


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.6f}" for value in (values.round(6) + 0.0).tolist())  # without -0


def _zxy(q: Array) -> Array:
    """Angles (..., 3) rad about z, x and y whose rotations, the last applied first, make the quaternions (..., 4)."""
    x, y, z, w = (q[..., i] for i in range(4))
    return np.stack(
        [
            np.arctan2(2 * (w * z - x * y), 1 - 2 * (x * x + z * z)),
            np.arcsin(np.clip(2 * (w * x + y * z), -1.0, 1.0)),
            np.arctan2(2 * (w * y - x * z), 1 - 2 * (x * x + y * y)),
        ],
        axis=-1,
    )
