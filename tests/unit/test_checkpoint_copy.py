"""A run's own copy of the checkpoint: a hard link if possible, else a copy."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import LaunchPlan, Staged
from pmlaunch.planning.plan import Planned
from pmlaunch.running.inputs import provide_checkpoint
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import staged_path

LARGE = b"x" * (1 << 20) + b"y"


@pytest.fixture
def staged(plan: Callable[..., Planned], tmp_path: Path, composed_at_once: None) -> LaunchPlan:
    """A plan with two staged files, one large and one small."""
    home = tmp_path / "trained"
    home.mkdir()
    (home / "last.ckpt").write_bytes(LARGE)
    (home / "configs.pt").write_bytes(b"small")
    (tmp_path / "run").mkdir()
    return replace(plan().plan, staged=Staged("--checkpoint", (home / "last.ckpt", home / "configs.pt")))


def files_of(plan: LaunchPlan) -> tuple[Path, ...]:
    assert plan.staged is not None
    return plan.staged.files


def test_large_files_are_linked_small_ones_copied(staged: LaunchPlan, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    provide_checkpoint(staged, folder)
    large, small = (staged_path(folder, source) for source in files_of(staged))
    assert large.samefile(files_of(staged)[0])
    small.write_bytes(b"changed")
    assert files_of(staged)[1].read_bytes() == b"small"


def test_symbolic_link_is_followed(staged: LaunchPlan, tmp_path: Path) -> None:
    real, link = tmp_path / "real.ckpt", tmp_path / "trained/linked.ckpt"
    real.write_bytes(LARGE)
    try:
        link.symlink_to(real)
    except OSError:
        pass
    if not link.is_symlink():  # Wine makes none and raises no error
        pytest.skip("skipped: this user or system makes no symbolic links")
    folder = RunFolder(tmp_path / "run")
    provide_checkpoint(replace(staged, staged=Staged("--checkpoint", (link,))), folder)
    mine = staged_path(folder, link)
    assert not mine.is_symlink()  # upstream resolves the path and would write beside the target
    assert mine.samefile(real)


def test_copied_if_links_are_impossible(staged: LaunchPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another drive")

    monkeypatch.setattr(os, "link", refuse)
    folder = RunFolder(tmp_path / "run")
    provide_checkpoint(staged, folder)
    mine = staged_path(folder, files_of(staged)[0])
    assert mine.read_bytes() == LARGE
    assert not mine.samefile(files_of(staged)[0])


def test_missing_file_is_skipped(staged: LaunchPlan, tmp_path: Path) -> None:
    files_of(staged)[1].unlink()
    folder = RunFolder(tmp_path / "run")
    provide_checkpoint(staged, folder)
    assert [path.name for path in (tmp_path / "run/checkpoint").iterdir()] == ["last.ckpt"]


def test_full_disk(staged: LaunchPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(PmlaunchError) as caught:
        provide_checkpoint(staged, RunFolder(tmp_path / "run"))
    assert caught.value.code == "PML204"


def test_nothing_to_stage(plan: Callable[..., Planned], tmp_path: Path, composed_at_once: None) -> None:
    provide_checkpoint(plan().plan, RunFolder(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
