"""Find motions by path, preset, name or part of a name, and read their robot and length."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit_help import present

from pmlaunch.catalog.motions import MotionSearch, motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import Robot, robots
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.support.paths import Place
from standin import LEGACY_TORCH, make_motion, smpl_motion
from standin3 import Named, save_like_torch

SWORD = ["pelvis", "sword", "shield"]


@pytest.fixture
def armed(opened: HydraCheckout) -> HydraCheckout:
    """The stand-in, with a robot whose motion prefix starts with that of another robot."""
    (opened.config_dir / "robot/sword_and_shield.yaml").write_text(
        f"robot: {{body_names: [{', '.join(SWORD)}], number_of_actions: 3}}"
    )
    folder = opened.root / "data/motions"
    for name in ("walk", "parry"):
        make_motion(folder / f"amp_sword_and_shield_humanoid_{name}.npy", SWORD, [-1, 0, 0], frames=5, fps=10)
    return opened


def available(checkout: HydraCheckout) -> list[Robot]:
    return robots(checkout, presets("robot"))


def find(checkout: HydraCheckout, wanted: str, robot: str | None = "smpl", folder: Path = Path("nowhere")) -> Path:
    known = available(checkout)
    own = next((item for item in known if item.name == robot), None)
    return MotionSearch(checkout, known, own, presets("motion"), (Place(folder), Place(checkout.root))).find(wanted)


def refusal(checkout: HydraCheckout, wanted: str, robot: str | None = "smpl") -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        find(checkout, wanted, robot)
    assert (str(caught.value.hint).startswith("pmlaunch list motions"), caught.value.exit_code) == (True, 3)
    return caught.value


@pytest.mark.parametrize(
    "name", ["walk", "Walk", "walking", "humanoid_walk", "smpl_humanoid_walk", "SMPL-Humanoid-Walk"]
)
def test_motion_by_short_or_full_name(opened: HydraCheckout, name: str) -> None:
    assert find(opened, name).name == "smpl_humanoid_walk.npy"


@pytest.mark.parametrize(
    ("robot", "file"),
    [
        ("amp", "amp_humanoid_walk.npy"),
        ("sword_and_shield", "amp_sword_and_shield_humanoid_walk.npy"),
        ("smpl", "smpl_humanoid_walk.npy"),
    ],
)
def test_same_name_finds_a_different_file_for_each_robot(armed: HydraCheckout, robot: str, file: str) -> None:
    assert find(armed, "walk", robot).name == file


def test_motion_of_a_robot_with_a_longer_prefix_is_ignored(armed: HydraCheckout) -> None:
    assert find(armed, "parry", "sword_and_shield").name == "amp_sword_and_shield_humanoid_parry.npy"
    error = refusal(armed, "parry", "amp")
    assert (error.code, error.fix) == ("PML024", "pmlaunch list motions --robot amp")
    assert error.message == "Motion 'parry' exists for robot sword_and_shield, not for amp."


def test_full_name_finds_another_robots_motion(armed: HydraCheckout) -> None:
    """A check reports that it belongs to another robot."""
    assert find(armed, "amp_humanoid_walk", "smpl").name == "amp_humanoid_walk.npy"


def test_preset_with_a_moved_file_is_found_by_name(opened: HydraCheckout) -> None:
    folder = opened.root / "data/motions"
    (folder / "more").mkdir()
    (folder / "smpl_humanoid_walk.npy").rename(folder / "more" / "smpl_humanoid_walk.npy")
    assert find(opened, "walk") == folder / "more" / "smpl_humanoid_walk.npy"


def test_partial_name_without_a_robot_is_ambiguous(armed: HydraCheckout) -> None:
    error = refusal(armed, "humanoid_walk", None)
    assert error.code == "PML011"
    assert "amp_humanoid_walk, amp_sword_and_shield_humanoid_walk, smpl_humanoid_walk" in error.message


def test_typo_suggests_the_robots_own_motions(opened: HydraCheckout) -> None:
    error = refusal(opened, "wlak")
    assert error.message == "No motion of robot smpl is called 'wlak'. Did you mean walk?"


def test_unknown_motion(opened: HydraCheckout) -> None:
    assert refusal(opened, "backflip", None).message.startswith("No motion is called 'backflip'. There are: ")
    assert refusal(opened, "lk").code == "PML010"  # two letters are too short for a partial name


def test_path_is_relative_to_the_current_folder_or_the_checkout(opened: HydraCheckout, tmp_path: Path) -> None:
    inside = "data/motions/smpl_humanoid_walk.npy"
    assert find(opened, inside, folder=tmp_path) == opened.root / inside
    mine = smpl_motion(tmp_path / inside)
    assert find(opened, inside, folder=tmp_path) == mine
    assert find(opened, str(mine)) == mine


@pytest.mark.parametrize("name", ["gone.npy", "gone.pt", "gone.yaml", "sub/gone"])
def test_path_need_not_exist(opened: HydraCheckout, tmp_path: Path, name: str) -> None:
    assert find(opened, name, folder=tmp_path) == tmp_path / name


def test_motions_of_the_checkout_are_read(opened: HydraCheckout) -> None:
    amp, smpl = motions(opened, available(opened))
    assert (amp.name, amp.robot, amp.frames, amp.fps, amp.seconds) == ("amp_humanoid_walk", "amp", 11, 10.0, 1.0)
    assert (smpl.robot, smpl.frames, smpl.fps, smpl.seconds, smpl.problem) == ("smpl", 31, 30.0, 1.0, None)


def test_motion_of_an_unknown_skeleton_has_no_robot(opened: HydraCheckout, tmp_path: Path) -> None:
    path = make_motion(tmp_path / "spot.npy", ["body", "tail"], [-1, 0], frames=3, fps=10)
    assert read_info(path, available(opened)).robot is None


def test_pml126_packed_library_of_2_is_not_read(opened: HydraCheckout, tmp_path: Path) -> None:
    path = tmp_path / "library.pt"
    for content in (LEGACY_TORCH, None):  # saved by torch before 1.6, and since
        if content:
            path.write_bytes(content)
        else:
            save_like_torch(path, Named("protomotions.utils.motion_lib", "LoadedMotions"))
        problem = present(read_info(path, available(opened)).problem)
        assert (problem.code, problem.severity.value) == ("PML126", "note")
    path.unlink()
    assert present(read_info(path, available(opened)).problem).code == "PML121"


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("executed", "w"))


def test_pml123_motion_with_code_is_not_executed(
    opened: HydraCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    holder = np.empty((), dtype=object)
    holder[()] = {"rotation": Hostile()}
    np.save(tmp_path / "hostile.npy", holder, allow_pickle=True)
    problem = present(read_info(tmp_path / "hostile.npy", available(opened)).problem)
    assert (problem.code, problem.severity.value) == ("PML123", "error")
    assert "open" in problem.message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"version https://git-lfs", pickle.dumps({"a": 1})])
def test_pml122_file_that_is_not_a_motion(opened: HydraCheckout, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npy").write_bytes(content)
    problem = present(read_info(tmp_path / "bad.npy", available(opened)).problem)
    assert (problem.code, problem.subject) == ("PML122", str(tmp_path / "bad.npy"))


def test_pml122_truncated_motion(opened: HydraCheckout, tmp_path: Path) -> None:
    path = smpl_motion(tmp_path / "short.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert present(read_info(path, available(opened)).problem).code == "PML122"


def test_motion_is_read_again_only_if_its_content_changed(
    opened: HydraCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = smpl_motion(tmp_path / "walk.npy")
    fresh = read_info(path, available(opened))
    reads: list[Path] = []

    def stop(path: Path, _: object) -> None:
        reads.append(path)
        raise LookupError

    monkeypatch.setattr("pmlaunch.motions.poselib_file.read_file", stop)
    assert read_info(path, available(opened)) == fresh
    assert reads == []
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(LookupError):
        read_info(path, available(opened))
    assert reads == [path]
