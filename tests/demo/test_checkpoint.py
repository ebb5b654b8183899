"""The shipped checkpoint holds only tensors, and its policy imitates the expert."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

for _package in ("torch", "mujoco", "lightning", "hydra", "matplotlib"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

import torch
from omegaconf import OmegaConf

from demo_expert import corrections
from pmlaunch.demo import CHECKPOINT, CONFIGS, MOTIONS
from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.motion_library import load_motions
from pmlaunch.demo.policy import ACTIONS, SIZE, Policy, observe
from pmlaunch.demo.reference import sample
from pmlaunch.demo.simulation import Simulation
from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.generated.skeleton import NODE_NAMES
from pmlaunch.motions.poselib_motion import Motion

TRAINING = yaml.safe_load((CHECKPOINT.parent / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def policy() -> Policy:
    content = torch.load(CHECKPOINT, weights_only=True)
    policy = Policy(SIZE, ACTIONS, TRAINING["agent"]["config"]["policy"]["hidden"])
    policy.load_state_dict(content["model"])
    policy.eval()
    return policy


def test_checkpoint_is_small() -> None:
    assert CHECKPOINT.stat().st_size < 1_000_000


def test_config_of_the_training_and_config_groups_agree() -> None:
    robot = yaml.safe_load((CONFIGS / "robot" / "smpl.yaml").read_text(encoding="utf-8"))["robot"]
    simulator = yaml.safe_load((CONFIGS / "simulator" / "mujoco.yaml").read_text(encoding="utf-8"))["simulator"]
    assert robot == TRAINING["robot"]
    assert simulator["config"] == TRAINING["simulator"]["config"]
    assert tuple(robot["body_names"]) == NODE_NAMES
    assert robot["number_of_actions"] == ACTIONS


def test_policy_imitates_the_expert(policy: Policy, own_motion: Motion) -> None:
    """On motions that it was not trained on."""
    reference, simulation = sample(own_motion, 1 / 30), Simulation(own_motion, 480, 16)
    answers = corrections(reference, 1 / 30)[40].ravel()
    simulation.place(reference, at=39)
    predicted = policy.act(torch.from_numpy(observe(simulation.state(), reference, 39))).numpy()
    assert np.linalg.norm(predicted - answers) < 0.5 * np.linalg.norm(answers)


def environment(motion_file: Path, num_envs: int = 1) -> DemoEnv:
    simulator = {"sim": {"fps": 480, "decimation": 16}}
    config = {"motion_file": str(motion_file), "num_envs": num_envs, "seed": 0, "simulator": simulator}
    return DemoEnv(OmegaConf.create(config), "cpu")


def test_parallel_humanoids_are_independent(policy: Policy, tmp_path: Path) -> None:
    names = ("smpl_humanoid_squat", "smpl_humanoid_wave")
    listing = tmp_path / "two.yaml"
    listing.write_text(yaml.safe_dump({"motions": [{"file": str(MOTIONS / f"{name}.npy")} for name in names]}))
    together, alone = environment(listing, num_envs=2), environment(MOTIONS / f"{names[0]}.npy")
    both, one = together.reset([0, 1]), alone.reset([0])
    for _ in range(5):
        both, results = together.step(policy.act(both))
        one, (single,) = alone.step(policy.act(one))
        np.testing.assert_allclose(results[0].positions, single.positions, atol=1e-5)
        assert [found.motion for found in results] == [0, 1]


def test_too_many_motions_at_once() -> None:
    with pytest.raises(ValueError, match="2 motions for 1 environments"):
        environment(MOTIONS / "smpl_humanoid_squat.npy").reset([0, 0])


def test_start_depends_on_the_seed_only() -> None:
    env = environment(MOTIONS / "smpl_humanoid_walk.npy")
    first, again, other = (env.reset([0], seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_library_with_pieces_of_motions(tmp_path: Path) -> None:
    listing = tmp_path / "pieces.yaml"
    entry = {
        "file": str(MOTIONS / "smpl_humanoid_walk.npy"),
        "fps": 30,
        "sub_motions": [{"timings": {"start": 1.0, "end": 2.0}}, {"timings": {"start": 3.0, "end": -1}}],
    }
    listing.write_text(yaml.safe_dump({"motions": [entry]}))
    motions = load_motions(listing)
    assert [(motion.name, motion.frames) for motion in motions] == [
        ("smpl_humanoid_walk", 30),
        ("smpl_humanoid_walk (2)", 61),
    ]


@pytest.mark.parametrize("text", ["[]", "motions: []", "motions: [{fps: 30}]", "motions: [3]"])
def test_invalid_library(tmp_path: Path, text: str) -> None:
    listing = tmp_path / "none.yaml"
    listing.write_text(text)
    with pytest.raises((ValueError, PmlaunchError), match=r"file|is not a mapping"):
        load_motions(listing)
