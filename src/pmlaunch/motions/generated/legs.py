"""Legs: feet that do not slide, the gait of a walk, and the analytic inverse kinematics that reaches the feet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmlaunch.motions.generated.skeleton import HEEL, SIDES, SOLE_BELOW_TOE, Skeleton
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


@dataclass(frozen=True)
class Walk:
    """Parameters of a walk, in m, s, rad and shares of the stride."""

    speed: float = 1.1  # m/s
    stride: float = 1.08  # s from one landing of a foot to the next
    duty: float = 0.62  # share of the stride during which a foot is on the ground
    width: float = 0.085  # m from the line of travel to a foot
    behind: float = 0.1  # m by which an ankle is behind the body in mid-stance
    clearance: float = 0.01  # m by which a swinging ankle is lifted
    heel_off: float = 0.8  # rad of pitch when the toes leave the ground
    bob: float = 0.02  # m by which the pelvis moves up and down
    lean: float = 0.03  # rad by which the pelvis leans forward
    toes_up: float = 0.28  # rad of pitch at the landing
    arms: float = 0.45  # rad of swing
    heading: float = 0.0  # rad
    turn: float = 0.0  # rad/s


def path_of(style: Walk, times: Array) -> tuple[Array, Array]:
    """Compute position (T, 2) m and heading (T,) rad of a walker on a line or an arc."""
    yaw = style.heading + style.turn * times
    if abs(style.turn) < 1e-6:
        ahead = np.array([np.cos(style.heading), np.sin(style.heading)])
        return style.speed * times[:, None] * ahead, yaw
    radius = style.speed / style.turn
    start = np.array([np.sin(style.heading), -np.cos(style.heading)])
    return radius * (np.stack([np.sin(yaw), -np.cos(yaw)], axis=-1) - start), yaw


def stepping(skeleton: Skeleton, times: Array, style: Walk, side: str) -> Foot:
    """Compute one foot of a walk at `times` (T,) s."""
    cycle = times / style.stride + (0.0 if side == "L" else 0.5)
    number, phase = np.floor(cycle), cycle % 1.0
    stance = _stance(skeleton, style, side, number, np.minimum(phase, style.duty))
    share = np.clip((phase - style.duty) / (1.0 - style.duty), 0.0, 1.0)
    ankle, pitch = _swing(skeleton, style, side, number, share)
    turned = smooth(share)
    yaw = (1.0 - turned) * _step_yaw(style, side, number) + turned * _step_yaw(style, side, number + 1)
    stands = share == 0.0
    pitch = np.where(stands, stance.pitch, pitch)
    rotation = multiply(about("z", yaw), about("y", pitch))
    return Foot(np.where(stands[:, None], stance.ankle, ankle), rotation, pitch)


def _stance(skeleton: Skeleton, style: Walk, side: str, number: Array, phase: Array) -> Foot:
    """The foot on the ground, in its stance `number` (T,), at `phase` (T,) of the stride."""
    path, yaw = path_of(style, _mid_stance(style, side, number))
    ball = skeleton.offset(f"{side}_Toe")
    left = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    ahead = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    toe = path + SIDES[side] * style.width * left + (ball[0] - style.behind) * ahead
    along = phase / style.duty
    roll = np.maximum((along - 0.55) / 0.45, 0.0) ** 2 * style.heel_off
    pitch = np.where(along < 0.2, -style.toes_up * (1.0 - along / 0.2) ** 2, roll)
    return planted(ball, toe, _step_yaw(style, side, number), pitch)


def _swing(skeleton: Skeleton, style: Walk, side: str, number: Array, share: Array) -> tuple[Array, Array]:
    """Ankle (T, 3) m and pitch (T,) rad of the foot in the air, at `share` (T,) of its swing.

    Cubics match the foot's velocity where it leaves the ground and where it lands.
    """
    tiny = 1e-4  # of a stride, for the finite differences that give those velocities

    def at(step: Array, phase: float) -> Foot:
        return _stance(skeleton, style, side, step, np.full_like(share, phase))

    before, off = at(number, style.duty - tiny), at(number, style.duty)
    on, after = at(number + 1.0, 0.0), at(number + 1.0, tiny)
    rate = (1.0 - style.duty) / tiny
    ankle = _cubic(
        off.ankle, on.ankle, (off.ankle - before.ankle) * rate, (after.ankle - on.ankle) * rate, share[:, None]
    )
    ankle[:, 2] += style.clearance * np.sin(np.pi * share) ** 2
    pitch = _cubic(off.pitch, on.pitch, (off.pitch - before.pitch) * rate, (after.pitch - on.pitch) * rate, share)
    return ankle, pitch


def _mid_stance(style: Walk, side: str, number: Array) -> Array:
    """Time (T,) s of the middle of a stance."""
    return np.asarray((number + style.duty / 2.0 - (0.0 if side == "L" else 0.5)) * style.stride)


def _step_yaw(style: Walk, side: str, number: Array) -> Array:
    middle = _mid_stance(style, side, number)
    return np.asarray(style.heading + style.turn * middle + SIDES[side] * 0.08)


def smooth(share: Array) -> Array:
    """Ease from 0 at 0 to 1 at 1, with continuous velocity and acceleration."""
    x = np.clip(share, 0.0, 1.0)
    return np.asarray(x**3 * (10.0 - 15.0 * x + 6.0 * x**2))


def _cubic(start: Array, end: Array, start_rate: Array, end_rate: Array, x: Array) -> Array:
    """Evaluate the cubic from `start` to `end` with the given slopes at x in [0, 1]."""
    return np.asarray(
        (1 + 2 * x) * (1 - x) ** 2 * start
        + x * (1 - x) ** 2 * start_rate
        + x**2 * (3 - 2 * x) * end
        + x**2 * (x - 1) * end_rate
    )


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
