"""The checks of the checkout and its checkpoints."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from doctor_help import Found, GitSays, found, look

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.checks import long_paths
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.git.lfs_pointer import Pointer


def test_local_changes(target: DoctorTarget, opened: HydraCheckout, git_says: GitSays) -> None:
    (opened.root / ".git").mkdir()
    git_says({"status": (0, " M protomotions/a.py\0 D data/b.npy\0 D data/c.npy\0")})
    seen = look("changes", replace(target, checkout=opened))
    assert found(seen) == [("PML225", "note")]
    assert seen.facts == (("local changes", "2 deleted, 1 changed"),)
    assert "protomotions/a.py" in seen.findings[0].message


def test_no_local_changes(target: DoctorTarget, opened: HydraCheckout, git_says: GitSays) -> None:
    (opened.root / ".git").mkdir()
    git_says({"status": (0, "")})
    assert look("changes", replace(target, checkout=opened)).facts == (("local changes", "none"),)


@pytest.mark.parametrize("name", ["changes", "config", "models"])
def test_checks_are_skipped_without_a_checkout(target: DoctorTarget, name: str) -> None:
    assert look(name, target) == Observation(skipped="there is no checkout")


def test_config_does_not_compose(target: DoctorTarget, opened: HydraCheckout) -> None:
    (opened.config_dir / "robot" / "smpl.yaml").write_text("robot: [", encoding="utf-8")
    seen = look("config", replace(target, checkout=opened))
    assert "error" in {severity for _, severity in found(seen)}
    assert seen.facts[0][0] == "cannot be composed"


def test_robot_without_gains_for_genesis(target: DoctorTarget, opened: HydraCheckout) -> None:
    assert found(look("config", replace(target, checkout=opened))) == [("PML116", "warning")]


class Registry(ModuleType):
    """winreg with a single value; None stands for a missing one."""

    HKEY_LOCAL_MACHINE = 0

    def __init__(self, value: int | None):
        super().__init__("winreg")
        self.value = value

    def OpenKey(self, *_: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def QueryValueEx(self, *_: Any) -> tuple[int, int]:
        if self.value is None:
            raise FileNotFoundError
        return self.value, 4


@pytest.mark.parametrize(("value", "expected"), [(1, []), (0, [("PML237", "note")]), (None, [("PML237", "note")])])
def test_long_paths_of_windows(
    windows: DoctorTarget, monkeypatch: pytest.MonkeyPatch, value: int | None, expected: Found
) -> None:
    monkeypatch.setitem(sys.modules, "winreg", Registry(value))
    assert found(look("long_paths", windows)) == expected


@pytest.mark.parametrize(("answer", "expected"), [("true\n", []), ("false\n", [("PML224", "warning")])])
def test_long_paths_of_git(
    windows: DoctorTarget,
    opened: HydraCheckout,
    git_says: GitSays,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    expected: Found,
) -> None:
    (opened.root / ".git").mkdir()
    monkeypatch.setitem(sys.modules, "winreg", Registry(1))
    git_says({"config --get core.longpaths": (0, answer)})
    assert found(look("long_paths", replace(windows, checkout=opened))) == expected


def test_long_paths_are_skipped_on_other_systems(target: DoctorTarget) -> None:
    assert look("long_paths", target).skipped is not None


def test_failed_long_paths_setting_reports_why(windows: DoctorTarget, opened: HydraCheckout, git_says: GitSays) -> None:
    git_says({"config core.longpaths": (255, "could not lock config file")})
    assert long_paths.fix(replace(windows, checkout=opened)) is None  # it is no repository of its own
    (opened.root / ".git").mkdir()
    with pytest.raises(PmlaunchError, match="could not lock") as caught:
        long_paths.fix(replace(windows, checkout=opened))
    assert caught.value.code == "PML224"


def test_one_downloaded_checkpoint_is_enough(
    target: DoctorTarget, opened: HydraCheckout, in_git: dict[str, Pointer]
) -> None:
    assert found(look("models", replace(target, checkout=opened))) == [("PML101", "warning")]


def test_several_pointers_are_one_finding(target: DoctorTarget, opened: HydraCheckout) -> None:
    tracker = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    tracker.write_bytes((opened.root / "data/pretrained_models/masked_mimic/smpl/last.ckpt").read_bytes())
    seen = look("models", replace(target, checkout=opened))
    assert found(seen) == [("PML101", "error")]
    assert seen.findings[0].subject == "masked_mimic, motion_tracker"
    assert "pmlaunch fetch NAME" in (seen.findings[0].hint or "")


def test_no_checkpoint_at_all_is_an_error(target: DoctorTarget, opened: HydraCheckout) -> None:
    (opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt").unlink()
    assert found(look("models", replace(target, checkout=opened))) == [("PML101", "error"), ("PML102", "error")]


@pytest.mark.parametrize(("size", "code"), [(7, "PML103"), (920, "PML104")])
def test_checkpoint_differs_from_its_pointer_in_git(
    target: DoctorTarget, opened: HydraCheckout, in_git: dict[str, Pointer], size: int, code: str
) -> None:
    here = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    assert here.stat().st_size == 920
    in_git["last.ckpt"] = Pointer("0" * 64, size)
    seen = look("models", replace(target, checkout=opened))
    assert (code, "error") in found(seen)
    assert found(look("models", replace(target, checkout=opened, quick=True))) == [("PML101", "warning")]
