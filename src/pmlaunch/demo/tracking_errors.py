"""Tracking errors with ProtoMotions' names, definitions and units.

For a control step, each is a mean over the bodies. `scores` takes mean, maximum and minimum over the steps of a motion
and averages these over the motions, as upstream does; only demo/root_*_max are maxima over everything.
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
FAILED_ABOVE: Final = 0.5  # m of gt_err; a motion that exceeds it at any step counts as failed
COMMON: Final = {  # the figures that every generation has, with their names here
    "success_rate": "eval/tracking_success_rate",
    "mean_position_error_m": "eval/gt_err",
    "mean_rotation_error_deg": "eval/gr_err_degrees",
}


def unit(metric: str) -> str:
    """Return the unit of a metric by its flat name, with or without _max, _min or _mean."""
    for ending in ("_max", "_min", "_mean"):
        metric = metric.removesuffix(ending)
    return _UNITS[metric]


def gt_err(positions: Array, reference: Array) -> float:
    """Global translation error: mean distance in m between bodies (J, 3) and their reference."""
    return float(np.linalg.norm(positions - reference, axis=-1).mean())


def gr_err(rotations: Array, reference: Array) -> float:
    """Global rotation error: mean angle in rad between bodies' rotations (J, 4) and their reference."""
    return float(np.linalg.norm(to_vector(multiply(inverse(rotations), reference)), axis=-1).mean())


def cartesian_err(positions: Array, rotations: Array, reference: Array, reference_rotations: Array) -> float:
    """Pose error: mean distance in m between poses that are each seen from their own root and heading."""
    seen, expected = (
        rotate(inverse(heading(turned[0])), placed - placed[0])
        for placed, turned in ((positions, rotations), (reference, reference_rotations))
    )
    return gt_err(seen, expected)


def tracking_errors(
    positions: Array, rotations: Array, reference: Array, reference_rotations: Array
) -> dict[str, float]:
    """Compute all of `TRACKING` for a control step, from bodies (J, 3) m and (J, 4) xyzw, the root first."""
    angle = gr_err(rotations, reference_rotations)
    return {
        "gt_err": gt_err(positions, reference),
        "gr_err": angle,
        "gr_err_degrees": float(np.degrees(angle)),
        "cartesian_err": cartesian_err(positions, rotations, reference, reference_rotations),
    }
