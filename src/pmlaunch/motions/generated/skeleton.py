"""SMPL's 24 bodies, and our own skeleton for them: z up, facing +x, arms stretched to the sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pmlaunch.motions.kinematics import Array

_TREE: Final[dict[str, tuple[str, tuple[float, float, float]]]] = {
    # body: (parent, position in the parent's frame in m); the right side mirrors the left
    "Pelvis": ("", (0.0, 0.0, 0.95)),
    "L_Hip": ("Pelvis", (0.0, 0.085, -0.085)),
    "L_Knee": ("L_Hip", (0.0, 0.015, -0.395)),
    "L_Ankle": ("L_Knee", (-0.02, 0.0, -0.405)),
    "L_Toe": ("L_Ankle", (0.125, 0.012, -0.055)),
    "R_Hip": ("Pelvis", (0.0, -0.085, -0.085)),
    "R_Knee": ("R_Hip", (0.0, -0.015, -0.395)),
    "R_Ankle": ("R_Knee", (-0.02, 0.0, -0.405)),
    "R_Toe": ("R_Ankle", (0.125, -0.012, -0.055)),
    "Torso": ("Pelvis", (-0.015, 0.0, 0.11)),
    "Spine": ("Torso", (0.005, 0.0, 0.13)),
    "Chest": ("Spine", (0.015, 0.0, 0.06)),
    "Neck": ("Chest", (-0.035, 0.0, 0.21)),
    "Head": ("Neck", (0.04, 0.0, 0.08)),
    "L_Thorax": ("Chest", (-0.03, 0.08, 0.12)),
    "L_Shoulder": ("L_Thorax", (-0.01, 0.095, 0.03)),
    "L_Elbow": ("L_Shoulder", (-0.015, 0.265, -0.005)),
    "L_Wrist": ("L_Elbow", (0.0, 0.25, 0.005)),
    "L_Hand": ("L_Wrist", (-0.01, 0.085, -0.005)),
    "R_Thorax": ("Chest", (-0.03, -0.08, 0.12)),
    "R_Shoulder": ("R_Thorax", (-0.01, -0.095, 0.03)),
    "R_Elbow": ("R_Shoulder", (-0.015, -0.265, -0.005)),
    "R_Wrist": ("R_Elbow", (0.0, -0.25, 0.005)),
    "R_Hand": ("R_Wrist", (-0.01, -0.085, -0.005)),
}
NODE_NAMES: Final = tuple(_TREE)
"""The bodies, in the order of motion files and of the policy's outputs."""
PARENTS: Final = np.array([NODE_NAMES.index(parent) if parent else -1 for parent, _ in _TREE.values()])

SOLE_BELOW_TOE: Final = 0.02  # m from the toe joint down to the sole
HEEL: Final = 0.025  # m from the ankle back to the end of the heel
SIDES: Final = {"L": 1.0, "R": -1.0}  # the sign of y on each side of the body


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A skeleton of SMPL's bodies; `offsets` (24, 3) m are their positions in their parents' frames."""

    offsets: Array

    def offset(self, body: str) -> Array:
        """Position (3,) m of a body in its parent's frame."""
        return np.asarray(self.offsets[NODE_NAMES.index(body)])


def own_skeleton() -> Skeleton:
    """Make the skeleton of a person of about 1.75 m."""
    return Skeleton(np.array([place for _, place in _TREE.values()]))


def varied_skeleton(draw: Any) -> Skeleton:
    """Make the skeleton of another person: size, bone lengths and joint positions are drawn from a numpy generator."""
    offsets = own_skeleton().offsets * draw.uniform(0.92, 1.06)
    for body, name in enumerate(NODE_NAMES):
        if not name.startswith("R_"):
            offsets[body] = offsets[body] * draw.uniform(0.92, 1.08) + draw.normal(0.0, 0.015, size=3)
    for body, name in enumerate(NODE_NAMES):
        if name.startswith("R_"):
            mirrored = offsets[NODE_NAMES.index(f"L_{name[2:]}")] * (1.0, -1.0, 1.0)
            offsets[body] = mirrored + draw.normal(0.0, 0.003, size=3)  # nobody is perfectly symmetric
    return Skeleton(offsets)
