"""Legs: feet that do not slide, and the analytic inverse kinematics that reaches them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmlaunch.motions.generated.skeleton import HEEL, SOLE_BELOW_TOE
from pmlaunch.motions.kinematics import Array, about, from_vector, multiply, normalized, rotate

REACH = 0.993  # the share of its length to which a leg is stretched at most


@dataclass(frozen=True, eq=False)
class Foot:
    """A foot over T frames."""

    ankle: Array  # (T, 3) m
    rotation: Array  # (T, 4) of the ankle
    pitch: Array  # (T,) rad, positive for heel up


def planted(ball: Array, toe: Array, yaw: Array, pitch: Array) -> Foot:
    """Place a foot with its toe joint, `ball` (3,) m in the ankle's frame, above the point `toe` (T, 2) m.

    With the heel up it rotates about the ball of the foot, with the toes up about the heel, so nothing slides.
    """
    turn = about("z", yaw)
    rotation = multiply(turn, about("y", pitch))
    flat = np.concatenate([toe, np.full((len(toe), 1), SOLE_BELOW_TOE)], axis=-1)
    heel = np.array([SOLE_BELOW_TOE - HEEL, ball[1], ball[2]])
    about_ball = flat - rotate(rotation, ball)
    about_heel = flat + rotate(turn, heel - ball) - rotate(rotation, heel)
    return Foot(np.where(pitch[:, None] > 0.0, about_ball, about_heel), rotation, pitch)


def highest_hip(ankle: Array, hip: Array, length: float) -> Array:
    """Compute the greatest height (T,) m at which a hip above (T, 2) m still reaches the ankle (T, 3) m."""
    away = np.linalg.norm(ankle[:, :2] - hip, axis=-1)
    return np.asarray(ankle[:, 2] + np.sqrt(np.maximum((REACH * length) ** 2 - away**2, 0.0)))


def reach(hip: Array, ankle: Array, forward: Array, thigh: Array, shank: Array) -> tuple[Array, Array]:
    """Compute world rotations (T, 4) of thigh and shank that put the ankle in its place, by the law of cosines.

    Hip and ankle are at (T, 3) m, the knee points `forward` (T, 3); each bone (3,) m is in its body's frame.
    """
    upper, lower = float(np.linalg.norm(thigh)), float(np.linalg.norm(shank))
    line = ankle - hip
    distance = np.clip(np.linalg.norm(line, axis=-1), abs(upper - lower) + 1e-6, upper + lower - 1e-6)
    line = normalized(line)
    hinge = normalized(np.cross(forward, line))
    bend = np.arccos((upper**2 + distance**2 - lower**2) / (2.0 * upper * distance))
    thigh_line = rotate(from_vector(-bend[:, None] * hinge), line)
    shank_line = normalized(hip + distance[:, None] * line - (hip + upper * thigh_line))
    return _align(thigh, thigh_line, hinge), _align(shank, shank_line, hinge)


def _align(bone: Array, line: Array, hinge: Array) -> Array:
    """Rotations (T, 4) that turn `bone` (3,) onto `line` (T, 3) and +y as close to `hinge` as that allows."""
    rest = normalized(bone)
    arc = np.concatenate([np.cross(rest, line), 1.0 + np.sum(rest * line, axis=-1, keepdims=True)], axis=-1)
    swing = normalized(arc)
    side = rotate(swing, normalized(np.array([0.0, 1.0, 0.0]) - rest[1] * rest))
    twist = np.arctan2(np.sum(np.cross(side, hinge) * line, axis=-1), np.sum(side * hinge, axis=-1))
    return multiply(from_vector(twist[:, None] * line), swing)
