"""Motions are found by path, by preset, by name or by the end of one; and say what they are."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from pmlaunch.catalog.motions import find_motion, motions, read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import Robot, robots
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import HydraCheckout
from standin import make_motion, smpl_motion

SWORD = ["pelvis", "sword", "shield"]


@pytest.fixture
def armed(opened: HydraCheckout) -> HydraCheckout:
    """The stand-in with a robot whose motion prefix begins with another's."""
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
    return find_motion(wanted, checkout, known, own, presets("motion"), folder)


def refusal(checkout: HydraCheckout, wanted: str, robot: str | None = "smpl") -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        find(checkout, wanted, robot)
    assert (caught.value.hint, caught.value.exit_code) == ("pmlaunch list motions", 3)
    return caught.value


@pytest.mark.parametrize(
    "name", ["walk", "Walk", "walking", "humanoid_walk", "smpl_humanoid_walk", "SMPL-Humanoid-Walk"]
)
def test_by_name(opened: HydraCheckout, name: str) -> None:
    assert find(opened, name).name == "smpl_humanoid_walk.npy"


@pytest.mark.parametrize(
    ("robot", "file"),
    [
        ("amp", "amp_humanoid_walk.npy"),
        ("sword_and_shield", "amp_sword_and_shield_humanoid_walk.npy"),
        ("smpl", "smpl_humanoid_walk.npy"),
    ],
)
def test_one_name_is_another_file_for_each_robot(armed: HydraCheckout, robot: str, file: str) -> None:
    assert find(armed, "walk", robot).name == file


def test_motion_of_a_robot_with_a_longer_prefix_is_not_taken(armed: HydraCheckout) -> None:
    assert find(armed, "parry", "sword_and_shield").name == "amp_sword_and_shield_humanoid_parry.npy"
    assert refusal(armed, "parry", "amp").code == "PML010"


def test_whole_name_of_another_robots_motion_is_found(armed: HydraCheckout) -> None:
    """It is for a check to say that it is not the robot's."""
    assert find(armed, "amp_humanoid_walk", "smpl").name == "amp_humanoid_walk.npy"


def test_preset_whose_file_is_elsewhere_is_found_by_its_name(opened: HydraCheckout) -> None:
    folder = opened.root / "data/motions"
    (folder / "more").mkdir()
    (folder / "smpl_humanoid_walk.npy").rename(folder / "more" / "smpl_humanoid_walk.npy")
    assert find(opened, "walk") == folder / "more" / "smpl_humanoid_walk.npy"


def test_without_a_robot_an_end_of_several_names_is_ambiguous(armed: HydraCheckout) -> None:
    error = refusal(armed, "humanoid_walk", None)
    assert error.code == "PML011"
    assert "amp_humanoid_walk, amp_sword_and_shield_humanoid_walk, smpl_humanoid_walk" in error.message


def test_typo_is_answered_with_the_robots_own_names(opened: HydraCheckout) -> None:
    error = refusal(opened, "wlak")
    assert error.message == "No motion of robot smpl is called 'wlak'. Did you mean walk?"


def test_unknown_name(opened: HydraCheckout) -> None:
    assert refusal(opened, "backflip", None).message == "No motion is called 'backflip'."
    assert refusal(opened, "lk").code == "PML010"  # two letters are no end of a name


def test_path_is_relative_to_where_it_was_typed_or_to_the_checkout(opened: HydraCheckout, tmp_path: Path) -> None:
    inside = "data/motions/smpl_humanoid_walk.npy"
    assert find(opened, inside, folder=tmp_path) == opened.root / inside
    mine = smpl_motion(tmp_path / inside)
    assert find(opened, inside, folder=tmp_path) == mine
    assert find(opened, str(mine)) == mine


@pytest.mark.parametrize("name", ["gone.npy", "gone.pt", "gone.yaml", "sub/gone"])
def test_path_need_not_exist(opened: HydraCheckout, tmp_path: Path, name: str) -> None:
    assert find(opened, name, folder=tmp_path) == tmp_path / name


def test_checkouts_motions_are_read(opened: HydraCheckout) -> None:
    amp, smpl = motions(opened, available(opened))
    assert (amp.name, amp.robot, amp.frames, amp.fps, amp.seconds) == ("amp_humanoid_walk", "amp", 11, 10.0, 1.0)
    assert (smpl.robot, smpl.frames, smpl.fps, smpl.seconds, smpl.problem) == ("smpl", 31, 30.0, 1.0, None)


def test_motion_of_an_unknown_skeleton_has_no_robot(opened: HydraCheckout, tmp_path: Path) -> None:
    path = make_motion(tmp_path / "spot.npy", ["body", "tail"], [-1, 0], frames=3, fps=10)
    assert read_info(path, available(opened)).robot is None


def test_packed_library_is_not_looked_into(opened: HydraCheckout, tmp_path: Path) -> None:
    path = tmp_path / "library.pt"
    path.write_bytes(b"anything")
    info = read_info(path, available(opened))
    assert (info.problem.code, info.problem.severity.value) == ("PML126", "note")
    path.unlink()
    assert read_info(path, available(opened)).problem.code == "PML121"


class Hostile:
    def __reduce__(self) -> tuple:
        return (open, ("executed", "w"))


def test_motion_that_holds_code_is_not_loaded(
    opened: HydraCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    holder = np.empty((), dtype=object)
    holder[()] = {"rotation": Hostile()}
    np.save(tmp_path / "hostile.npy", holder, allow_pickle=True)
    problem = read_info(tmp_path / "hostile.npy", available(opened)).problem
    assert (problem.code, problem.severity.value) == ("PML123", "error")
    assert "open" in problem.message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"version https://git-lfs", pickle.dumps({"a": 1})])
def test_what_is_no_motion_says_so(opened: HydraCheckout, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npy").write_bytes(content)
    problem = read_info(tmp_path / "bad.npy", available(opened)).problem
    assert (problem.code, problem.subject) == ("PML122", str(tmp_path / "bad.npy"))


def test_truncated_motion_is_unreadable(opened: HydraCheckout, tmp_path: Path) -> None:
    path = smpl_motion(tmp_path / "short.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert read_info(path, available(opened)).problem.code == "PML122"


def test_motion_is_read_once_and_again_when_a_byte_changed(
    opened: HydraCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = smpl_motion(tmp_path / "walk.npy")
    fresh = read_info(path, available(opened))
    reads: list[Path] = []
    monkeypatch.setattr("pmlaunch.motions.poselib_motion.read_motion", lambda path, _: reads.append(path) or _stop())
    assert read_info(path, available(opened)) == fresh
    assert reads == []
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(LookupError):
        read_info(path, available(opened))
    assert reads == [path]


def _stop() -> None:
    raise LookupError("read again")
