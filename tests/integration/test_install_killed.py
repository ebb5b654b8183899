"""The launcher is killed at every command that changes something or downloads: the same command goes on from there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from installs import Install, assert_complete

from started import command, wait_for
from upstream import Upstream, git, needs_lfs

pytestmark = [
    needs_lfs,
    pytest.mark.skipif(os.name == "nt", reason="skipped: the stand-in for git is a shell script"),
]

# A git that kills the launcher before, after or during the command whose words hold `point`. Only what the launcher
# itself starts counts: git-lfs calls git, too.
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
    "connect": "core.worktree",
    "submodule": " submodule add ",
    "lfs": " lfs install ",
    "checkpoint": " lfs pull ",
}
DOWNLOADS = ("refs", "commit", "files", "checkpoint")


class Killer:
    """Starts pmlaunch with the shim in front of git, and waits for its violent end."""

    def __init__(self, home: Path, logs: Path):
        real = shutil.which("git")
        assert real
        home.mkdir()
        logs.mkdir()
        self.home, self.logs = home, logs
        shim = home / "git"
        shim.write_text(SHIM.format(here=home, git=real), encoding="utf-8")
        shim.chmod(0o755)

    def kill(self, cwd: Path, point: str, when: str, *arguments: str) -> None:
        (self.home / "point").write_text(point, encoding="utf-8")
        (self.home / "when").write_text(when, encoding="utf-8")
        (self.home / "struck").unlink(missing_ok=True)
        path = f"{self.home}{os.pathsep}{os.environ['PATH']}"
        process = subprocess.Popen(
            command(*arguments),
            cwd=cwd,
            env={**os.environ, "PATH": path, "PMLAUNCH_LOGS": str(self.logs)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        (self.home / "launcher").write_text(str(process.pid), encoding="utf-8")
        assert process.wait(120) == -signal.SIGKILL
        assert (self.home / "struck").exists()

    def survivors(self) -> list[int]:
        found = []
        for process in psutil.process_iter(["environ", "status"]):
            spec = (process.info["environ"] or {}).get("PMLAUNCH_SPEC", "")
            if spec.startswith(str(self.logs)) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        return found


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    return Killer(tmp_path / "shim", tmp_path / "logs")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_install_of_a_submodule_is_resumed(
    killer: Killer, install: Install, folder: Path, made: Upstream, point: str, when: str
) -> None:
    git(folder, "init", "-q")
    killer.kill(folder, POINTS[point], when, *typed(made))
    wait_for(lambda: not killer.survivors(), "the end of what the launcher had started")
    checkout = folder / "protomotions"
    assert not checkout.exists() or (checkout / "protomotions" / "eval_agent.py").exists(), "half-made"
    done = install()
    assert done.code == 0, done.out
    assert_complete(checkout, made)
    assert git(folder, "submodule", "status").split()[:2] == [git(checkout, "rev-parse", "HEAD"), "protomotions"]
    assert sorted(path.name for path in (folder / ".git" / "modules").iterdir()) == ["protomotions"]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["files", "checkout", "checkpoint"])
def test_killed_install_of_a_clone_is_resumed(
    killer: Killer, install: Install, folder: Path, made: Upstream, point: str
) -> None:
    for when in ("before", "after"):
        killer.kill(folder, POINTS[point], when, *typed(made))
    assert install().code == 0
    assert_complete(folder / "protomotions", made)


@pytest.mark.skipif(sys.platform != "linux", reason="skipped: the guardian finds what left its group by /proc")
@pytest.mark.parametrize("point", DOWNLOADS)
def test_no_download_survives_the_launcher(killer: Killer, tmp_path: Path, made: Upstream, point: str) -> None:
    killer.kill(tmp_path, POINTS[point], "during", *typed(made))
    wait_for(lambda: not killer.survivors(), "the end of the download")


def test_what_was_fetched_is_not_fetched_again(
    killer: Killer, install: Install, folder: Path, made: Upstream, tmp_path: Path
) -> None:
    killer.kill(folder, POINTS["checkout"], "before", *typed(made))
    # the source is gone: what is left to do needs it no more
    assert install("--models", "none", source=made.root).code == 0
    newest = max((tmp_path / "logs").glob("*/commands.txt"), key=lambda path: path.stat().st_mtime_ns)
    assert " fetch --" not in newest.read_text(encoding="utf-8")


def test_two_installs_do_not_meet(install: Install, folder: Path) -> None:
    """A marker of a process that still runs: this one."""
    from pmlaunch.installing.checkout.location import write_marker
    from pmlaunch.processes.child import created

    stage = folder / ".protomotions.pmlaunch"
    (stage / ".git").mkdir(parents=True)
    write_marker(stage / ".git", pid=os.getpid(), created=created(os.getpid()))
    done = install()
    assert (done.code, done.codes) == (6, ["PML408"])
    assert stage.exists()
    write_marker(stage / ".git", pid=os.getpid(), created=1.0)  # that one is gone, its number given away again
    assert install().code == 0


def typed(made: Upstream) -> tuple[str, ...]:
    return ("install", "--source", str(made.root), "--simulator", "genesis", "--no-packages", "--yes")
