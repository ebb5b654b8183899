"""Checkpoints checked with real git and git-lfs from a file:// remote: pointer, complete, truncated, changed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from standin import CHECKPOINT, make_checkout
from started import Pmlaunch

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("git-lfs") is None, reason="skipped: git or git-lfs is not installed"
)
TRACKER = "data/pretrained_models/motion_tracker/smpl/last.ckpt"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of a stand-in repository, whose checkpoints are pointers."""
    home = tmp_path_factory.mktemp("lfs")
    origin = make_checkout(home / "origin")
    (origin / "data/pretrained_models/masked_mimic/smpl/last.ckpt").write_bytes(b"another network")
    git(origin, "init", "-q", "-b", "main")
    git(origin, "lfs", "install", "--local")
    git(origin, "lfs", "track", "*.ckpt")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "stand-in")
    git(home, "clone", "-q", f"file://{origin}", "clone", GIT_LFS_SKIP_SMUDGE="1")
    return home / "clone"


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(template, tmp_path / "clone"))


def git(folder: Path, *arguments: str, **variables: str) -> None:
    who = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **who, **variables}, check=True)


def codes(pmlaunch: Pmlaunch, clone: Path, *more: str) -> list[str]:
    done = pmlaunch(
        "eval", "motion_tracker", "--simulator", "genesis", "--protomotions", clone, "--dry-run", "--json", *more
    )
    return [code for code in done.codes if code != "PML116"]


def test_a_pointer_hints_at_the_command_that_fetches_it(pmlaunch: Pmlaunch, clone: Path) -> None:
    done = pmlaunch("eval", "motion_tracker", "--simulator", "genesis", "--protomotions", clone, "--dry-run", "--json")
    finding = done.document["findings"][0]
    assert (done.code, finding["code"]) == (4, "PML101")
    assert str(len(CHECKPOINT)) in finding["message"]
    name, *words = shlex.split(finding["fix"])  # the command as a person would paste it
    assert name == "pmlaunch"
    subprocess.run([sys.executable, "-m", name, *words], check=True)
    assert (clone / TRACKER).read_bytes() == CHECKPOINT
    assert codes(pmlaunch, clone, "--verify") == ["PML161"]


def test_a_truncated_checkpoint(pmlaunch: Pmlaunch, clone: Path) -> None:
    (clone / TRACKER).write_bytes(CHECKPOINT[:-1])
    assert codes(pmlaunch, clone) == ["PML103"]


def test_a_changed_checkpoint_is_found_by_verify_only(pmlaunch: Pmlaunch, clone: Path) -> None:
    (clone / TRACKER).write_bytes(CHECKPOINT[:-1] + b"?")
    assert codes(pmlaunch, clone) == []
    assert codes(pmlaunch, clone, "--verify") == ["PML104"]
