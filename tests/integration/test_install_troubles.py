"""Failing installs: no tools, no network, no disk space, broken objects. Nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installs import TYPED, Install, assert_complete, pmlaunch, pmlaunch_process, states
from lfs_server import LfsServer

from pmlaunch.git.lfs_pointer import read_pointer
from started import command, survivors, wait_for
from upstream import MASKED, Upstream, git, make_upstream, needs_lfs

pytestmark = needs_lfs
posix = pytest.mark.skipif(os.name == "nt", reason="skipped: the stand-ins are links and shell scripts")


@pytest.fixture
def server(made: Upstream) -> Iterator[LfsServer]:
    running = LfsServer(made.root / ".git" / "lfs" / "objects")
    yield running
    running.close()


def path_without(tmp_path: Path, *names: str) -> str:
    """A PATH with every program except `names`."""
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


def test_a_source_that_refuses_connections(install: Install, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        done = install(source=f"http://127.0.0.1:{taken.getsockname()[1]}/ProtoMotions")
    assert (done.code, done.codes) == (6, ["PML403"])
    assert Path(done.document["data"]["steps"][-1]["log"]).read_text(encoding="utf-8")
    assert list(folder.iterdir()) == []


def test_an_unknown_host(install: Install, folder: Path) -> None:
    done = install(source="https://protomotions.invalid/ProtoMotions")
    assert (done.code, done.codes) == (6, ["PML403"])
    assert list(folder.iterdir()) == []


def test_an_install_can_be_repeated_after_the_source_broke_off(install: Install, folder: Path, own: Upstream) -> None:
    """The source's pack is truncated: the fetch fails, and succeeds when the pack is back."""
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
    assert_complete(folder / "protomotions", own)


def test_a_corrupted_object_is_fetched_again(install: Install, made: Upstream, cloned: Path) -> None:
    stored = object_path(cloned, made.masked)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(bytes(len(made.masked)))  # the right size, which satisfies git-lfs
    done = install()
    assert done.code == 0, done.out
    assert_complete(cloned, made)
    assert stored.read_bytes() == made.masked


def test_an_object_that_stays_corrupted_is_an_error(install: Install, folder: Path, own: Upstream) -> None:
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
    assert_complete(folder / "protomotions", own)


def test_an_object_missing_at_the_source(install: Install, folder: Path, own: Upstream) -> None:
    object_path(own.root, own.masked).unlink()
    done = install(source=own.root)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert read_pointer(folder / "protomotions" / MASKED) is not None
    assert states(install("--models", "none"))["checkout"] == "already done"


def test_a_user_s_file_in_the_checkpoint_s_place_is_kept(install: Install, made: Upstream, cloned: Path) -> None:
    place = cloned / MASKED
    place.write_bytes(b"my own weights")
    done = install()
    assert (done.code, done.codes) == (0, ["PML420"])
    assert place.read_bytes() == made.masked
    assert place.with_name("last.ckpt.kept").read_bytes() == b"my own weights"


