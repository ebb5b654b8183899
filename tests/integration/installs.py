"""Fixtures of the tests of `pmlaunch install` and `pmlaunch fetch`: a source, folders, finished checkouts to copy.

Commands run in this process, which saves the start of Python; git and git-lfs are real processes. What depends on a
process of its own (signals, Python's variables, output for people) is started with `pmlaunch_process`.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest

from pmlaunch.cli.app import run
from pmlaunch.git.lfs_pointer import read_pointer
from started import Done, command
from upstream import MASKED, TRACKER, Upstream, git, make_upstream

Install = Callable[..., Done]
# a simulator that needs no Isaac Lab, and no Python to install into
TYPED = ("--simulator", "genesis", "--no-packages")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """The source. Tests that change it take `own` instead."""
    return make_upstream(tmp_path_factory.mktemp("source") / "ProtoMotions (x86) 步")


@pytest.fixture
def own(made: Upstream, tmp_path: Path) -> Upstream:
    """A copy of the source that may be changed."""
    return Upstream(Path(shutil.copytree(made.root, tmp_path / "own source")), made.masked, made.tracker)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder with a difficult name, in which commands run."""
    home = tmp_path / "R&D (x86) 100% 步"
    home.mkdir()
    yield home
    assert not list(home.glob(".*.pmlaunch")), "an unfinished clone was left"


@pytest.fixture(scope="session")
def templates(made: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders in which `pmlaunch install --models NAME` has finished, by NAME."""
    home = tmp_path_factory.mktemp("templates")
    found = {}
    # made before the environment is cleaned for a test
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PMLAUNCH_")}
    with mock.patch.dict(os.environ, {**clean, "XDG_CONFIG_HOME": str(home)}, clear=True):
        for models in ("none", "maskmimic"):
            found[models] = home / models
            found[models].mkdir()
            done = pmlaunch(found[models], home, "install", "--source", made.root, *TYPED, "--models", models)
            assert done.code == 0, done.out
    return found


@pytest.fixture
def cloned(templates: Mapping[str, Path], folder: Path) -> Path:
    """The checkout in `folder` after `pmlaunch install --models none`."""
    return Path(shutil.copytree(templates["none"], folder, dirs_exist_ok=True)) / "protomotions"


@pytest.fixture
def complete(templates: Mapping[str, Path], folder: Path) -> Path:
    """The checkout in `folder` after `pmlaunch install`, with MaskedMimic's checkpoint."""
    return Path(shutil.copytree(templates["maskmimic"], folder, dirs_exist_ok=True)) / "protomotions"


@pytest.fixture
def install(made: Upstream, folder: Path, tmp_path: Path) -> Install:
    """A function that runs `pmlaunch install --json` in `folder`, by default from the source."""

    def run_install(
        *arguments: str | Path, source: str | Path = made.root, cwd: Path = folder, **variables: str
    ) -> Done:
        typed = TYPED[2:] if "--simulator" in arguments else TYPED
        return pmlaunch(cwd, tmp_path, "install", "--source", source, *typed, *arguments, **variables)

    return run_install


def pmlaunch(cwd: Path, logs: Path, *arguments: str | Path, **variables: str) -> Done:
    """Run a command with --json in `cwd`, in this process."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    with mock.patch.dict(os.environ, {"PMLAUNCH_LOGS": str(logs / "logs"), **variables}):
        os.chdir(cwd)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run([*map(str, arguments), "--json"])
        finally:
            os.chdir(before)
    return Done(int(code), out.getvalue(), err.getvalue())


def pmlaunch_process(cwd: Path, logs: Path, *arguments: str | Path, **variables: str) -> Done:
    """Run a command in `cwd` as a user does."""
    environment = {**os.environ, "PMLAUNCH_LOGS": str(logs / "logs"), **variables}
    done = subprocess.run(command(*arguments), cwd=cwd, env=environment, capture_output=True, timeout=120, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))


def states(done: Done) -> dict[str, str]:
    """The state of each step."""
    return {step["name"]: step["state"] for step in done.document["data"]["steps"]}


def assert_complete(checkout: Path, made: Upstream) -> None:
    """The checkout is at v2.3 with MaskedMimic's checkpoint, the other is a pointer, and nothing has changed."""
    assert (checkout / MASKED).read_bytes() == made.masked
    assert read_pointer(checkout / TRACKER) is not None
    assert git(checkout, "describe", "--tags") == "v2.3"
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "rev-list", "--count", "HEAD") == "1"
