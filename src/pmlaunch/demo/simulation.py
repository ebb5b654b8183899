"""A humanoid in MuJoCo that follows a reference with PD torques at its joints and a bounded force at its root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import mujoco
import numpy as np

from pmlaunch.demo.humanoid import build_model, controls
from pmlaunch.demo.reference import Reference
from pmlaunch.motions.kinematics import Array, from_vector, inverse, multiply, to_vector
from pmlaunch.motions.poselib_motion import Motion


@dataclass(frozen=True)
class RootHelp:
    """The balancing force and torque that assist the humanoid: a clamped PD law on the pelvis.

    A policy of a few hundred kilobytes cannot balance a walk with its joints alone. The force that it needs is
    reported as `demo/root_force_*`.
    """

    stiffness: float = 14000.0  # N/m
    damping: float = 1500.0  # N s/m
    force: float = 400.0  # N, the clamp: slightly more than half the body's weight
    angular_stiffness: float = 4000.0  # Nm/rad
    angular_damping: float = 25.0  # Nm s/rad; the pelvis is light, and more would make it shake
    torque: float = 200.0  # Nm, the clamp


ROOT_HELP: Final = RootHelp()


@dataclass(frozen=True, eq=False)
class State:
    """State of the humanoid's J bodies in the world and of its joints."""

    positions: Array  # (J, 3) m
    rotations: Array  # (J, 4) xyzw
    local_rotation: Array  # (J, 4) xyzw; the root's is its world rotation
    joint_velocity: Array  # (J, 3) rad/s, each in its body's own frame
    root_velocity: Array  # (3,) m/s in the world


class Simulation:
    """A MuJoCo world with one humanoid that has a motion's skeleton.

    There are `fps` physics steps in a second and `decimation` in a control step. After a control step, `root_force` and
    `root_torque` hold the mean balancing force and torque in N and Nm, and `root_force_peak` the largest force.
    """

    def __init__(self, motion: Motion, fps: int, decimation: int, root_help: RootHelp = ROOT_HELP) -> None:
        self.model = build_model(motion, 1.0 / fps)
        self.data = mujoco.MjData(self.model)
        self.decimation = decimation
        self.root_help = root_help
        stiffness, limit = controls(motion.node_names)
        # the pelvis first: its torque is computed like that of a joint whose parent is the world
        self.stiffness = np.concatenate([[root_help.angular_stiffness], stiffness])
        self.limit = np.concatenate([[root_help.torque], limit])
        self.root_force = self.root_torque = self.root_force_peak = 0.0

    @property
    def mass(self) -> float:
        """Mass of the whole body in kg."""
        return float(self.model.body_subtreemass[0])

    def place(self, reference: Reference, at: int = 0) -> None:
        """Give the humanoid the reference's pose and velocity at sample `at`."""
        mujoco.mj_resetData(self.model, self.data)
        qpos, qvel = self.data.qpos, self.data.qvel
        qpos[:3] = reference.positions[at, 0]
        qpos[3:] = np.roll(reference.local_rotation[at], 1, axis=-1).ravel()  # xyzw to MuJoCo's wxyz
        qvel[:3] = reference.root_velocity[at]
        qvel[3:] = reference.joint_velocity[at].ravel()
        mujoco.mj_forward(self.model, self.data)

    def state(self) -> State:
        """Copy the current state."""
        positions, rotations = self.data.xpos[1:].copy(), np.roll(self.data.xquat[1:], -1, axis=-1)
        velocity = self.data.qvel.copy()
        return State(positions, rotations, self._joints(), velocity[3:].reshape(-1, 3), velocity[:3])

    def advance(self, target: Array, reference: Reference, step: int) -> None:
        """Simulate one control step, from sample `step` of the reference to the next.

        `target` (J-1, 4) xyzw are the target rotations of the joints' PD controllers.
        """
        places, turns = _root_between(reference, step, self.decimation)
        velocity = reference.root_velocity[step + 1], reference.joint_velocity[step + 1, 0]
        forces = np.zeros((self.decimation, 2))
        for index in range(self.decimation):
            force = self._root_force(places[index], velocity[0])
            torque = self._torques(np.concatenate([turns[index : index + 1], target]), velocity[1])
            self.data.qfrc_applied[:3], self.data.qfrc_applied[3:] = force, torque.ravel()
            forces[index] = np.linalg.norm(force), np.linalg.norm(torque[0])
            mujoco.mj_step(self.model, self.data)
        self.root_force, self.root_torque = (float(size) for size in forces.mean(axis=0))
        self.root_force_peak = float(forces[:, 0].max())
        # mj_step leaves the bodies where they were before the last integration
        mujoco.mj_kinematics(self.model, self.data)

    def _joints(self) -> Array:
        return np.roll(self.data.qpos[3:].reshape(-1, 4), -1, axis=-1)

    def _torques(self, target: Array, root_velocity: Array) -> Array:
        """PD torques (J, 3) Nm, each in its body's frame, as MuJoCo expects for ball and free joints.

        The D term of a joint is its damping in the model, which MuJoCo integrates implicitly; the pelvis has its own.
        """
        torque = self.stiffness[:, None] * to_vector(multiply(inverse(self._joints()), target))
        torque[0] += self.root_help.angular_damping * (root_velocity - self.data.qvel[3:6])
        return _clamp(torque, self.limit)

    def _root_force(self, place: Array, velocity: Array) -> Array:
        """The balancing force (3,) N in the world."""
        away, slow = place - self.data.qpos[:3], velocity - self.data.qvel[:3]
        return _clamp(self.root_help.stiffness * away + self.root_help.damping * slow, self.root_help.force)


def _root_between(reference: Reference, step: int, count: int) -> tuple[Array, Array]:
    """Positions (n, 3) m and rotations (n, 4) of the reference's root after each of `count` parts of a control step."""
    share = (np.arange(count) + 1.0)[:, None] / count
    start, end = reference.positions[step, 0], reference.positions[step + 1, 0]
    first, last = reference.rotations[step, 0], reference.rotations[step + 1, 0]
    turn = to_vector(multiply(inverse(first), last))
    return start + share * (end - start), multiply(first, from_vector(share * turn))


def _clamp(vectors: Array, limit: Any) -> Array:
    """Shorten vectors (..., 3) to at most `limit` (...)."""
    length = np.linalg.norm(vectors, axis=-1)
    return np.asarray(vectors * np.minimum(1.0, limit / np.maximum(length, 1e-9))[..., None])