def test_an_incomplete_copy_by_git_lfs_is_not_kept(install: Install, made: Upstream, complete: Path) -> None:
    place = complete / MASKED
    place.write_bytes(made.masked[: len(made.masked) // 2])
    done = install()
    assert (done.code, done.codes) == (0, [])
    assert_complete(complete, made)
    assert sorted(path.name for path in place.parent.iterdir()) == ["config.yaml", "last.ckpt"]


def test_a_broken_checkpoint_is_replaced(install: Install, made: Upstream, complete: Path) -> None:
    place = complete / MASKED
    place.write_bytes(made.masked[:-1] + b"?")  # same size
    assert install().code == 0
    assert place.read_bytes() == made.masked


@posix
@pytest.mark.parametrize("room", [200_000, 1_500_000, 2_600_000])
def test_full_disk(install: Install, made: Upstream, tmp_path: Path, room: int) -> None:
    """The disk fills up during the fetch, the checkout or the download of the checkpoint."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("skipped: a small disk can be made by root only")
    source = make_upstream(tmp_path / "large", size=1_000_000)
    try:
        # the check before the download is off: here the space runs out meanwhile
        done = installed_unasked(disk, tmp_path, source.root)
        assert (done.returncode, b"PML402" in done.stdout) == (6, True), done.stdout
        checkout = disk / "protomotions"
        assert not checkout.exists() or (checkout / "protomotions" / "eval_agent.py").exists()
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        done = installed_unasked(disk, tmp_path, source.root)
        assert done.returncode == 0, done.stdout
        assert_complete(checkout, source)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


UNASKED = """
import sys
from pmlaunch.support import disk
from pmlaunch.installing import engine
from pmlaunch.git import lfs_download
engine.require_room = lfs_download.require_room = lambda *_: None
from pmlaunch.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def installed_unasked(cwd: Path, tmp_path: Path, source: Path) -> subprocess.CompletedProcess[bytes]:
    """Run pmlaunch install without its check for disk space."""
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
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, timeout=120, check=False)


def test_too_little_disk_space_is_an_error_before_the_download(install: Install, folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("skipped: a small disk can be made by root only")
    try:
        done = install(cwd=disk)
        assert (done.code, done.codes) == (6, ["PML402"])
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_an_unusable_folder(install: Install, folder: Path) -> None:
    (folder / "file").touch()
    done = install("--dir", "file/below")
    assert done.code == 6
    assert done.codes[-1] in ("PML422", "PML406")


def test_checkpoint_over_http_with_progress(folder: Path, made: Upstream, server: LfsServer, tmp_path: Path) -> None:
    done = pmlaunch_process(folder, tmp_path, "install", "--source", made.root, *TYPED, **server.variables)
    assert done.code == 0, done.err
    assert_complete(folder / "protomotions", made)
    assert server.sent == len(made.masked), "more than one checkpoint was downloaded"
    progress = next((tmp_path / "logs").glob("*/lfs-progress.txt")).read_text(encoding="utf-8")
    assert f"/{len(made.masked)} {MASKED}" in progress
    assert "ok checkpoints" in done.err


def start_install(folder: Path, made: Upstream, server: LfsServer, tmp_path: Path) -> subprocess.Popen[bytes]:
    """Start an install in a process of its own."""
    return subprocess.Popen(
        command("install", "--source", made.root, *TYPED, "--json"),
        cwd=folder,
        env={**os.environ, **server.variables, "PMLAUNCH_LOGS": str(tmp_path / "logs")},
        stdout=subprocess.PIPE,
    )


@posix
def test_a_killed_download_is_resumed(
    install: Install, folder: Path, made: Upstream, server: LfsServer, tmp_path: Path, cloned: Path
) -> None:
    # git-lfs names what it has received `.part` only when it gives up waiting: after 30 s by default
    server.activity_timeout = 1
    server.stall_at = 120_000
    process = start_install(folder, made, server, tmp_path)
    parts = cloned / ".git" / "lfs"
    wait_for(lambda: any(path.stat().st_size for path in parts.glob("**/*.part")), "half of the checkpoint")
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not survivors(tmp_path), "the end of git-lfs")
    server.go_on.set()
    server.stall_at = None
    assert install(**server.variables).code == 0
    assert_complete(cloned, made)
    assert server.asked[-1].startswith("bytes="), "it began again"


@posix
def test_ctrl_c_ends_the_download(
    install: Install, folder: Path, made: Upstream, server: LfsServer, tmp_path: Path, cloned: Path
) -> None:
    server.stall_at = 50_000
    process = start_install(folder, made, server, tmp_path)
    wait_for(lambda: server.sent, "the beginning of the download")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"PML340" in out
    assert read_pointer(cloned / MASKED) is not None
    server.go_on.set()
    server.stall_at = None
    assert install(**server.variables).code == 0


def test_a_used_up_quota_hints_at_hugging_face(install: Install, made: Upstream, server: LfsServer) -> None:
    server.status, server.message = 403, "This repository is over its data quota."
    done = install(**server.variables)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert done.document["errors"][0]["hint"] == "pmlaunch fetch masked_mimic --from hf"
    done = install("--models", "motion_tracker", **server.variables)
    assert (done.code, done.codes[-1]) == (6, "PML412")
    assert "--from hf" not in done.document["errors"][0]["hint"], "it is not known to be there"


def test_the_user_s_pmlaunch_yaml_is_kept(install: Install, folder: Path) -> None:
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
