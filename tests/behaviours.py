"""What a program inside Isaac Lab can do to its process, and what pmlaunch has to make of it, in every runtime."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from isaac_standin import FAULTS, make_isaac_lab, make_isaac_sim_of_pip
from pmlaunch.model import Finding, RunRecord, RunState, Severity
from pmlaunch.processes.supervise import Grace
from pmlaunch.running import run
from pmlaunch.support.json import read_mapping
from standin import make_checkout

_PROGRAM = '''
"""Stand-in for eval_agent.py."""
import os
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
'''
_LAUNCH = "from isaaclab.app import AppLauncher\napp = AppLauncher({'headless': True}).app\n"
_BUILD = """
from protomotions.agents.ppo.agent import PPO
from protomotions.envs.base_env.env import BaseEnv
env = BaseEnv()
"""
_START = _LAUNCH + _BUILD
_EVALUATED = _START + "PPO().evaluate_policy(env.step)\n"
_ENV = "class BaseEnv:\n    def __init__(self): ...\n    def step(self): ...\n"
_AGENT = "class PPO:\n    def load(self): ...\n    def evaluate_policy(self, inside): inside()\n"
_THREAD = "import threading\nthreading.Thread(target=time.sleep, args=(3600,)).start()\n"
_IGNORES_STOP = """
while True:
    try:
        time.sleep(3600)
    except BaseException:
        print("not now", flush=True)
"""


@dataclass(frozen=True)
class Behaviour:
    """What the program does (`code`), the faults of Isaac Sim, and the outcome: state, exit code and codes of errors.

    Attributes:
        lingers: whether pmlaunch has to end the process after the verdict; None if the agent may have done so.
        options: of the run. `limits` are constants of running/run.py to lower.
        accepted: whether Isaac Sim's EULA is.
    """

    code: str
    state: RunState
    exit_code: int
    errors: Sequence[str] = ()
    faults: str = ""
    lingers: bool | None = False
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    accepted: bool = True


_QUICK_EXIT = {"EXIT_LIMIT": 0.3}
_QUICK_STOP = {"_GRACE": Grace(0.3, 0.3)}
_FAILING = "try:\n    raise RuntimeError('the policy fell over')\nfinally:\n    app.close()\n"
_DONE = (RunState.DONE, 0)
_FAILED = (RunState.FAILED, 1, ["PML301"])
_ABNORMAL = (RunState.ABNORMAL, 8, ["PML330"])

BEHAVIOURS: Mapping[str, Behaviour] = {
    "end": Behaviour(_EVALUATED, *_DONE),
    "native exit in close()": Behaviour(_EVALUATED + "app.close()\nprint('never')\n", *_DONE),
    "hang in close()": Behaviour(
        _EVALUATED + "app.close()\n", *_DONE, faults="hang-in-close", lingers=True, limits=_QUICK_EXIT
    ),
    "hang at exit": Behaviour(_EVALUATED, *_DONE, faults="hang-at-exit", lingers=None, limits=_QUICK_EXIT),
    "hang at exit without Kit": Behaviour(
        _BUILD + "PPO().evaluate_policy(env.step)\n" + _THREAD, *_DONE, lingers=True, limits=_QUICK_EXIT
    ),
    "exception, native exit in close()": Behaviour(_START + _FAILING, *_FAILED),
    "exception, hang in close()": Behaviour(
        _START + _FAILING, *_FAILED, faults="hang-in-close", lingers=True, limits=_QUICK_EXIT
    ),
    "native exit before the evaluation": Behaviour(_START + "app.close()\n", *_ABNORMAL),
    "replaced sys.exit(3)": Behaviour(_START + "sys.exit(3)\n", *_FAILED),
    "EULA prompt": Behaviour(_EVALUATED, RunState.FAILED, 5, ["PML217"], accepted=False),
    "stop request ignored": Behaviour(
        _START + _IGNORES_STOP, RunState.TIME_LIMIT, 7, ["PML320"], options={"timeout": 2.0}, limits=_QUICK_STOP
    ),
    "crash": Behaviour(_START + "os.abort()\n", *_ABNORMAL),
    "silence": Behaviour(
        _START + "time.sleep(3600)\n", RunState.SILENT, 7, ["PML321"], options={"silence": 1.5}, limits=_QUICK_STOP
    ),
    "start that never ends": Behaviour(
        _LAUNCH + "while True:\n    print('compiling', flush=True)\n    time.sleep(0.1)\n",
        RunState.TIME_LIMIT,
        7,
        ["PML323"],
        limits={"START_LIMIT": 1.0, **_QUICK_STOP},
    ),
}

TIMED = [name for name, behaviour in BEHAVIOURS.items() if behaviour.options or "START_LIMIT" in behaviour.limits]
"""Those that take the seconds of a limit."""


def make_behaving(root: Path) -> Path:
    """Create a checkout below `root` whose program `behave` decides on."""
    checkout = make_checkout(root / "protomotions")
    for name, text in (("envs/base_env/env.py", _ENV), ("agents/ppo/agent.py", _AGENT)):
        (checkout / "protomotions" / name).write_text(text, encoding="utf-8")
    return checkout


def behave(behaviour: Behaviour, checkout: Path, packages: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Prepare everything for a run that behaves in this way; return its options. `packages` is a new folder."""
    script = checkout / "protomotions" / "eval_agent.py"
    script.write_text(textwrap.dedent(_PROGRAM + behaviour.code), encoding="utf-8")
    make_isaac_lab(packages)
    make_isaac_sim_of_pip(packages, accepted=behaviour.accepted)
    for name, value in behaviour.limits.items():
        monkeypatch.setattr(run, name, value)
    monkeypatch.delenv("OMNI_KIT_ACCEPT_EULA", raising=False)
    monkeypatch.setenv(FAULTS, behaviour.faults)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")])))
    return {"simulator": "isaaclab", "metrics": False, **behaviour.options}


def outcome(record: RunRecord) -> str:
    """The verdict that the program left, and what pmlaunch made of it: "closing 0 → done 0 PML324"."""
    result = read_mapping(record.folder / "result.json")
    given = f"{result['status']} {result['exit_code']}" if result.get("status") in ("closing", "finished") else "none"
    codes = [finding.code for finding in record.findings if finding.code == "PML324" or _is_error(finding)]
    return " ".join([given, "→", record.state.value, str(record.exit_code), *codes])


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def check_outcome(record: RunRecord, behaviour: Behaviour) -> None:
    """Assert that the record of a run says what the program did."""
    errors = [finding.code for finding in record.findings if _is_error(finding)]
    assert (record.state, record.exit_code, errors) == (behaviour.state, behaviour.exit_code, list(behaviour.errors))
    lingered = "PML324" in [finding.code for finding in record.findings]
    assert behaviour.lingers is None or lingered == behaviour.lingers
    assert record.seconds is not None
    assert record.seconds < 60.0, "neither hung nor waited for"
