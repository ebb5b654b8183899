"""An agent that evaluates again with another checkpoint and seed gives the figures of a new one, bit for bit."""

# ruff: noqa: E402
from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for _package in ("torch", "mujoco", "hydra"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

import torch
from omegaconf import OmegaConf

from pmlaunch.demo import CHECKPOINT, MOTIONS
from pmlaunch.demo.agent import DemoAgent
from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.policy import ACTIONS, SIZE, Policy

HIDDEN = [256, 192]
FABRIC = SimpleNamespace(
    device="cpu", world_size=1, global_rank=0, is_global_zero=True, print=print, all_gather=lambda value: value
)


def made(seed: int, motion_file: Path) -> DemoAgent:
    settings = {"motion_file": str(motion_file), "num_envs": 2, "seed": seed}
    simulator = {"simulator": {"sim": {"fps": 480, "decimation": 16}}}
    env = DemoEnv(OmegaConf.create({**settings, **simulator}), "cpu")
    config = {"max_eval_steps": 12, "metrics": False, "policy": {"hidden": HIDDEN}}
    agent = DemoAgent(OmegaConf.create(config), env, FABRIC)
    agent.setup()
    return agent


def test_two_checkpoints_with_two_seeds(tmp_path: Path) -> None:
    untrained = tmp_path / "untrained.ckpt"
    torch.manual_seed(0)
    torch.save({"model": Policy(SIZE, ACTIONS, HIDDEN).state_dict()}, untrained)
    library = tmp_path / "two.yaml"
    files = [str(MOTIONS / f"smpl_humanoid_{name}.npy") for name in ("walk", "wave")]
    OmegaConf.save({"motions": [{"file": file} for file in files]}, library)
    cells = list(product((CHECKPOINT, untrained), (0, 3)))
    apart: list[Any] = []
    for checkpoint, seed in cells:
        agent = made(seed, library)
        agent.load(checkpoint)
        apart.append(agent.evaluate_policy())
    together: list[Any] = []
    agent = made(0, library)
    for checkpoint, seed in cells:
        agent.load(checkpoint)
        agent.begin_evaluation(seed)
        together.append(agent.evaluate_policy())
    assert together == apart
    assert len({figures["eval/gt_err"] for figures in apart}) == 4, "each depends on checkpoint and seed"
