"""The reference of a humanoid: a motion, sampled at the control rate and placed on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmlaunch.demo.humanoid import mass_shares, soles
from pmlaunch.motions.kinematics import Array, forward_kinematics, inverse, multiply, rotate, slerp, to_vector
from pmlaunch.motions.poselib_motion import Motion

CONTACT_HEIGHT = 0.012  # m above the lowest sole at which contact drops to 1/e
CONTACT_SPEED = 0.5  # m/s of a sole at which contact drops to 1/e
LOOKAHEAD = 2  # samples after the last step, which are the future targets of the last ones


@dataclass(frozen=True, eq=False)
class Reference:
    """A motion of `steps` control steps with J bodies: sample 0 of S is the start, sample k the target of step k."""

    motion: Motion
    steps: int  # S - 1 - LOOKAHEAD
    local_rotation: Array  # (S, J, 4) xyzw
    joint_velocity: Array  # (S, J, 3) rad/s, each in its body's own frame, as MuJoCo expects for ball joints
    positions: Array  # (S, J, 3) m in the world
    rotations: Array  # (S, J, 4) in the world
    root_velocity: Array  # (S, 3) m/s in the world
    centre: Array  # (S, 3) m, the centre of mass
    centre_acceleration: Array  # (S, 3) m/s^2
    soles: Array  # (S, 6, 3) m, heel, ball and tip of each foot in the world
    standing: Array  # (S, 6), contact of each of them with the ground, from 0 to 1


def control_steps(motion: Motion, dt: float) -> int:
    """Count the whole control steps of `dt` s in a motion, as upstream does; at least one."""
    return max(1, int(motion.seconds / dt + 1e-6))


def sample(motion: Motion, dt: float, start: float = 0.0) -> Reference:
    """Sample `motion` every `dt` s from `start` s on.

    Times outside the motion give its first or last frame. Velocities are central differences. The whole motion is
    shifted vertically once, so that the lower foot is on the ground, z = 0, most of the time.
    """
    steps = control_steps(motion, dt)
    times: Array = start + dt * np.arange(-1.0, steps + 2 + LOOKAHEAD)
    local, root = _at(motion, times)
    positions, rotations = forward_kinematics(motion.parents, motion.local_translation, local, root)
    bodies, points = soles(motion)
    # in a walk one sole is down nearly always; a low quantile tolerates noise and short flights
    heights = (positions[:, bodies] + rotate(rotations[:, bodies], points))[..., 2]
    positions[..., 2] -= float(np.quantile(heights.min(axis=1), 0.25))
    under = positions[:, bodies] + rotate(rotations[:, bodies], points)
    centre = np.einsum("j,sjc->sc", mass_shares(motion), positions)
    turn = to_vector(multiply(inverse(local[:-2]), local[2:])) / (2 * dt)
    return Reference(
        motion=motion,
        steps=steps,
        local_rotation=local[1:-1],
        joint_velocity=turn,
        positions=positions[1:-1],
        rotations=rotations[1:-1],
        root_velocity=(positions[2:, 0] - positions[:-2, 0]) / (2 * dt),
        centre=centre[1:-1],
        centre_acceleration=(centre[2:] - 2 * centre[1:-1] + centre[:-2]) / dt**2,
        soles=under[1:-1],
        standing=_standing(under, dt)[1:-1],
    )


def _standing(under: Array, dt: float) -> Array:
    """Contact (n, 6) of soles (n, 6, 3) m: 1 at rest on the ground or as low as the lowest, 0 far from it."""
    speed = np.linalg.norm(np.gradient(under, dt, axis=0), axis=-1)
    height = under[..., 2]
    ground = np.minimum(height.min(axis=1, keepdims=True), 0.02)
    return np.asarray(np.exp(-np.maximum(height - ground, 0.0) / CONTACT_HEIGHT - speed / CONTACT_SPEED))


def _at(motion: Motion, times: Array) -> tuple[Array, Array]:
    """Local rotations (n, J, 4) and root positions (n, 3) m at `times` (n,) s, interpolated between frames."""
    frame = np.clip(times * motion.fps, 0.0, motion.frames - 1.0)
    before = np.minimum(frame.astype(int), max(motion.frames - 2, 0))
    after = np.minimum(before + 1, motion.frames - 1)
    share = (frame - before)[:, None]
    rotation = slerp(motion.local_rotation[before], motion.local_rotation[after], share)
    root = (1 - share) * motion.root_translation[before] + share * motion.root_translation[after]
    return rotation, root
