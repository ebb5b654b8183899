"""The launcher is killed at commands that change something or download: the same command then completes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installs import TYPED, Install, assert_complete

from pmlaunch.installing.checkout.location import Marker, write_marker
from pmlaunch.processes.child import created
from started import command, survivors, wait_for
from upstream import Upstream, git, needs_lfs

pytestmark = [
    needs_lfs,
    pytest.mark.skipif(os.name == "nt", reason="skipped: the stand-in for git is a shell script"),
]

# A git that kills the launcher before, after or during the command whose arguments contain `point`. Only commands of the
# launcher itself count: git-lfs calls git, too.
SHIM = """#!/bin/sh
here="{here}"
words=" $* "
if [ "$PPID" = "$(cat "$here/launcher" 2>/dev/null)" ] && [ ! -e "$here/struck" ]; then
  case "$words" in *"$(cat "$here/point")"*)
    : > "$here/struck"
    case "$(cat "$here/when")" in
      before) kill -9 "$PPID"; exit 1 ;;
      after) "{git}" "$@"; code=$?; kill -9 "$PPID"; exit $code ;;
      during) "{git}" "$@" & kill -9 "$PPID"; sleep 600 ;;
    esac ;;
  esac
fi
exec "{git}" "$@"
"""
POINTS = {
    "init": " init ",
    "source": "remote.origin.url",
    "refs": " ls-remote ",
    "commit": " --depth=1 ",
    "files": " --stdin ",
    "checkout": " checkout ",
    "submodule": " submodule add ",
    "absorb": " absorbgitdirs ",
    "lfs": " lfs install ",
    "checkpoint": " lfs pull ",
}
DOWNLOADS = ("refs", "commit", "files", "checkpoint")


class Killer:
    """Starts pmlaunch with the shim in place of git, and waits until it is killed."""

    def __init__(self, home: Path, logs: Path) -> None:
        real = shutil.which("git")
        assert real
        home.mkdir()
        logs.mkdir()
        self.home, self.logs = home, logs
        shim = home / "git"
        shim.write_text(SHIM.format(here=home, git=real), encoding="utf-8")
        shim.chmod(0o755)

    def kill(self, cwd: Path, made: Upstream, point: str, when: str) -> None:
        """Start an install in `cwd` that is killed before, after or during the command `point`."""
        (self.home / "point").write_text(POINTS[point], encoding="utf-8")
        (self.home / "when").write_text(when, encoding="utf-8")
        (self.home / "struck").unlink(missing_ok=True)
        path = f"{self.home}{os.pathsep}{os.environ['PATH']}"
        process = subprocess.Popen(
            command("install", "--source", made.root, *TYPED, "--yes"),
            cwd=cwd,
            env={**os.environ, "PATH": path, "PMLAUNCH_LOGS": str(self.logs)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        (self.home / "launcher").write_text(str(process.pid), encoding="utf-8")
        assert process.wait(120) == -signal.SIGKILL
        assert (self.home / "struck").exists()
        wait_for(lambda: not survivors(self.logs), "the end of what the launcher had started")


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    return Killer(tmp_path / "shim", tmp_path / "logs")


def assert_not_half_made(checkout: Path) -> None:
    assert not checkout.exists() or (checkout / "protomotions" / "eval_agent.py").exists(), "half-made"


def assert_submodule(folder: Path, made: Upstream) -> None:
    """The checkout in `folder` is complete and a submodule, with nothing left over in the repository around it."""
    checkout = folder / "protomotions"
    assert_complete(checkout, made)
    assert git(folder, "submodule", "status").split()[:2] == [git(checkout, "rev-parse", "HEAD"), "protomotions"]
    assert [path.name for path in (folder / ".git" / "modules").iterdir()] == ["protomotions"]
    assert not list((folder / ".git" / "modules" / "protomotions").glob("pmlaunch-*"))


def test_an_install_of_a_submodule_completes_after_kills_in_every_phase(
    killer: Killer, install: Install, folder: Path, made: Upstream
) -> None:
    git(folder, "init", "-q")
    for point, when in (("files", "after"), ("submodule", "after"), ("checkpoint", "before")):
        killer.kill(folder, made, point, when)
        assert_not_half_made(folder / "protomotions")
    assert install().code == 0
    assert_submodule(folder, made)


def test_an_install_of_a_clone_completes_after_kills(
    killer: Killer, install: Install, folder: Path, made: Upstream
) -> None:
    for point, when in (("init", "after"), ("checkout", "before")):
        killer.kill(folder, made, point, when)
        assert not (folder / "protomotions").exists()
        assert [path.name for path in folder.iterdir()] == [".protomotions.pmlaunch"]
    assert install().code == 0
    assert_complete(folder / "protomotions", made)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_an_install_of_a_submodule_completes_after_a_kill_anywhere(
    killer: Killer, install: Install, folder: Path, made: Upstream, point: str, when: str
) -> None:
    git(folder, "init", "-q")
    killer.kill(folder, made, point, when)
    assert_not_half_made(folder / "protomotions")
    done = install()
    assert done.code == 0, done.out
    assert_submodule(folder, made)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["files", "checkout", "checkpoint"])
def test_an_install_of_a_clone_completes_after_a_kill_anywhere(
    killer: Killer, install: Install, folder: Path, made: Upstream, point: str
) -> None:
    for when in ("before", "after"):
        killer.kill(folder, made, point, when)
    assert install().code == 0
    assert_complete(folder / "protomotions", made)


@pytest.mark.skipif(sys.platform != "linux", reason="skipped: the guardian finds what left its group by /proc")
@pytest.mark.parametrize("point", DOWNLOADS)
def test_no_download_survives_the_launcher(killer: Killer, tmp_path: Path, made: Upstream, point: str) -> None:
    killer.kill(tmp_path, made, point, "during")


def test_two_installs_at_once_exclude_each_other(install: Install, folder: Path) -> None:
    gitdir = folder / ".protomotions.pmlaunch" / ".git"
    gitdir.mkdir(parents=True)
    own = created(os.getppid())
    assert own is not None
    write_marker(gitdir, Marker(os.getppid(), own))  # a process that is running
    done = install()
    assert (done.code, done.codes) == (6, ["PML408"])
    assert gitdir.exists()
    write_marker(gitdir, Marker(os.getppid(), 1.0))  # it has ended, and its pid was given to another process
    assert install("--models", "none").code == 0
