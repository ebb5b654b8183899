"""Unit tests start no process: whoever tries fails the test. And the fixtures that several rooms share."""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit_help import Plan, Refused

from pmlaunch.cli.app import run
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.checkout import HydraCheckout, v2_checkout
from pmlaunch.generations.v3.checkout import InferenceCheckout, v3_checkout
from pmlaunch.generations.values import ConfigReport
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.git.lfs_pointer import NotInLfs, Pointer
from pmlaunch.model import FLAG
from pmlaunch.planning.plan import Planned, make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from standin import make_checkout
from standin3 import make_checkout3

Json = Callable[..., dict[str, Any]]

# Libraries ask for the machine once, before starting processes is forbidden: Python 3.10 and 3.11 for Windows start
# `cmd /c ver` for that, and numpy.testing of 1.26 runs lscpu.
platform.uname()
importlib.import_module("numpy.testing")


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **_: Any) -> None:
        raise AssertionError(f"a unit test started a process: {args!r}")

    # not the class itself: asyncio, which torch imports, derives from it on Windows
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "system", refuse)
    for name in ("fork", "posix_spawn", "startfile"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, refuse)


@pytest.fixture(scope="session")
def _programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    python = folder / ("python.exe" if os.name == "nt" else "python")
    python.touch(mode=0o755)
    return folder


@pytest.fixture(autouse=True)
def _python_on_path(_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file called python, first on PATH: plans name it, and not every machine has one."""
    monkeypatch.setenv("PATH", f"{_programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("template") / "protomotions")


@pytest.fixture
def checkout(_template: Path, tmp_path: Path) -> Path:
    """A stand-in checkout of 2.x at `tmp_path`/protomotions, copied because that is faster than making one."""
    return Path(shutil.copytree(_template, tmp_path / "protomotions"))


@pytest.fixture
def opened(checkout: Path) -> HydraCheckout:
    """The stand-in as the catalog sees it."""
    return v2_checkout(checkout, FLAG)


@pytest.fixture(scope="session")
def _template3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout3(tmp_path_factory.mktemp("template3") / "protomotions")


@pytest.fixture
def checkout3(_template3: Path, tmp_path: Path) -> Path:
    """A stand-in checkout of 3.x at `tmp_path`/three."""
    return Path(shutil.copytree(_template3, tmp_path / "three"))


@pytest.fixture
def opened3(checkout3: Path) -> InferenceCheckout:
    """The stand-in of 3.x as the catalog sees it."""
    return v3_checkout(checkout3, FLAG)


@pytest.fixture
def config(checkout: Path) -> Path:
    """The config.yaml of the stand-in's tracker."""
    return checkout / "data/pretrained_models/motion_tracker/smpl/config.yaml"


@pytest.fixture
def isaaclab(tmp_path: Path) -> Path:
    """An Isaac Lab of both systems, where the runtime looks for it."""
    folder = tmp_path / "isaaclab"
    (folder / "_isaac_sim").mkdir(parents=True)
    for name in ("isaaclab.sh", "isaaclab.bat", "_isaac_sim/python.sh", "_isaac_sim/python.bat"):
        (folder / name).touch()
    (folder / "VERSION").write_text("2.1.0\n", encoding="utf-8")
    return folder


@pytest.fixture
def plan(checkout: Path, isaaclab: Path, tmp_path: Path) -> Plan:
    """Plan a run in `tmp_path`; arguments are the model and its overrides, keywords the options of EvalRequest."""

    def plan_it(
        model: str = "tracker",
        *overrides: str,
        environment: dict[str, str] | None = None,
        user_folder: Path | None = None,
        **options: Any,
    ) -> Planned:
        settings = Settings(tmp_path, environment or {}, user_folder)
        return make_plan(EvalRequest(model, overrides=overrides, **options), settings)

    return plan_it


@pytest.fixture
def in_git(monkeypatch: pytest.MonkeyPatch) -> dict[str, Pointer]:
    """What git would say of a checkpoint, by the file's name; nothing unless a test puts it here."""
    known: dict[str, Pointer] = {}
    monkeypatch.setattr(
        lfs, "pointer_in_git", lambda path: known.get(path.name, NotInLfs("it is not in a git repository"))
    )
    return known


@pytest.fixture
def typed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_git: dict[str, Pointer]) -> Path:
    """The folder in which commands are typed: the one with the stand-in, if there is one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def as_json(typed_in: Path, capsys: pytest.CaptureFixture[str]) -> Json:
    """Run with --json: the one document on stdout, whose exit code is that of the process."""

    def run_it(*arguments: str) -> dict[str, Any]:
        code = run([*arguments, "--json"])
        document = json.loads(capsys.readouterr().out)
        assert list(document) == ["schema", "command", "ok", "exit_code", "data", "findings", "errors"]
        assert (document["schema"], document["exit_code"], document["ok"]) == (1, code, code == 0)
        return dict(document)

    return run_it


@pytest.fixture
def composed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at other things than the config: composing it takes a tenth of a second."""
    report = ConfigReport(control_hz=30.0, num_envs=1, control_type="built_in_pd")
    monkeypatch.setattr("pmlaunch.generations.v2.program.config_report", lambda *_: report)


@pytest.fixture
def refused(plan: Plan) -> Refused:
    """The error with which a plan is refused."""

    def refuse_it(*args: Any, **options: Any) -> PmlaunchError:
        with pytest.raises(PmlaunchError) as caught:
            plan(*args, **options)
        return caught.value

    return refuse_it
