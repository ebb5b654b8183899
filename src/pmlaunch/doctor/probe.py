"""Ask the simulator's Python what it has: once, on the main thread, for all the checks that want to know."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.doctor.check import finding
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.model import Finding, Severity
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.support.platforms import Platform

LIMIT = 180.0  # seconds: torch and lightning from a cold disk, under a virus scanner
_MODULE = "pmlaunch_agent.probe"
_SHOWN = 4  # lines of its output, when it went wrong


@dataclass(frozen=True)
class Answer:
    """What the simulator's Python said (see pmlaunch_agent.probe), or why it said nothing.

    `reply` may hold less than was asked for, where the probe was ended in the middle. `skipped` is why nobody asked.
    """

    reply: Mapping[str, Any] | None = None
    problem: Finding | None = None
    skipped: str | None = None


class Probe:
    """A question that is asked once and read by many threads."""

    def __init__(self, question: Callable[[], Answer]):
        self._question = question
        self._answer = Answer(skipped="the question was never asked")
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask, unless it was asked before. On the main thread, so that Ctrl+C ends what was started."""
        if self._asked.is_set():
            return
        try:
            self._answer = self._question()
        finally:
            self._asked.set()

    def answer(self, timeout: float = LIMIT + 15.0) -> Answer:
        """The answer; waits for it."""
        self._asked.wait(timeout)
        return self._answer


def probe_of(
    runtime: Runtime,
    platform: Platform,
    environment: Mapping[str, str],
    checkout: Checkout | None,
    modules: tuple[str, ...],
    backend: str | None,
) -> Probe:
    """The probe of the Python that `runtime` starts, imports and folders as in a run."""

    def question() -> Answer:
        if any(found.severity is Severity.ERROR for found in runtime.findings):
            return Answer(skipped="there is no Python to ask: see Isaac Lab")
        folder = Path(tempfile.mkdtemp(prefix="pmlaunch-doctor-"))
        reply = folder / "reply.json"
        argv = [str(reply), "--packages", "--import", ",".join(modules), "--torch"]
        try:
            run = ModuleRun(
                runtime,
                platform,
                _MODULE,
                [*argv, "--backend", backend] if backend else argv,
                folder,
                environment,
                cwd=checkout.root if checkout else None,
                python_path=checkout.python_path if checkout else (),
                reply=reply,
                timeout=LIMIT,
            )
            return _answer(run_module(run), runtime, reply)
        except PmlaunchError as error:
            return Answer(problem=finding("PML226", Severity.ERROR, error.message, error.hint))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return Probe(question)


def _answer(came: ModuleResult, runtime: Runtime, path: Path) -> Answer:
    """The reply, and a finding unless the probe came to its end."""
    import json

    reply = came.reply
    if reply is None:
        try:
            reply = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            reply = None
    if came.ok and reply is not None:
        return Answer(reply)
    executable = runtime.command()[0]
    if came.timed_out:
        why = f"it was still at work after {LIMIT:.0f} s"
    elif came.exception is not None:
        why = f"{came.exception['type']}: {came.exception['message']}"
    else:
        why = came.finding.message if came.finding else f"it ended with code {came.exit_code}"
    said = "".join(f"\n  | {line}" for line in came.tail[-_SHOWN:])
    message = f"{executable} could not be asked what it has: {why}{said}"
    hint = came.finding.hint if came.finding else "pmlaunch runtime shows how it was chosen"
    return Answer(reply, finding("PML226", Severity.ERROR, message, hint, about=executable))
