"""The humanoid is built from a motion's skeleton and follows the motion."""

# ruff: noqa: E402
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

for _package in ("torch", "mujoco", "lightning", "hydra", "matplotlib"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

from pmlaunch.demo.reference import LOOKAHEAD, control_steps, sample
from pmlaunch.demo.simulation import RootHelp, Simulation
from pmlaunch.motions.generated.skeleton import NODE_NAMES, PARENTS, varied_skeleton
from pmlaunch.motions.kinematics import about, multiply
from pmlaunch.motions.poselib_motion import Motion

DT = 1 / 30


def test_bones_match_the_motion(own_motion: Motion) -> None:
    simulation, reference = Simulation(own_motion, 480, 16), sample(own_motion, DT)
    simulation.place(reference)
    state = simulation.state()
    np.testing.assert_allclose(state.positions, reference.positions[0], atol=1e-6)
    np.testing.assert_allclose(np.abs((state.rotations * reference.rotations[0]).sum(-1)), 1.0, atol=1e-6)
    assert 60.0 < simulation.mass < 80.0


def test_other_proportions(walk_motion: Motion) -> None:
    offsets = varied_skeleton(np.random.default_rng(3)).offsets
    motion = replace(walk_motion, local_translation=offsets)
    simulation = Simulation(motion, 480, 16)
    np.testing.assert_allclose(simulation.model.body_pos[2:], offsets[1:])


def test_other_skeletons_are_refused(walk_motion: Motion) -> None:
    other = replace(walk_motion, node_names=("pelvis", *NODE_NAMES[1:]))
    with pytest.raises(ValueError, match="24 bodies of SMPL"):
        Simulation(other, 480, 16)


def test_joints_have_the_order_of_the_motion(walk_motion: Motion) -> None:
    model = Simulation(walk_motion, 480, 16).model
    assert tuple(model.body(index + 1).name for index in range(24)) == NODE_NAMES
    assert (model.body_parentid[1:] - 1).tolist() == PARENTS.tolist()
    assert model.nv == 6 + 69


def test_reference_samples_and_velocities(walk_motion: Motion) -> None:
    reference = sample(walk_motion, DT)
    assert reference.steps == control_steps(walk_motion, DT) == 150
    assert len(reference.positions) == 150 + 1 + LOOKAHEAD
    moved = (reference.positions[60, 0] - reference.positions[58, 0]) / (2 * DT)
    np.testing.assert_allclose(reference.root_velocity[59], moved, atol=1e-9)
    assert reference.root_velocity[:150, 0].mean() == pytest.approx(1.1, abs=0.05)
    assert abs(np.quantile(reference.soles[..., 2].min(axis=1), 0.25)) < 2e-3, "the lower foot is on the ground"


def test_reference_does_not_depend_on_the_heading(walk_motion: Motion) -> None:
    turn = about("z", 2.0)
    local = walk_motion.local_rotation.copy()
    local[:, 0] = multiply(turn, local[:, 0])
    turned = sample(replace(walk_motion, local_rotation=local), DT)
    np.testing.assert_allclose(turned.joint_velocity, sample(walk_motion, DT).joint_velocity, atol=1e-9)


def test_free_fall(walk_motion: Motion) -> None:
    """Without balancing force and ground, the centre of mass falls with g."""
    simulation = Simulation(walk_motion, 480, 16, RootHelp(force=0.0, torque=0.0))
    reference = sample(walk_motion, DT)
    simulation.place(reference)
    simulation.data.qpos[2] += 10.0
    simulation.data.qvel[:] = 0.0
    before = simulation.data.qpos[2]
    for _ in range(15):
        simulation.advance(reference.local_rotation[0, 1:], reference, 0)
    assert before - simulation.data.qpos[2] == pytest.approx(0.5 * 9.81 * 0.5**2, rel=0.03)


def test_balancing_force_is_clamped(walk_motion: Motion) -> None:
    simulation = Simulation(walk_motion, 480, 16, RootHelp(force=50.0, torque=10.0))
    reference = sample(walk_motion, DT)
    simulation.place(reference)
    simulation.data.qpos[:2] += 3.0
    simulation.advance(reference.local_rotation[1, 1:], reference, 0)
    assert simulation.root_force_peak == pytest.approx(50.0)
    assert simulation.root_torque <= 10.0 + 1e-9
