"""A module run in another Python, through the agent: its own verdict, its reply, its end with the launcher."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pmlaunch.model import FLAG, Finding
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import PythonRuntime
from pmlaunch.support.platforms import platform_named

WRITES = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('{\"seen\": \"\u6b65\"}', encoding='utf-8')"


def inside(folder: Path, code: str, *argv: str, listener: Any = None, **options: Any) -> ModuleResult:
    """Run `code` as an installed module in `folder`."""
    home = folder.parent / "modules"
    home.mkdir(exist_ok=True)
    (home / "told.py").write_text(code, encoding="utf-8")
    runtime = PythonRuntime(sys.executable, FLAG, import_path=(str(home),))
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = ModuleRun(runtime, platform_named(None), "told", argv, folder, own, **options)
    return run_module(run, listener)


@pytest.mark.parametrize("code", [0, 7])
def test_the_exit_code_is_the_modules_own(tmp_path: Path, code: int) -> None:
    came = inside(tmp_path / "R&D (x86) 100%", f"print('last words'); raise SystemExit({code})")
    assert (came.exit_code, came.ok, came.tail) == (code, code == 0, ("last words",))
    assert came.log.read_text(encoding="utf-8").strip() == "last words"


def test_the_reply_is_read(tmp_path: Path) -> None:
    reply = tmp_path / "run" / "reply.json"
    assert inside(tmp_path / "run", WRITES, str(reply), reply=reply).reply == {"seen": "\u6b65"}


def test_a_reply_of_an_earlier_run_is_not_believed(tmp_path: Path) -> None:
    reply = tmp_path / "run" / "reply.json"
    inside(tmp_path / "run", WRITES, str(reply), reply=reply)
    assert inside(tmp_path / "run", "", reply=reply).reply is None


def test_no_verdict_is_no_success(tmp_path: Path) -> None:
    came = inside(tmp_path / "run", "import os; os.abort()")
    assert (came.exit_code, came.ok) == (None, False)
    assert isinstance(came.finding, Finding)
    assert came.finding.code == "PML330"


def test_the_time_limit_ends_what_the_module_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
        "time.sleep(600)"
    )
    came = inside(tmp_path / "run", code, timeout=3.0)
    assert came.timed_out
    assert not came.ok
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(came.tail[0])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(came.tail[0]))


def test_the_listener_hears_the_output(tmp_path: Path) -> None:
    heard = threading.Event()
    inside(tmp_path / "run", "print('bytes')", listener=lambda chunk: heard.set() if b"bytes" in chunk else None)
    assert heard.is_set()
