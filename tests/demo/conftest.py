"""Fixtures for the demo's tests. Each module skips itself if the demo's packages are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.demo import MOTIONS
from pmlaunch.motions.generated.skeleton import Skeleton, own_skeleton
from pmlaunch.motions.poselib_motion import Motion, read_motion

OWN = ("smpl_humanoid_squat", "smpl_humanoid_walk", "smpl_humanoid_wave")


@pytest.fixture(params=OWN)
def own_motion(request: pytest.FixtureRequest) -> Motion:
    return read_motion(MOTIONS / f"{request.param}.npy")


@pytest.fixture
def walk_motion() -> Motion:
    return read_motion(MOTIONS / "smpl_humanoid_walk.npy")


@pytest.fixture
def skeleton() -> Skeleton:
    return own_skeleton()


@pytest.fixture
def scripts() -> Path:
    return Path(__file__).parents[2] / "scripts"
