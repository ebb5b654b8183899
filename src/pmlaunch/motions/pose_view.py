"""Poses over time seen from one side, as the picture of an evaluation and its text show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pmlaunch.motions.kinematics import Array

POSES: Final = 8
_CELLS: Final = 12  # characters that a pose is wide in text
_HIGH: Final = 11  # lines
_DOTS: Final = 22.0  # of Braille for each m


def side(name: str) -> str:
    """The side of a body, judging by its name: "left" for L_Hip or left_hip_pitch_link, "" for neither."""
    folded = name.casefold()
    if folded.startswith(("l_", "left")):
        return "left"
    return "right" if folded.startswith(("r_", "right")) else ""


def view_of(poses: NDArray[np.floating[Any]], names: Sequence[str]) -> tuple[Array, bool]:
    """Choose the horizontal direction (2,) that points right in the picture of `poses` (F, J, 3) m; True for a front view.

    A motion that travels is seen along its path. One in place is seen from the front or from the side, whichever shows
    more of its movement.
    """
    along = poses[-1, 0, :2] - poses[0, 0, :2]
    if np.linalg.norm(along) > 0.5:
        return along / np.linalg.norm(along), False
    sides = [side(name) for name in names]
    if "left" not in sides or "right" not in sides:
        return np.array([1.0, 0.0]), False
    left = (poses[0, sides.index("left")] - poses[0, sides.index("right")])[:2]  # from the right hip to the left
    left = left / max(float(np.linalg.norm(left)), 1e-9)
    forward = np.array([left[1], -left[0]])
    moves = (poses - poses[:, :1])[..., :2].std(axis=0)
    is_front = float(np.abs(moves @ np.abs(left)).sum()) > float(np.abs(moves @ np.abs(forward)).sum())
    return (left, True) if is_front else (forward, False)


def project(positions: NDArray[np.floating[Any]], right: Array) -> Array:
    """Project (J, 3) m to (J, 2): right and up."""
    return np.stack([positions[:, :2] @ right, positions[:, 2]], axis=-1)


def pose_text(poses: NDArray[np.floating[Any]], parents: Sequence[int], right: Array) -> str:
    """Draw poses (F, J, 3) m at even intervals as lines of Braille characters, 2 by 4 dots each, for pages without pictures."""
    wide, high = 2 * _CELLS * POSES, 4 * _HIGH
    dots = np.zeros((high, wide), dtype=np.int64)
    bones = [(body, parent if parent >= 0 else body) for body, parent in enumerate(parents)]
    for place, frame in enumerate(np.unique(np.linspace(0, len(poses) - 1, POSES).round().astype(int))):
        points = project(poses[frame] - poses[frame][0] * (1.0, 1.0, 0.0), right) * (_DOTS, -_DOTS)
        points += (2 * _CELLS * (place + 0.5), high - 2)
        for body, parent in bones:
            line = points[parent] + np.linspace(0.0, 1.0, 24)[:, None] * (points[body] - points[parent])
            x, y = np.rint(np.clip(line, -1, max(wide, high))).astype(int).T
            inside = (x >= 0) & (x < wide) & (y >= 0) & (y < high)
            dots[y[inside], x[inside]] = 1
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    cells = (dots.reshape(_HIGH, 4, -1, 2) * bits[:, None]).sum(axis=(1, 3))
    lines = ["".join(chr(0x2800 + cell) for cell in row).rstrip("\u2800") for row in cells.tolist()]
    return "\n".join(lines).strip("\n")
