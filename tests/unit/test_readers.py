"""The table of motion formats: the right reader for each file, and one kind of outline from all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.motions.outline import MotionOutline
from pmlaunch.motions.poselib_motion import Motion, write_motion
from pmlaunch.motions.readers import FORMATS, MOTION_SUFFIXES, read_outline
from pmlaunch.motions.torch_file import tensor_file


def write_poselib(path: Path) -> bytes:
    rotation = np.tile([0.0, 0.0, 0.0, 1.0], (7, 2, 1))
    motion = Motion(
        path, path.stem, ("root", "leg"), np.array([-1, 0]), np.zeros((2, 3)), rotation, np.zeros((7, 3)), 30
    )
    write_motion(path, motion)
    return path.read_bytes()


def write_torch(path: Path) -> bytes:
    widths = {"rigid_body_pos": 3, "rigid_body_rot": 4, "rigid_body_vel": 3, "rigid_body_ang_vel": 3}
    fields = {name: np.zeros((7, 2, width), dtype="f4") for name, width in widths.items()}
    joints = {name: np.zeros((7, 3), dtype="f4") for name in ("dof_pos", "dof_vel")}
    path.write_bytes(tensor_file({"fps": 30, **fields, **joints}))
    return path.read_bytes()


@pytest.mark.parametrize("name", ["walk.npy", "walk"])
def test_poselib_outline(tmp_path: Path, name: str) -> None:
    content = write_poselib(tmp_path / name)
    expected = MotionOutline(frames=7, bodies=2, fps=30.0, seconds=0.2, body_names=("root", "leg"))
    assert read_outline(tmp_path / name) == expected
    assert read_outline(Path("elsewhere") / name, content) == expected


@pytest.mark.parametrize("name", ["walk.motion", "walk"])
def test_torch_outline(tmp_path: Path, name: str) -> None:
    content = write_torch(tmp_path / name)
    expected = MotionOutline(frames=7, bodies=2, fps=30.0, seconds=0.2)
    assert read_outline(tmp_path / name) == expected
    assert read_outline(Path("elsewhere") / name, content) == expected


@pytest.mark.parametrize("suffix", [".npy", ".motion", ".pt", ""])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"version https://git-lfs"])
def test_invalid_content_is_an_error_in_every_format(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"walk{suffix}"
    path.write_bytes(content)
    with pytest.raises(PmlaunchError) as caught:
        read_outline(path)
    assert caught.value.code == "PML122"


def test_poselib_file_under_the_suffix_of_torch(tmp_path: Path) -> None:
    write_poselib(tmp_path / "walk.motion")
    with pytest.raises(PmlaunchError, match="not a motion"):
        read_outline(tmp_path / "walk.motion")


def test_every_suffix_of_the_table_has_a_reader() -> None:
    readable = {suffix for row in FORMATS for suffix in row.suffixes}
    assert {suffix for adapter in GENERATIONS.values() for suffix in adapter.motion_suffixes} == readable
    assert MOTION_SUFFIXES - {".yaml", ".yml"} == readable
