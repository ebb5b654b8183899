"""What goes wrong while installing: no tools, no network, no room, objects that are broken. Nothing is lost by it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from installs import Install, folder, install, is_whole, made, own, pmlaunch, states
from lfs_server import LfsServer

from pmlaunch.git.lfs_pointer import read_pointer
from started import command, wait_for
from upstream import MASKED, Upstream, git, make_upstream, needs_lfs

pytestmark = needs_lfs
__all__ = ["folder", "install", "made", "own"]  # fixtures
posix = pytest.mark.skipif(os.name == "nt", reason="skipped: the stand-ins are links and shell scripts")


@pytest.fixture
def server(made: Upstream) -> Iterator[LfsServer]:
    running = LfsServer(made.root / ".git" / "lfs" / "objects")
    yield running
    running.close()


def path_without(tmp_path: Path, *names: str) -> str:
    """A PATH on which everything is but `names`."""
    home = tmp_path / "bin"
    home.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = home / program.name
            if program.name not in names:
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return str(home)


@posix
def test_without_git_lfs(install: Install, folder: Path, tmp_path: Path) -> None:
    # git looks in its own folder, too
    done = install(PATH=path_without(tmp_path, "git-lfs"), GIT_EXEC_PATH=exec_path_without(tmp_path, "git-lfs"))
    assert (done.code, done.codes) == (6, ["PML401"])
    assert "git-lfs" in done.document["errors"][0]["hint"]
    assert list(folder.iterdir()) == []


def exec_path_without(tmp_path: Path, name: str) -> str:
    home = Path(shutil.copytree(git(tmp_path, "--exec-path"), tmp_path / "exec", symlinks=True))
    (home / name).unlink(missing_ok=True)
    return str(home)


@posix
def test_without_git(install: Install, folder: Path, tmp_path: Path) -> None:
    done = install(PATH=path_without(tmp_path, "git"))
    assert (done.code, done.codes) == (6, ["PML400"])
    assert list(folder.iterdir()) == []


@posix
def test_a_git_that_is_too_old(install: Install, tmp_path: Path) -> None:
    old = tmp_path / "old" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 1.8.3.1\n", encoding="utf-8")
    old.chmod(0o755)
    done = install(PATH=f"{old.parent}{os.pathsep}{os.environ['PATH']}")
    assert (done.code, done.codes) == (6, ["PML400"])
    assert "1.8.3" in done.document["errors"][0]["message"]


def test_a_source_that_refuses(install: Install, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        done = install(source=f"http://127.0.0.1:{taken.getsockname()[1]}/ProtoMotions")
    assert (done.code, done.codes) == (6, ["PML403"])
    assert Path(done.document["data"]["steps"][-1]["log"]).read_text(encoding="utf-8")
    assert list(folder.iterdir()) == []


def test_a_host_that_is_not_known(install: Install, folder: Path) -> None:
    done = install(source="https://protomotions.invalid/ProtoMotions")
    assert (done.code, done.codes) == (6, ["PML403"])
    assert list(folder.iterdir()) == []


def test_a_source_that_breaks_off_is_gone_on_with(install: Install, folder: Path, own: Upstream) -> None:
    """The objects of the checkout are gone from the source: the fetch of the files fails, and works when they are back."""
    objects = own.root / ".git" / "objects"
    git(own.root, "repack", "-q", "-a", "-d")
    pack = next((objects / "pack").glob("*.pack"))
    content = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(content[: len(content) // 2])
    done = install(source=own.root)
    assert done.code == 6
    assert list(folder.iterdir()) == []
    pack.write_bytes(content)
    assert install(source=own.root).code == 0
    is_whole(folder / "protomotions", own)


def test_a_corrupted_object_is_fetched_once_again(install: Install, folder: Path, made: Upstream) -> None:
    assert install("--models", "none").code == 0
    stored = object_path(folder / "protomotions", made.masked)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(bytes(len(made.masked)))  # of the right size: git-lfs would take it
    done = install()
    assert done.code == 0, done.out
    is_whole(folder / "protomotions", made)
    assert stored.read_bytes() == made.masked


def test_an_object_that_stays_corrupted_is_told(install: Install, folder: Path, own: Upstream) -> None:
    broken = object_path(own.root, own.masked)
    broken.chmod(0o644)
    broken.write_bytes(bytes(len(own.masked)))
    done = install(source=own.root)
    assert done.code == 6
    assert done.codes[-1] in ("PML412", "PML413")
    checkpoint = folder / "protomotions" / MASKED
    assert not checkpoint.exists() or read_pointer(checkpoint) is not None
    broken.write_bytes(own.masked)
    assert install(source=own.root).code == 0
    is_whole(folder / "protomotions", own)


def test_an_object_that_the_source_lacks(install: Install, folder: Path, own: Upstream) -> None:
    object_path(own.root, own.masked).unlink()
    done = install(source=own.root)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert read_pointer(folder / "protomotions" / MASKED) is not None
    assert states(install("--models", "none"))["checkout"] == "already done"


def test_a_file_in_the_checkpoints_place_is_kept(install: Install, folder: Path, made: Upstream) -> None:
    assert install("--models", "none").code == 0
    place = folder / "protomotions" / MASKED
    place.write_bytes(b"my own weights")
    done = install()
    assert (done.code, done.codes) == (0, ["PML420"])
    assert place.read_bytes() == made.masked
    assert place.with_name("last.ckpt.kept").read_bytes() == b"my own weights"


def test_what_git_lfs_left_behind_is_no_users_file(install: Install, folder: Path, made: Upstream) -> None:
    assert install().code == 0
    place = folder / "protomotions" / MASKED
    place.write_bytes(made.masked[: len(made.masked) // 2])
    done = install()
    assert (done.code, done.codes) == (0, [])
    is_whole(folder / "protomotions", made)
    assert sorted(path.name for path in place.parent.iterdir()) == ["config.yaml", "last.ckpt"]


def test_a_broken_checkpoint_is_seen(install: Install, folder: Path, made: Upstream) -> None:
    assert install().code == 0
    place = folder / "protomotions" / MASKED
    place.write_bytes(made.masked[:-1] + b"?")  # same size
    assert install().code == 0
    assert place.read_bytes() == made.masked


@posix
@pytest.mark.parametrize("room", [200_000, 1_500_000, 2_600_000])
def test_full_disk(install: Install, made: Upstream, tmp_path: Path, room: int) -> None:
    """Too little room for the fetch, for the files, for the checkpoint: told each time, and gone on with afterwards."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("skipped: a small disk can be made by root only")
    source = make_upstream(tmp_path / "large", size=1_000_000)
    try:
        # what would be needed is told beforehand; here only what happens when the room is taken meanwhile
        done = installed_unasked(disk, tmp_path, source.root)
        assert (done.returncode, b"PML402" in done.stdout) == (6, True), done.stdout
        checkout = disk / "protomotions"
        assert not checkout.exists() or (checkout / "protomotions" / "eval_agent.py").exists()
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        done = installed_unasked(disk, tmp_path, source.root)
        assert done.returncode == 0, done.stdout
        is_whole(checkout, source)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


