"""Procedural motions: a walk, a wave and a squat for any skeleton of SMPL's bodies.

The demo ships them, and its policy was trained on variations. Each places the feet, moves the pelvis with them, solves
the legs by inverse kinematics and adds the rest as joint angles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from pmlaunch.motions.generated.legs import Foot, Walk, highest_hip, path_of, planted, reach, smooth, stepping
from pmlaunch.motions.generated.skeleton import NODE_NAMES, PARENTS, SIDES, Skeleton
from pmlaunch.motions.kinematics import Array, about, from_vector, inverse, multiply, rotate, slerp
from pmlaunch.motions.poselib_motion import Motion

Joints = Mapping[str, Array]
"""By body: local rotations (T, 4); as `extras`, rotation vectors (T, 3) rad that are applied on top of them."""
_NONE: Final[Joints] = {}
OWN_MOTIONS: Final = ("walk", "wave", "squat")
"""The motions that the demo ships, and that checkouts without motions are given."""


@dataclass(frozen=True, eq=False)
class _Choreography:
    """A motion before inverse kinematics."""

    name: str
    feet: Mapping[str, Foot]  # by side
    path: Array  # (T, 2) m, where the pelvis is above the ground
    bob: Array  # (T,) m, how far it is above the height that both legs allow
    pelvis: Array  # (T, 4), its world rotation
    joints: Joints  # of the other bodies except the legs


@dataclass(frozen=True)
class Stand:
    """Parameters of a standing motion, in m and rad."""

    width: float = 0.12
    splay: float = 0.15
    heading: float = 0.0
    lean: float = 0.0
    depth: float = 0.32  # m of a squat
    period: float = 2.5  # s of a squat; a hand is raised and lowered in twice that
    beat: float = 1.4  # 1/s, frequency of a waving hand


def own_motion(name: str, skeleton: Skeleton) -> Motion:
    """Make one of `OWN_MOTIONS` for a skeleton: five seconds at 30 frames per second."""
    fps = 30
    times = np.arange(5 * fps + 1) / fps
    if name == "walk":
        return walk(skeleton, times, fps, Walk())
    return wave(skeleton, times, fps, Stand(beat=1.15)) if name == "wave" else squat(skeleton, times, fps, Stand())


def walk(skeleton: Skeleton, times: Array, fps: float, style: Walk, extras: Joints = _NONE) -> Motion:
    """Make a steady walk, sampled at `times` (T,) s; uneven times make it speed up and slow down."""
    phase = times / style.stride
    swing = 2.0 * np.pi * phase
    feet = {side: stepping(skeleton, times, style, side) for side in SIDES}
    path, yaw = path_of(style, times)
    lateral = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    middle = 2.0 * np.pi * (phase - style.duty / 2.0)  # zero when the left foot is under the body
    path = path + 0.022 * np.cos(middle)[:, None] * lateral
    pelvis = _turns(yaw - 0.07 * np.cos(swing), style.lean, -0.03 * np.cos(middle))
    joints = _carriage(lean=0.02, twist=0.14 * np.cos(swing))
    arms = {side: -sign * style.arms * np.cos(swing) for side, sign in SIDES.items()}
    joints |= _arms(arms, {side: 0.35 + 0.35 * np.maximum(angle, 0.0) for side, angle in arms.items()})
    steps = _Choreography("smpl_humanoid_walk", feet, path, style.bob * np.cos(2.0 * middle), pelvis, joints)
    return _assemble(steps, skeleton, fps, extras)


def squat(skeleton: Skeleton, times: Array, fps: float, style: Stand, extras: Joints = _NONE) -> Motion:
    """Make squats with the arms stretched forward for balance."""
    down = 0.5 - 0.5 * np.cos(2.0 * np.pi * times / style.period)
    depth = style.depth * down
    feet = _standing(skeleton, times, style)
    forward = np.array([np.cos(style.heading), np.sin(style.heading)])
    path = -0.32 * depth[:, None] * forward
    pelvis = _turns(style.heading, style.lean + depth, 0.0)
    joints = _carriage(lean=0.3 * depth, twist=0.0)
    joints |= {"Neck": about("y", -0.9 * depth), "Head": about("y", -0.5 * depth)}
    joints |= _arms(dict.fromkeys(SIDES, 1.9 * down), dict.fromkeys(SIDES, 0.25 - 0.15 * down))
    steps = _Choreography("smpl_humanoid_squat", feet, path, -depth, pelvis, joints)
    return _assemble(steps, skeleton, fps, extras)


def wave(skeleton: Skeleton, times: Array, fps: float, style: Stand, extras: Joints = _NONE) -> Motion:
    """Make a wave with the right hand, standing with the weight on the left leg."""
    rest = 2.0 * style.period
    up = smooth(times / 0.9) * (1.0 - smooth((times - rest + 0.9) / 0.9))
    to_and_fro = np.sin(2.0 * np.pi * style.beat * times)
    feet = _standing(skeleton, times, style)
    lateral = np.array([-np.sin(style.heading), np.cos(style.heading)])
    path = (0.02 * up + 0.006 * np.sin(2.0 * np.pi * 0.35 * times))[:, None] * lateral
    pelvis = _turns(style.heading - 0.06 * up, style.lean, -0.03 * up)
    joints = _carriage(lean=0.02, twist=0.1 * up) | {"Neck": about("y", 0.1 * up)}
    breath = np.sin(2.0 * np.pi * 0.35 * times)
    joints |= _arms(dict.fromkeys(SIDES, 0.05 * breath), dict.fromkeys(SIDES, 0.25 + 0.03 * breath))
    joints["R_Shoulder"] = slerp(joints["R_Shoulder"], about("x", -0.35 + 0.12 * to_and_fro), up)
    joints["R_Elbow"] = slerp(joints["R_Elbow"], about("x", -1.15 - 0.35 * to_and_fro), up)
    joints["R_Hand"] = about("x", -0.15 * up * to_and_fro)
    steps = _Choreography("smpl_humanoid_wave", feet, path, -0.01 * up, pelvis, joints)
    return _assemble(steps, skeleton, fps, extras)


def _standing(skeleton: Skeleton, times: Array, style: Stand) -> dict[str, Foot]:
    feet = {}
    for side, sign in SIDES.items():
        ball = skeleton.offset(f"{side}_Toe")
        yaw = np.full_like(times, style.heading + sign * style.splay)
        place = rotate(about("z", style.heading), np.array([0.0, sign * style.width, 0.0]))
        toe = place + rotate(about("z", yaw), np.array([ball[0] - 0.03, 0.0, 0.0]))
        feet[side] = planted(ball, toe[:, :2], yaw, np.zeros_like(times))
    return feet


def _turns(yaw: Array | float, lean: Array | float, roll: Array | float) -> Array:
    """Rotate by `yaw` to the left, `lean` forward and `roll` to the right, in rad; roll is applied first."""
    return multiply(multiply(about("z", yaw), about("y", lean)), about("x", roll))


def _carriage(lean: Array | float, twist: Array | float) -> dict[str, Array]:
    """Bend each joint of the spine forward by `lean` rad and share a `twist` rad to the left among the three."""
    share = multiply(about("z", twist / 3.0), about("y", lean))
    return dict.fromkeys(("Torso", "Spine", "Chest"), share)


def _arms(swing: Mapping[str, Array], flexion: Mapping[str, Array]) -> dict[str, Array]:
    """Let the arms hang beside the body, swung forward by `swing` rad, with the elbows bent by `flexion` rad."""
    joints = {}
    for side, sign in SIDES.items():
        joints[f"{side}_Shoulder"] = multiply(about("y", -swing[side]), about("x", -sign * 1.3))
        joints[f"{side}_Elbow"] = about("z", -sign * flexion[side])
    return joints


def _assemble(steps: _Choreography, skeleton: Skeleton, fps: float, extras: Joints) -> Motion:
    """Put the pelvis as high as both legs allow, reach the feet with the legs, and add `extras`."""
    path, pelvis, bob = steps.path, steps.pelvis, steps.bob
    hips = {side: rotate(pelvis, skeleton.offset(f"{side}_Hip")) for side in SIDES}
    room = []
    for side, foot in steps.feet.items():
        length = sum(float(np.linalg.norm(skeleton.offset(f"{side}_{bone}"))) for bone in ("Knee", "Ankle"))
        room.append(highest_hip(foot.ankle, path + hips[side][:, :2], length) - hips[side][:, 2] - bob)
    height = float(np.min(room)) + bob
    root = np.concatenate([path, height[:, None]], axis=-1)
    local = np.zeros((len(path), len(NODE_NAMES), 4))
    local[..., 3] = 1.0
    local[:, 0] = pelvis
    for joint, rotation in steps.joints.items():
        local[:, NODE_NAMES.index(joint)] = rotation
    for side, foot in steps.feet.items():
        _put_leg(local, skeleton, side, root + hips[side], foot)
    for joint, vector in extras.items():
        index = NODE_NAMES.index(joint)
        local[:, index] = multiply(local[:, index], from_vector(vector))
    return Motion(Path(f"{steps.name}.npy"), steps.name, NODE_NAMES, PARENTS, skeleton.offsets, local, root, fps)


def _put_leg(local: Array, skeleton: Skeleton, side: str, hip: Array, foot: Foot) -> None:
    """Solve a leg and write its local rotations into `local` (T, J, 4)."""
    knee_points = rotate(multiply(foot.rotation, about("y", -foot.pitch)), np.array([1.0, 0.0, 0.0]))
    knee, ankle = skeleton.offset(f"{side}_Knee"), skeleton.offset(f"{side}_Ankle")
    thigh, shank = reach(hip, foot.ankle, knee_points, knee, ankle)
    chain = [local[:, 0], thigh, shank, foot.rotation]
    first = NODE_NAMES.index(f"{side}_Hip")
    for index, (parent, child) in enumerate(pairwise(chain)):
        local[:, first + index] = multiply(inverse(parent), child)
    local[:, first + 3] = about("y", -np.clip(foot.pitch, 0.0, 0.9))  # the toes stay on the ground
