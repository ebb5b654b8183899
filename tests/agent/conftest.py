"""Runs the agent as a real process, the way the launcher does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AGENT_HOME = Path(__file__).parents[2] / "src" / "pmlaunch" / "agent"
TIMEOUT = 60.0  # seconds; no test comes near it


class AgentRun:
    """One run of the agent on a script, in a folder of its own."""

    def __init__(self, folder: Path, python: str = sys.executable):
        self.folder = folder
        self.python = python
        self.script = folder / "script.py"
        self.result_file = folder / "result.json"
        self.events_file = folder / "events.jsonl"
        self.spec_file = folder / "spec.json"
        self.stop_file = folder / "stop"
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PMLAUNCH_")) and name not in ("LOCAL_RANK", "HYDRA_FULL_ERROR")
        }
        self.environ.update(PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=str(AGENT_HOME), PMLAUNCH_SPEC=str(self.spec_file))
        self.stdout = self.stderr = ""
        self.returncode: int | None = None

    def write(self, source: str, argv: list[str] | None = None, **spec: Any) -> AgentRun:
        """Write script.py and spec.json; `spec` adds to or replaces the spec's entries."""
        self.script.write_text(source, encoding="utf-8")
        entries = {
            "schema": 1,
            "script": str(self.script),
            "argv": argv or [],
            "cwd": str(self.folder),
            "python_path": [],
            "env": {},
            "hooks": {},
            "limits": {},
            "result": str(self.result_file),
            "events": str(self.events_file),
        }
        entries.update(spec)
        self.spec_file.write_text(json.dumps(entries), encoding="utf-8")
        return self

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, *(arguments or ("-m", "pmlaunch_agent"))],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            text=True,
        )

    def run(self, *arguments: str) -> AgentRun:
        """Start the agent and wait for its end."""
        return self.wait(self.start(*arguments))

    def wait(self, process: subprocess.Popen[str]) -> AgentRun:
        try:
            self.stdout, self.stderr = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
        self.returncode = process.returncode
        return self

    def wait_for_event(self, name: str) -> None:
        """Return once the running agent has reported an event."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if self.events_file.exists() and any(event["event"] == name for event in self.events):
                return
            time.sleep(0.02)
        raise AssertionError(f"no event {name!r} within {TIMEOUT} s")

    @property
    def result(self) -> dict[str, Any]:
        return dict(json.loads(self.result_file.read_text(encoding="utf-8")))

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.events_file.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def events_named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


@pytest.fixture
def agent(tmp_path: Path) -> AgentRun:
    return AgentRun(tmp_path)


@pytest.fixture
def make_agent(tmp_path: Path) -> Callable[..., AgentRun]:
    """Runs in a folder of a given name below tmp_path, or with another Python."""

    def make(name: str = "run", python: str = sys.executable) -> AgentRun:
        folder = tmp_path / name
        folder.mkdir()
        return AgentRun(folder, python)

    return make