UNASKED = """
import sys
from pmlaunch.support import disk
from pmlaunch.installing import engine as install
from pmlaunch.git import lfs_files as lfsfiles
install.require_room = lfsfiles.require_room = lambda *_: None
from pmlaunch.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def installed_unasked(cwd: Path, tmp_path: Path, source: Path) -> subprocess.CompletedProcess[bytes]:
    """pmlaunch install, which believes that every disk is large enough."""
    script = tmp_path / "unasked.py"
    script.write_text(UNASKED, encoding="utf-8")
    arguments = [
        *command()[:1],
        str(script),
        "install",
        "--source",
        str(source),
        "--simulator",
        "genesis",
        "--no-packages",
        "--json",
    ]
    environment = {**os.environ, "PMLAUNCH_LOGS": str(tmp_path / "logs")}
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, timeout=120)


def test_too_little_room_is_told_beforehand(install: Install, folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("skipped: a small disk can be made by root only")
    try:
        done = install(cwd=disk)
        assert (done.code, done.codes) == (6, ["PML402"])
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_may_not_be_written(install: Install, folder: Path) -> None:
    (folder / "file").touch()
    done = install("--dir", "file/below")
    assert done.code == 6
    assert done.codes[-1] in ("PML422", "PML406")


def test_checkpoint_over_http_with_progress(folder: Path, made: Upstream, server: LfsServer, tmp_path: Path) -> None:
    done = subprocess.run(
        command("install", "--source", made.root, "--simulator", "genesis", "--no-packages"),
        cwd=folder,
        env={**os.environ, **server.variables, "PMLAUNCH_LOGS": str(tmp_path / "logs")},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    is_whole(folder / "protomotions", made)
    assert server.sent == len(made.masked), "more was downloaded than one checkpoint"
    told = next((tmp_path / "logs").glob("*/lfs-progress.txt")).read_text(encoding="utf-8")
    assert f"/{len(made.masked)} {MASKED}" in told
    assert b"ok checkpoints" in done.stderr


@posix
def test_a_killed_download_goes_on_where_it_was(
    install: Install, folder: Path, made: Upstream, server: LfsServer, tmp_path: Path
) -> None:
    assert install("--models", "none").code == 0
    server.stall_at = 120_000
    process = subprocess.Popen(
        command("install", "--source", made.root, "--simulator", "genesis", "--no-packages", "--json"),
        cwd=folder,
        env={**os.environ, **server.variables, "PMLAUNCH_LOGS": str(tmp_path / "logs")},
        stdout=subprocess.DEVNULL,
    )
    parts = folder / "protomotions" / ".git" / "lfs"
    wait_for(lambda: any(path.stat().st_size for path in parts.glob("**/*.part")), "half of the checkpoint")
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    server.go_on.set()
    server.stall_at = None
    assert install(**server.variables).code == 0
    is_whole(folder / "protomotions", made)
    assert server.asked[-1].startswith("bytes="), "it began anew"


@posix
def test_ctrl_c_ends_the_download_and_is_told(
    install: Install, folder: Path, made: Upstream, server: LfsServer, tmp_path: Path
) -> None:
    assert install("--models", "none").code == 0
    server.stall_at = 50_000
    process = subprocess.Popen(
        command("install", "--source", made.root, "--simulator", "genesis", "--no-packages", "--json"),
        cwd=folder,
        env={**os.environ, **server.variables, "PMLAUNCH_LOGS": str(tmp_path / "logs")},
        stdout=subprocess.PIPE,
    )
    wait_for(lambda: server.sent, "the beginning of the download")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"PML340" in out
    assert read_pointer(folder / "protomotions" / MASKED) is not None
    server.go_on.set()
    server.stall_at = None
    assert install(**server.variables).code == 0


def test_a_quota_that_is_used_up_names_the_other_way(install: Install, made: Upstream, server: LfsServer) -> None:
    server.status, server.message = 403, "This repository is over its data quota."
    done = install(**server.variables)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert done.document["errors"][0]["hint"] == "pmlaunch fetch masked_mimic --from hf"
    done = install("--models", "motion_tracker", **server.variables)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert "--from hf" not in done.document["errors"][0]["hint"], "nobody has it there"


def test_settings_of_the_users_are_kept(install: Install, folder: Path) -> None:
    (folder / "pmlaunch.yaml").write_bytes(b"# mine\r\nnum_envs: 4   # few\r\nsimulator: isaaclab\r\n")
    done = install("--models", "none")
    assert (done.code, done.codes) == (0, ["PML414"])
    assert (folder / "pmlaunch.yaml").read_bytes() == (
        b"# mine\r\nnum_envs: 4   # few\r\nsimulator: isaaclab\r\n# written by pmlaunch install\r\nprotomotions: protomotions\r\n"
    )
    assert pmlaunch(folder, folder.parent, "eval", "tracker", "-m", "walk", "--dry-run").document["data"]["plan"]


def object_path(root: Path, content: bytes) -> Path:
    import hashlib

    oid = hashlib.sha256(content).hexdigest()
    return root / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
