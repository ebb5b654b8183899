"""A full disk or an unusable folder: an error message, exit code 5, and no partial files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from started import TRACKER, Pmlaunch


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; skipped if this user cannot mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.name == "nt"
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "x", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("skipped: no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_disk_is_full_before_the_start(pmlaunch: Pmlaunch, small_disk: Path) -> None:
    (small_disk / "full").write_bytes(b"x" * 65536)
    done = pmlaunch(*TRACKER, "--runs", small_disk / "runs")
    assert (done.code, done.codes) == (5, ["PML204"])
    assert "No space left" in done.document["errors"][0]["message"]
    assert not list((small_disk / "runs").glob("*/*")), "an incomplete record was left"


def test_disk_fills_up_during_a_run(pmlaunch: Pmlaunch, small_disk: Path, workspace: Path) -> None:
    env = workspace / "protomotions/protomotions/envs/base_env/env.py"
    env.write_text(env.read_text().replace("return number", "print('x' * 2000)\n        return number"))
    done = pmlaunch(*TRACKER, "--runs", small_disk / "runs", "--no-metrics", "--max-steps", "100000")
    assert done.code == 5
    assert "PML204" in done.codes


def test_file_in_place_of_the_runs_folder(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = pmlaunch(*TRACKER, "--runs", tmp_path / "taken")
    assert (done.code, done.codes) == (5, ["PML204"])
