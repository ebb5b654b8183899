"""The shipped motions: computed from formulas, reproducible and plausible."""

# ruff: noqa: E402
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

for _package in ("torch", "mujoco", "lightning", "hydra", "matplotlib"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

from pmlaunch.demo import MOTIONS
from pmlaunch.demo.reference import sample
from pmlaunch.motions.generated.choreography import walk
from pmlaunch.motions.generated.legs import Walk, planted, reach
from pmlaunch.motions.generated.skeleton import NODE_NAMES, Skeleton
from pmlaunch.motions.kinematics import forward_kinematics, normalized, rotate
from pmlaunch.motions.poselib_motion import Motion

TIMES = np.arange(91) / 30


def bodies(motion: Motion) -> np.ndarray:
    return forward_kinematics(motion.parents, motion.local_translation, motion.local_rotation, motion.root_translation)[
        0
    ]


def test_script_reproduces_the_shipped_files(tmp_path: Path, scripts: Path) -> None:
    subprocess.run([sys.executable, str(scripts / "make_demo_motions.py"), "--folder", str(tmp_path)], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_bytes() for path in MOTIONS.glob("*.npy")}
    assert made.keys() == shipped.keys()
    if sys.platform == "linux":  # elsewhere sines differ in the last bit
        assert made == shipped


def test_leg_reaches_its_ankle() -> None:
    draw = np.random.default_rng(0)
    thigh, shank = np.array([0.01, 0.02, -0.4]), np.array([-0.03, 0.0, -0.39])
    hip = draw.normal(size=(50, 3))
    ankle = hip + rotate(normalized(draw.normal(size=(50, 4)) * (0.1, 0.1, 0.1, 1.0)), np.array([0.0, 0.0, -0.7]))
    upper, lower = reach(hip, ankle, np.tile([1.0, 0.0, 0.0], (50, 1)), thigh, shank)
    np.testing.assert_allclose(hip + rotate(upper, thigh) + rotate(lower, shank), ankle, atol=1e-9)


def test_foot_rolls_without_sliding() -> None:
    ball = np.array([0.125, 0.01, -0.055])
    pitch = np.linspace(0.0, 0.8, 9)
    foot = planted(ball, np.tile([0.4, 0.1], (9, 1)), np.full(9, 0.2), pitch)
    np.testing.assert_allclose(foot.ankle + rotate(foot.rotation, ball), [[0.4, 0.1, 0.02]] * 9, atol=1e-12)


def test_feet_of_the_walk_alternate_without_sliding(skeleton: Skeleton) -> None:
    motion = walk(skeleton, TIMES, 30.0, Walk())
    reference = sample(motion, 1 / 30)
    positions = bodies(motion)
    for side, first in (("L", 0), ("R", 3)):
        ball = positions[:, NODE_NAMES.index(f"{side}_Toe")]
        stands = reference.soles[: len(ball), first + 1, 2] < 0.004
        speed = np.linalg.norm(np.diff(ball[:, :2], axis=0), axis=-1) * 30
        assert speed[stands[:-1] & stands[1:]].max() < 0.05
        assert 0.4 < stands.mean() < 0.75
    assert positions[..., 2].min() > -0.005


def test_walk_follows_its_heading(skeleton: Skeleton) -> None:
    path = walk(skeleton, TIMES, 30.0, Walk(heading=2.0, speed=1.0)).root_translation[:, :2]
    along = (path[-1] - path[0]) @ [np.cos(2.0), np.sin(2.0)]
    assert along == pytest.approx(3.0, abs=0.02)


def test_shipped_motions_are_smooth(own_motion: Motion) -> None:
    assert (own_motion.frames, own_motion.fps) == (151, 30.0)
    speed = np.linalg.norm(np.diff(bodies(own_motion), axis=0), axis=-1) * own_motion.fps
    assert speed.max() < 5.0
    assert np.abs(np.diff(speed, axis=0)).max() < 1.5
    assert (MOTIONS / f"{own_motion.name}.npy").stat().st_size < 200_000
