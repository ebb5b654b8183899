"""How long ProtoMotions 2 plays a motion: a faster one is thinned out to about 30 frames per second."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.generations.v2.program import played_seconds
from pmlaunch.model import Generation, MotionInfo


@pytest.mark.parametrize(
    ("frames", "fps", "expected"),
    [
        (511, 100.0, 170 / 30),  # upstream says of its smpl_humanoid_walk: "a total length of 5.667s"
        (601, 120.0, 150 / 30),
        (31, 30.0, 1.0),
        (11, 10.0, 1.0),
        (41, 40.0, 40 / 30),  # round(40 / 30) is 1: every frame stays, and lasts longer
    ],
)
def test_generation_2(frames: int, fps: float, expected: float) -> None:
    motion = MotionInfo("walk", Path("walk.npy"), frames=frames, fps=fps, seconds=(frames - 1) / fps)
    assert played_seconds(motion, Generation.V2) == pytest.approx(expected)


def test_the_demo_plays_a_motion_as_it_is() -> None:
    motion = MotionInfo("walk", Path("walk.npy"), frames=511, fps=100.0, seconds=5.1)
    assert played_seconds(motion, "demo") == 5.1
