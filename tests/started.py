"""pmlaunch as a user starts it: finished commands, runs that go on, and who is left of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; anything else there fails."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    @property
    def record(self) -> dict[str, Any]:
        record = self.document["data"]["record"]
        assert isinstance(record, dict)
        return record

    @property
    def codes(self) -> list[str]:
        return [item["code"] for item in self.document["findings"] + self.document["errors"]]


Pmlaunch = Callable[..., Done]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "pmlaunch", *map(str, arguments)]


TRACKER = ("eval", "motion_tracker", "-m", "walk", "--headless", "--simulator", "genesis", "--json")


def start(workspace: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start an evaluation that goes on, in a process group of its own, and wait until it steps."""
    process = subprocess.Popen(
        command(*TRACKER, *arguments),
        cwd=workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: list((workspace / "runs").glob("*/events.jsonl")), "the run's first event")
    events = next((workspace / "runs").glob("*/events.jsonl"))
    wait_for(lambda: b'"step"' in events.read_bytes(), "the first step")
    return process


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds:g} s"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)


def survivors(workspace: Path) -> list[str]:
    """Command lines of the processes that still have something to do with this workspace."""
    found = []
    for process in psutil.process_iter(["pid", "environ", "cmdline", "status"]):
        environment = process.info["environ"] or {}
        if str(workspace) in environment.get("PMLAUNCH_SPEC", "") and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(process.info["cmdline"] or []))
    return found
