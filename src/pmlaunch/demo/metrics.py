"""Tracking errors with ProtoMotions' names, definitions and units.

Per control step each is a mean over the bodies; `evaluation` takes means, maxima and minima over the steps of a
motion and then means over the motions, as upstream's evaluation does. Only demo/root_*_max are largest values of all.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pmlaunch.motions.kinematics import Array, heading, inverse, multiply, rotate, to_vector

TRACKING: Final = ("gt_err", "gr_err", "gr_err_degrees", "cartesian_err")
_UNITS: Final = {
    "eval/gt_err": "m",
    "eval/gr_err": "rad",
    "eval/gr_err_degrees": "deg",
    "eval/cartesian_err": "m",
    "eval/tracking_success_rate": "share of motions",
    "demo/root_force": "N",
    "demo/root_torque": "Nm",
    "demo/body_weight": "N",
}
FAILED_ABOVE: Final = 0.5
"""m of gt_err at any step: the motion counts as lost."""


COMMON: Final = {
    "success_rate": "eval/tracking_success_rate",
    "mean_position_error_m": "eval/gt_err",
    "mean_rotation_error_deg": "eval/gr_err_degrees",
}
"""What every generation has, and this one's name for it."""


def unit(metric: str) -> str:
    """The unit of a metric by its flat name; largest, smallest and mean values have that of the value itself."""
    for ending in ("_max", "_min", "_mean"):
        metric = metric.removesuffix(ending)
    return _UNITS[metric]


def gt_err(positions: Array, reference: Array) -> float:
    """Mean distance in m between bodies (J, 3) and where they should be: global translation error."""
    return float(np.linalg.norm(positions - reference, axis=-1).mean())


def gr_err(rotations: Array, reference: Array) -> float:
    """Mean angle in rad between bodies' rotations (J, 4) and what they should be: global rotation error."""
    return float(np.linalg.norm(to_vector(multiply(inverse(rotations), reference)), axis=-1).mean())


def cartesian_err(positions: Array, rotations: Array, reference: Array, reference_rotations: Array) -> float:
    """Mean distance in m between the poses alone: both seen from their own root, along their own heading."""
    return gt_err(_seen_from_root(positions, rotations), _seen_from_root(reference, reference_rotations))


def _seen_from_root(positions: Array, rotations: Array) -> Array:
    return rotate(inverse(heading(rotations[0])), positions - positions[0])


def tracking_errors(
    positions: Array, rotations: Array, reference: Array, reference_rotations: Array
) -> dict[str, float]:
    """All of `TRACKING` for one control step; bodies (J, 3) m and (J, 4) xyzw, the root first."""
    angle = gr_err(rotations, reference_rotations)
    return {
        "gt_err": gt_err(positions, reference),
        "gr_err": angle,
        "gr_err_degrees": float(np.degrees(angle)),
        "cartesian_err": cartesian_err(positions, rotations, reference, reference_rotations),
    }
