"""The checks of git, Git LFS and long paths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_help import Found, GitSays, found, look, with_programs

from pmlaunch.doctor.checks import git_lfs
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.checkout import HydraCheckout


def test_git_missing(target: DoctorTarget) -> None:
    assert found(look("git", target)) == [("PML221", "warning")]


def test_git_is_present(target: DoctorTarget, tmp_path: Path, git_says: GitSays) -> None:
    git_says({"--version": (0, "git version 2.39.5\n")})
    seen = look("git", with_programs(target, tmp_path, "git"))
    assert (seen.facts[0], seen.findings) == (("version", "2.39.5"), ())


def test_git_lfs_missing(target: DoctorTarget, git_says: GitSays) -> None:
    git_says({})
    assert found(look("git_lfs", target)) == [("PML222", "warning")]


@pytest.mark.parametrize(
    ("answer", "expected"), [((0, "git-lfs filter-process"), []), ((1, ""), [("PML223", "warning")])]
)
def test_git_lfs_set_up(
    target: DoctorTarget, tmp_path: Path, git_says: GitSays, answer: tuple[int, str], expected: Found
) -> None:
    git_says({"lfs version": (0, "git-lfs/3.3.0 (GitHub; linux)"), "config --get filter.lfs.process": answer})
    seen = look("git_lfs", with_programs(target, tmp_path, "git-lfs"))
    assert found(seen) == expected
    assert ("version", "3.3.0") in seen.facts


def test_git_lfs_of_git_for_windows_is_found_beside_git(windows: DoctorTarget, tmp_path: Path) -> None:
    own = tmp_path / "Git" / "mingw64" / "bin" / "git-lfs.exe"
    for path in (own, tmp_path / "Git" / "cmd" / "git", tmp_path / "Git" / "cmd" / "git.exe"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o755)
    quick = replace(windows, quick=True)
    environment = {"PATH": str(tmp_path / "Git" / "cmd")}
    seen = look("git_lfs", replace(quick, settings=replace(quick.settings, environment=environment)))
    assert ("path", str(own)) in seen.facts


def test_failed_git_lfs_setup_reports_why(target: DoctorTarget, opened: HydraCheckout, git_says: GitSays) -> None:
    git_says({"lfs install": (2, "no space left")})
    assert git_lfs.fix(replace(target, checkout=opened)) is None  # it is no repository of its own
    (opened.root / ".git").mkdir()
    with pytest.raises(PmlaunchError, match="no space left") as caught:
        git_lfs.fix(replace(target, checkout=opened))
    assert caught.value.code == "PML223"
