"""Motion files of every generation as positions, and the skeleton of those that store none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pmlaunch.demo import MOTIONS
from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.clips import infer_parents, read_clips
from pmlaunch.motions.torch_file import tensor_file

WALK = MOTIONS / "smpl_humanoid_walk.npy"


def positions_of_walk() -> np.ndarray:
    (clip,) = read_clips(WALK)
    return clip.positions


def write(path: Path, **content: np.ndarray | int) -> Path:
    path.write_bytes(tensor_file(content))
    return path


def test_poselib_clip_has_its_skeleton_and_stands_on_the_ground() -> None:
    (clip,) = read_clips(WALK)
    assert (clip.name, clip.fps, clip.positions.shape) == ("smpl_humanoid_walk", 30.0, (151, 24, 3))
    assert clip.body_names[:2] == ("Pelvis", "L_Hip")
    assert 1.4 < clip.positions[..., 2].max() < 2.0
    assert -0.05 < clip.positions[..., 2].min() < 0.1


@pytest.mark.parametrize("key", ["rigid_body_pos", "global_translation"])
def test_motion_that_torch_saved(tmp_path: Path, key: str) -> None:
    content: dict[str, np.ndarray | int] = {key: positions_of_walk(), "fps": 50}
    path = write(tmp_path / "turn.motion", **content)
    (clip,) = read_clips(path)
    assert (clip.name, clip.fps, clip.body_names) == ("turn", 50.0, ())
    np.testing.assert_array_equal(clip.positions, positions_of_walk())


def test_packed_library_is_cut_into_its_motions(tmp_path: Path) -> None:
    both = np.concatenate([positions_of_walk(), positions_of_walk()[:40]])
    lengths = {"motion_num_frames": np.array([151, 40], np.int64), "length_starts": np.array([0, 151], np.int64)}
    steps = np.array([1 / 30, 1 / 60], np.float32)
    first, second = read_clips(write(tmp_path / "two.pt", gts=both, motion_dt=steps, **lengths))
    assert [len(first.positions), len(second.positions)] == [151, 40]
    assert (first.fps, second.fps) == (30.0, 60.0)
    np.testing.assert_array_equal(second.positions, positions_of_walk()[:40])


def test_skeleton_is_inferred_from_bodies_that_keep_their_distance() -> None:
    (clip,) = read_clips(WALK)
    inferred = infer_parents(clip.positions)
    assert inferred[0] == -1
    assert (inferred == clip.parents).sum() >= 20  # collar bones and neck move as one part with the chest
    assert all(0 <= parent < 24 for parent in inferred[1:])


@pytest.mark.parametrize(
    "content",
    [
        {"rigid_body_pos": np.zeros((5, 3), np.float32), "fps": 30},
        {"rigid_body_pos": np.zeros((5, 2, 3), np.float32)},
        {"rigid_body_pos": np.full((5, 2, 3), np.nan, np.float32), "fps": 30},
        {"rigid_body_pos": np.zeros((5, 600, 3), np.float32), "fps": 30},
        {"gts": np.zeros((5, 2, 3), np.float32)},
        {
            "gts": np.zeros((5, 2, 3), np.float32),
            "motion_num_frames": np.array([-5], np.int64),
            "length_starts": np.array([0], np.int64),
            "motion_dt": np.ones(1, np.float32),
        },
    ],
)
def test_file_that_holds_no_motion(tmp_path: Path, content: dict[str, np.ndarray | int]) -> None:
    with pytest.raises(PmlaunchError) as raised:
        read_clips(write(tmp_path / "odd.motion", **content))
    assert raised.value.code == "PML122"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError) as raised:
        read_clips(tmp_path / "none.motion")
    assert raised.value.code == "PML121"
