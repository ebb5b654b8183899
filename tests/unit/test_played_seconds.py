"""How long a run plays a motion: ProtoMotions 2 thins faster ones out to about 30 frames per second."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.generations.v2.program import HydraProgram
from pmlaunch.model import MotionInfo


@pytest.mark.parametrize(
    ("frames", "fps", "expected"),
    [
        (511, 100.0, 170 / 30),  # upstream logs for its smpl_humanoid_walk: "a total length of 5.667s"
        (601, 120.0, 150 / 30),
        (31, 30.0, 1.0),
        (11, 10.0, 1.0),
        (41, 40.0, 40 / 30),  # round(40 / 30) is 1: all frames are kept, but each lasts longer
    ],
)
def test_generation_2_drops_frames_of_faster_motions(frames: int, fps: float, expected: float) -> None:
    motion = MotionInfo("walk", Path("walk.npy"), frames=frames, fps=fps, seconds=(frames - 1) / fps)
    assert HydraProgram().played_seconds(motion) == pytest.approx(expected)


def test_demo_plays_all_frames() -> None:
    motion = MotionInfo("walk", Path("walk.npy"), frames=511, fps=100.0, seconds=5.1)
    assert HydraProgram(embedded=True).played_seconds(motion) == 5.1
