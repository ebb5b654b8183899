"""Each behaviour of a program inside Isaac Lab, through isaaclab.sh and a plain interpreter: outcome and verdict."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from behaviours import BEHAVIOURS, TIMED, Behaviour, behave, check_outcome, make_behaving
from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.model import RunRecord
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.run import run_plan
from pmlaunch.settings import Settings
from started import survivors, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="tests/windows does this with batch files")
RUNTIMES = ("isaaclab.sh", "python")
# as the real script does, it stays while Python runs
_SCRIPT = f'#!/usr/bin/env bash\n[ "$1" = -p ] && shift\n"{sys.executable}" "$@"\n'


@pytest.fixture(scope="module")
def behaving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose program a test decides on."""
    return make_behaving(tmp_path_factory.mktemp("behaving"))


class World:
    """Runs a behaviour in one of the runtimes."""

    def __init__(self, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._checkout, self.folder, self._monkeypatch = checkout, tmp_path, monkeypatch

    def run(self, behaviour: Behaviour, runtime: str) -> RunRecord:
        options = behave(behaviour, self._checkout, self.folder / "packages", self._monkeypatch)
        if runtime == "python":
            options |= {"via": "python", "python": sys.executable}
        else:
            lab = self.folder / "lab"
            lab.mkdir()
            (lab / "isaaclab.sh").write_text(_SCRIPT, encoding="utf-8")
            (lab / "isaaclab.sh").chmod(0o755)
            options |= {"via": "isaaclab", "isaaclab": str(lab)}
        request = EvalRequest(
            "motion_tracker", protomotions=str(self._checkout), motions=("walk",), headless=True, **options
        )
        plan = make_plan(request, Settings(self.folder, dict(os.environ))).plan
        return run_plan(plan, (), RunDisplay(plan))


@pytest.fixture
def world(behaving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(behaving, tmp_path, monkeypatch)


TRIALS = [
    pytest.param(name, runtime, marks=pytest.mark.slow) if runtime == "python" and name in TIMED else (name, runtime)
    for runtime in RUNTIMES
    for name in BEHAVIOURS
]


@pytest.mark.parametrize(("name", "runtime"), TRIALS)
def test_outcome_of_each_behaviour(world: World, name: str, runtime: str) -> None:
    record = world.run(BEHAVIOURS[name], runtime)
    check_outcome(record, BEHAVIOURS[name])
    assert survivors(world.folder) == []
    if name == "EULA prompt":
        assert '-c "import isaacsim"' in str(record.findings[-1].hint)


def test_ctrl_c_does_not_change_a_verdict(world: World) -> None:
    def has_concluded() -> bool:
        return any(b'"closing"' in path.read_bytes() for path in world.folder.glob("runs/*/result.json"))

    def interrupt() -> None:
        wait_for(has_concluded, "the verdict")
        os.kill(os.getpid(), signal.SIGINT)

    behaviour = replace(BEHAVIOURS["hang in close()"], limits={})
    thread = threading.Thread(target=interrupt)
    thread.start()
    record = world.run(behaviour, "isaaclab.sh")
    thread.join()
    check_outcome(record, behaviour)
    assert not (record.folder / "stop").exists(), "a program that has concluded is not asked to end"
