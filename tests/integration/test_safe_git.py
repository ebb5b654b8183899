"""With real git: programs in a checkout's configuration are not run, and no other repository is changed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from test_lfs import TRACKER, git

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.lfs_pointer import Pointer, pointer_in_git
from pmlaunch.git.queries import ask_git
from standin import make_checkout
from started import Pmlaunch
from upstream import make_repository

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("git-lfs") is None, reason="skipped: git or git-lfs is not installed"
)
SHA256 = "ab" * 32
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize 12\n"


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """Another repository of the user's."""
    return make_repository(tmp_path / "outer", "mine.txt", "mine")


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A checkout whose configuration names programs; each leaves a trace beside it when run."""
    checkout = make_checkout(tmp_path / "trapped")
    (checkout / "asset.bin").write_text(POINTER, encoding="utf-8")
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "stand-in")
    for name in ("evil", "lfs"):
        trace = (tmp_path / f"pwned-{name}").as_posix()
        git(checkout, "config", f"filter.{name}.clean", f"sh -c 'touch \"{trace}\"; cat'")
        if name == "lfs":  # its process takes precedence over `clean` if Git LFS is set up for the user
            git(checkout, "config", "filter.lfs.process", f'touch "{trace}"; git-lfs filter-process')
        git(checkout, "config", f"filter.{name}.required", "true")
    git(checkout, "config", "core.fsmonitor", f"touch '{(tmp_path / 'pwned-monitor').as_posix()}'; false")
    (checkout / ".git" / "info" / "attributes").write_text("*.py filter=evil\n*.bin filter=lfs\n", encoding="utf-8")
    for path in [*checkout.rglob("*.py"), checkout / "asset.bin"]:
        os.utime(path, (1_600_000_000, 1_600_000_000))  # git has to read them to see that they are unchanged
    return checkout


def traces(checkout: Path) -> list[str]:
    return sorted(path.name for path in checkout.parent.glob("pwned-*"))


def test_traps_work_against_plain_git(trapped: Path) -> None:
    git(trapped, "status", "--porcelain")
    assert traces(trapped) == ["pwned-evil", "pwned-lfs", "pwned-monitor"]


def test_a_planned_install_runs_no_filter(trapped: Path, pmlaunch: Pmlaunch) -> None:
    git(trapped, "tag", "there")
    git(trapped, "commit", "-q", "--allow-empty", "-m", "later")
    for trace in traces(trapped):
        (trapped.parent / trace).unlink()
    for path in trapped.rglob("*.py"):
        path.touch()
    done = pmlaunch(
        *("install", "--dir", trapped, "--ref", "there", "--simulator", "genesis", "--models", "none"),
        *("--no-packages", "--dry-run", "--json"),
    )
    steps = {step["name"]: step["text"] for step in done.document["data"]["steps"]}
    assert "there" in steps.get("checkout", ""), done.document  # it checked whether a switch would lose something
    assert traces(trapped) == []


def test_doctor_runs_no_filter(trapped: Path) -> None:
    said = ask_git(os.environ, "status", "--porcelain=v1", folder=trapped)
    assert said is not None
    assert said[0] == 0
    assert traces(trapped) == []


def test_a_repository_around_the_checkout_is_left_alone(outer: Path, pmlaunch: Pmlaunch) -> None:
    """A checkout unpacked from an archive has no .git; the one above it is the user's."""
    checkout = make_checkout(outer / "protomotions")
    before = (outer / ".git" / "config").read_bytes()
    home = {"HOME": str(outer.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    # without a Python nothing is probed, which saves seconds
    done = pmlaunch(
        "doctor", "--fix", "--protomotions", checkout, "--simulator", "genesis", "--python", "nowhere", "--json", **home
    )
    assert (outer / ".git" / "config").read_bytes() == before
    (told,) = [finding for finding in done.document["findings"] if finding["code"] == "PML223"]
    assert told["hint"] == "git lfs install"  # --fix could not fix it
    assert ask_git(os.environ, "rev-parse", "HEAD", folder=checkout) != ask_git(
        os.environ, "rev-parse", "HEAD", folder=outer
    )


def test_a_repository_in_the_environment_is_ignored(
    outer: Path, tmp_path: Path, pmlaunch: Pmlaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = make_checkout(tmp_path / "own")
    (checkout / TRACKER).write_text(POINTER, encoding="utf-8")
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "stand-in")
    before = (outer / ".git" / "config").read_bytes()
    home = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    foreign = {"GIT_DIR": str(outer / ".git"), "GIT_WORK_TREE": str(outer)}
    pmlaunch(
        "doctor",
        "--fix",
        "--protomotions",
        checkout,
        "--simulator",
        "genesis",
        "--python",
        "nowhere",
        "--json",
        **home,
        **foreign,
    )
    assert (outer / ".git" / "config").read_bytes() == before
    assert b"git-lfs" in (checkout / ".git" / "config").read_bytes()
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    assert pointer_in_git(checkout / TRACKER) == Pointer(SHA256, 12)


@pytest.mark.skipif(sys.platform == "win32", reason="skipped: a folder's name with = is made on Linux here")
def test_git_is_not_started_if_a_filter_cannot_be_disabled(trapped: Path) -> None:
    git(trapped, "config", "filter.a=b.clean", f"touch '{trapped.parent / 'pwned-named'}'; cat")
    (trapped / ".git" / "info" / "attributes").write_text("*.py filter=a=b\n", encoding="utf-8")
    with pytest.raises(PmlaunchError) as refused:
        ask_git(os.environ, "status", "--porcelain=v1", folder=trapped)
    assert refused.value.code == "PML140"
    assert traces(trapped) == []
