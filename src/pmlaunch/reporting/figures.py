"""Figures for people: which of upstream's names mean the same, in which unit they are shown, and what they measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pmlaunch.running import verdict_text

# upstream's names in 2.x and the demo, then in 3.x
_ERROR: Final = ("eval/gt_err", "eval/gt_error/mean")
_LARGEST: Final = ("eval/gt_err_max", "eval/gt_error/max")
_ROTATION_DEGREES: Final = ("eval/gr_err_degrees",)
_ROTATION_RADIANS: Final = ("eval/gr_err", "eval/gr_error/mean")

_DEFINITIONS: Final = (
    ("success_rate", "Share of motions that were played to their end without being lost."),
    ("failure_rate", "Share of motions that this metric counts as lost."),
    ("gt_err", "Distance of each body from its reference in the world, averaged over the bodies."),
    ("gr_err", "Angle between each body's rotation and its reference's, averaged over the bodies."),
    ("cartesian_err", "Distance of each body from its reference, both relative to the root, averaged over the bodies."),
    ("max_joint_err", "The same distance in the world, of the body that is farthest from its reference."),
    ("num_evaluated", "Number of evaluated motions."),
    ("normalized_jerk", "Rate of change of the acceleration, averaged; smooth motion has little."),
    ("high_jerk", "Share of time with unusually high jerk."),
    ("action_delta", "How much the policy's output changes from one control step to the next."),
    ("action_rate", "How fast the policy's output changes."),
    ("root_force", "Root force that assists the demo's humanoid."),
    ("root_torque", "Root torque that assists the demo's humanoid."),
    ("body_weight", "Weight of the humanoid."),
)
_EXTREMES: Final = {"min": "Smallest value. ", "max": "Largest value. "}


@dataclass(frozen=True)
class MotionFigures:
    """The figures of one motion in the table: position errors in m (mean and largest), rotation error in degrees."""

    error: float | None = None
    largest: float | None = None
    rotation: float | None = None


def motion_figures(metrics: Mapping[str, float]) -> MotionFigures:
    """Pick the table's figures from a motion's metrics of any generation; those that are not finite count as missing."""
    radians = _first(metrics, _ROTATION_RADIANS)
    degrees = _first(metrics, _ROTATION_DEGREES)
    rotation = degrees if degrees is not None or radians is None else math.degrees(radians)
    return MotionFigures(_first(metrics, _ERROR), _first(metrics, _LARGEST), rotation)


def _first(metrics: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    return next((metrics[name] for name in names if math.isfinite(metrics.get(name, math.nan))), None)


def definition(name: str) -> str:
    """What the metric `name` measures; empty for one that is not known."""
    part = name.replace("gt_error", "gt_err").replace("gr_error", "gr_err").replace("joint_error", "joint_err")
    found = next((text for key, text in _DEFINITIONS if key in part), "")
    extreme = next((text for end, text in _EXTREMES.items() if part.endswith(("/" + end, "_" + end))), "")
    return extreme + found if found else ""


def length(metres: float | None) -> str:
    """A distance with its unit: "1.3 cm", "2.52 m"."""
    return "–" if metres is None else verdict_text.length(metres)


def number(value: float) -> str:
    """A figure with four significant digits."""
    return f"{value:.4g}" if math.isfinite(value) else str(value)
