"""Real processes: pmlaunch is started as a user starts it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from browsers import browser
from clusters import cluster
from disks import small_disk
from installs import cloned, complete, folder, install, made, own, templates

from standin import make_checkout
from started import Done, Pmlaunch, command

# fixtures
__all__ = ["browser", "cloned", "cluster", "complete", "folder", "install", "made", "own", "small_disk", "templates"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with a stand-in checkout named protomotions in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    make_checkout(folder / "protomotions")
    return folder


@pytest.fixture
def pmlaunch(workspace: Path) -> Pmlaunch:
    def run(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Done:
        done = subprocess.run(
            command(*arguments),
            cwd=cwd or workspace,
            env={**os.environ, **variables},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))

    return run
