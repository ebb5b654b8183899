"""The expert that the policy imitates: inverse dynamics of the reference as corrections of the joints' PD targets.

It knows the model and the whole motion, which a policy does not, and is used for training only.
"""

from __future__ import annotations

from typing import Any, Final

import mujoco
import numpy as np

from pmlaunch.demo.humanoid import build_model, controls, soles
from pmlaunch.demo.reference import Reference
from pmlaunch.motions.kinematics import Array

REGULARISATION: Final = 0.02
"""Weight of small ground forces against an exact balance of the root."""


def corrections(reference: Reference, dt: float) -> Array:
    """Compute what to add to each joint's PD target, as rotation vectors (S, J-1, 3) rad, for every sample.

    A joint with stiffness k settles where k times the correction equals the torque that the motion needs against
    weight, inertia, damping and ground force. MuJoCo's inverse dynamics gives the torque in the air; the ground force
    is distributed to the soles in contact (`_ground_forces`).
    """
    motion = reference.motion
    model = build_model(motion, dt)
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
    data = mujoco.MjData(model)
    samples = len(reference.positions)
    velocity = np.concatenate([reference.root_velocity, reference.joint_velocity.reshape(samples, -1)], axis=1)
    acceleration = np.gradient(velocity, dt, axis=0)
    bodies, _ = soles(motion)
    torque = np.zeros((samples, model.nv - 6))
    for index in range(samples):
        data.qpos[:3] = reference.positions[index, 0]
        data.qpos[3:] = np.roll(reference.local_rotation[index], 1, axis=-1).ravel()
        data.qvel[:], data.qacc[:] = velocity[index], acceleration[index]
        mujoco.mj_inverse(model, data)
        jacobians = _jacobians(model, data, bodies, reference.soles[index])
        needed = data.qfrc_inverse.copy()
        forces = _ground_forces(needed[:6], jacobians[:, :, :6], reference.standing[index])
        torque[index] = (needed - np.einsum("pc,pcv->v", forces, jacobians))[6:]
    stiffness, _ = controls(motion.node_names)
    return torque.reshape(samples, -1, 3) / stiffness[:, None]


def _jacobians(model: Any, data: Any, bodies: list[int], points: Array) -> Array:
    """The Jacobians of points on bodies: (points, 3, nv)."""
    jacobians = np.zeros((len(points), 3, model.nv))
    for jacobian, body, point in zip(jacobians, bodies, points, strict=True):
        mujoco.mj_jac(model, data, jacobian, None, point, body + 1)  # body 0 is the world
    return jacobians


def _ground_forces(wrench: Array, jacobians: Array, share: Array) -> Array:
    """Forces (points, 3) N at the soles that best produce the root's `wrench` (6,); none pulls down.

    Solves least squares in which forces at soles with less contact (`share`) cost more.
    """
    balance = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])  # an Nm counts as 2 N
    effect = (jacobians * share[:, None, None]).reshape(-1, 6).T * balance[:, None]
    weights = np.linalg.solve(effect @ effect.T + REGULARISATION * np.eye(6), wrench * balance)
    forces = (effect.T @ weights).reshape(-1, 3) * share[:, None]
    forces[:, 2] = np.maximum(forces[:, 2], 0.0)
    return np.asarray(forces)
