"""One run of the agent as a real process, started as the launcher does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import Hooks, MetricsRequest, RunLimits, Spec, to_document

AGENT_HOME = Path(__file__).parents[2] / "src" / "pmlaunch" / "agent"
# seconds; no test comes near it. Importing torch and Lightning takes a Windows Python under Wine 20 to 35 s in each process.
TIMEOUT = 240.0 if os.name == "nt" else 60.0


def completed(default: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A whole spec.json: `given` over `default`, with what tests leave out of its hooks and limits."""
    document = {**default, **given}
    for name in ("hooks", "limits"):
        if isinstance(document[name], dict):
            document[name] = {**default[name], **document[name]}
    hooks = document["hooks"]
    if isinstance(hooks, dict):
        if isinstance(hooks["metrics"], dict):
            hooks["metrics"] = {**MetricsRequest(file="", generation="2")._asdict(), **hooks["metrics"]}
        if isinstance(hooks["watch"], list):
            hooks["watch"] = [
                {"when": "after", **point} if isinstance(point, dict) else point for point in hooks["watch"]
            ]
    return document


class AgentRun:
    """One run of the agent on a script, in a folder that holds script, spec and everything that the run writes."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
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
        self.environ.update(PYTHONPATH=str(AGENT_HOME), PMLAUNCH_SPEC=str(self.spec_file))
        self.spec: dict[str, Any] = {}
        """Entries of spec.json that `write` adds to its own."""
        self.stdout = self.stderr = ""
        self.returncode: int | None = None

    def write(self, source: str, argv: list[str] | tuple[str, ...] = (), **spec: Any) -> AgentRun:
        """Write script.py and spec.json. `spec` replaces entries; `hooks` and `limits` in it may be incomplete."""
        self.script.write_text(source, encoding="utf-8")
        default = Spec(
            script=str(self.script),
            module=None,
            argv=tuple(argv),
            cwd=str(self.folder),
            import_path=(),
            python_path=(),
            env={},
            hooks=Hooks(),
            limits=RunLimits(),
            result=str(self.result_file),
            events=str(self.events_file),
        )
        document = completed(to_document(default), {**spec, **self.spec})
        if "module" in spec:
            del document["script"]
        self.spec_file.write_text(json.dumps(document), encoding="utf-8")
        return self

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python with `arguments`, by default with the agent."""
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
        """Start and wait."""
        return self.wait(self.start(*arguments))

    def wait(self, process: subprocess.Popen[str]) -> AgentRun:
        """Wait for the end of a started run."""
        try:
            self.stdout, self.stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"no end within {TIMEOUT} s: {process.communicate()}") from None
        finally:
            process.kill()
        self.returncode = process.returncode
        return self

    def wait_for_event(self, name: str) -> None:
        """Return as soon as the running agent has reported an event."""
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


MakeAgent = Callable[..., AgentRun]
