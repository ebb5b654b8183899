"""A module run in another Python through the agent: its exit code, its reply, its time limit."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from pmlaunch.model import FLAG, Finding
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import python_runtime
from pmlaunch.support.platforms import platform_named

WRITES = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('{\"seen\": \"\u6b65\"}', encoding='utf-8')"


def run(folder: Path, code: str, *argv: str, listener: Any = None, **options: Any) -> ModuleResult:
    """Run `code` as an installed module in `folder`."""
    home = folder.parent / "modules"
    home.mkdir(exist_ok=True)
    (home / "told.py").write_text(code, encoding="utf-8")
    runtime = replace(python_runtime(sys.executable, FLAG), import_path=(str(home),))
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    module = ModuleRun(runtime, platform_named(None), "told", argv, folder, own, **options)
    return run_module(module, listener)


@pytest.mark.parametrize("code", [0, 7])
def test_exit_code_is_the_modules_own(tmp_path: Path, code: int) -> None:
    ended = run(tmp_path / "R&D (x86) 100%", f"print('last words'); raise SystemExit({code})")
    assert (ended.exit_code, ended.ok, ended.tail) == (code, code == 0, ("last words",))
    assert ended.log.read_text(encoding="utf-8").strip() == "last words"


def test_reply_is_read(tmp_path: Path) -> None:
    reply = tmp_path / "run" / "reply.json"
    assert run(tmp_path / "run", WRITES, str(reply), reply=reply).reply == {"seen": "\u6b65"}


def test_reply_of_an_earlier_run_is_ignored(tmp_path: Path) -> None:
    reply = tmp_path / "run" / "reply.json"
    run(tmp_path / "run", WRITES, str(reply), reply=reply)
    assert run(tmp_path / "run", "", reply=reply).reply is None


def test_crash_is_a_failure(tmp_path: Path) -> None:
    ended = run(tmp_path / "run", "import os; os.abort()")
    assert (ended.exit_code, ended.ok) == (None, False)
    assert isinstance(ended.finding, Finding)
    assert ended.finding.code == "PML330"


def test_time_limit_ends_the_whole_tree(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
        "time.sleep(600)"
    )
    ended = run(tmp_path / "run", code, timeout=3.0)
    assert ended.timed_out
    assert not ended.ok
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(ended.tail[0])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(ended.tail[0]))


def test_module_that_stays_after_its_verdict_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.running.run_module.EXIT_LIMIT", 0.3)
    reply = tmp_path / "run" / "reply.json"
    stays = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()\n"
    ended = run(tmp_path / "run", stays + WRITES, str(reply), reply=reply, timeout=60.0)
    assert (ended.ok, ended.reply, ended.timed_out) == (True, {"seen": "\u6b65"}, False)
    assert ended.seconds < 30.0


def test_listener_gets_the_output(tmp_path: Path) -> None:
    heard = threading.Event()
    run(tmp_path / "run", "print('bytes')", listener=lambda chunk: heard.set() if b"bytes" in chunk else None)
    assert heard.is_set()
