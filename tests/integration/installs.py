"""What the tests of `pmlaunch install` share: a source, an empty folder, the command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pmlaunch.git.lfs_pointer import read_pointer
from started import Done, command
from upstream import MASKED, TRACKER, Upstream, git, make_upstream

Install = Callable[..., Done]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """The source; tests that change it take `upstream` instead."""
    return make_upstream(tmp_path_factory.mktemp("source") / "ProtoMotions (x86) 步")


@pytest.fixture
def own(made: Upstream, tmp_path: Path) -> Upstream:
    """A copy of the source to be changed."""
    return Upstream(Path(shutil.copytree(made.root, tmp_path / "own source")), made.masked, made.tracker)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder with a hostile name, in which the command is typed."""
    home = tmp_path / "R&D (x86) 100% 步"
    home.mkdir()
    yield home
    assert not list(home.glob(".*.pmlaunch")), "something half-made was left"


@pytest.fixture
def install(made: Upstream, folder: Path, tmp_path: Path) -> Install:
    """install("--models", "none"): run in `folder` from the source, as JSON."""

    def run(*arguments: str | Path, source: str | Path = made.root, cwd: Path = folder, **variables: str) -> Done:
        return pmlaunch(
            cwd,
            tmp_path,
            "install",
            "--source",
            source,
            "--simulator",
            "genesis",
            "--no-packages",
            *arguments,
            **variables,
        )

    return run


def pmlaunch(cwd: Path, logs: Path, *arguments: str | Path, **variables: str) -> Done:
    environment = {**os.environ, "PMLAUNCH_LOGS": str(logs / "logs"), **variables}
    done = subprocess.run(command(*arguments, "--json"), cwd=cwd, env=environment, capture_output=True, timeout=120)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))


def states(done: Done) -> dict[str, str]:
    return {step["name"]: step["state"] for step in done.document["data"]["steps"]}


def is_whole(checkout: Path, made: Upstream) -> None:
    """The checkout at v2.3 with MaskedMimic's checkpoint, the other still a pointer, and nothing changed in it."""
    assert (checkout / MASKED).read_bytes() == made.masked
    assert read_pointer(checkout / TRACKER) is not None
    assert git(checkout, "describe", "--tags") == "v2.3"
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "rev-list", "--count", "HEAD") == "1"
