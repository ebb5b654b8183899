"""Probe the simulator's Python once, on the main thread, for all checks that need it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.model import Finding, Severity
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.support.json import from_json, read_mapping
from pmlaunch.support.platforms import Platform

LIMIT = 180.0  # seconds: torch and lightning from a cold disk, under a virus scanner
_SHOWN = 4  # lines of its output that an error message quotes


@dataclass(frozen=True)
class ProbeAnswer:
    """The reply of the simulator's Python, or why there is none.

    `reply` may be incomplete if the probe was ended midway. `skipped` says why nothing was asked.
    """

    reply: ProbeReply | None = None
    problem: Finding | None = None
    skipped: str | None = None


class PythonProbe:
    """A question that is asked once and whose answer many threads read."""

    def __init__(self, question: Callable[[], ProbeAnswer]) -> None:
        self._question = question
        self._answer = ProbeAnswer(skipped="the probe was not started")
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask, unless that was done before. Call it on the main thread, so that Ctrl+C ends the child."""
        if self._asked.is_set():
            return
        try:
            self._answer = self._question()
        finally:
            self._asked.set()

    def answer(self, timeout: float = LIMIT + 15.0) -> ProbeAnswer:
        """The answer; waits up to `timeout` seconds for it."""
        self._asked.wait(timeout)
        return self._answer


def ask_python(
    runtime: Runtime,
    platform: Platform,
    environment: Mapping[str, str],
    checkout: Checkout | None,
    arguments: Sequence[str],
) -> ProbeAnswer:
    """Run the agent's probe with these arguments in the Python that `runtime` starts, as a run would start it."""
    if any(found.severity is Severity.ERROR for found in runtime.findings):
        return ProbeAnswer(skipped="there is no Python to ask; see the check of Isaac Lab")
    with tempfile.TemporaryDirectory(prefix="pmlaunch-doctor-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        reply = folder / "reply.json"
        run = ModuleRun(
            runtime,
            platform,
            "pmlaunch_agent.probe",
            [str(reply), *arguments],
            folder,
            environment,
            cwd=checkout.root if checkout else None,
            python_path=checkout.python_path if checkout else (),
            reply=reply,
            timeout=LIMIT,
        )
        try:
            ended = run_module(run)
        except PmlaunchError as error:
            return ProbeAnswer(problem=Finding("PML226", Severity.ERROR, error.message, error.hint))
        return _answer(ended, runtime.facts.path, ended.reply or read_mapping(reply))


def _answer(ended: ModuleResult, executable: str, document: Mapping[str, object]) -> ProbeAnswer:
    """The reply, and a finding unless the probe finished."""
    reply = from_json(ProbeReply, document) if document else None
    if ended.ok and reply is not None:
        return ProbeAnswer(reply)
    if ended.timed_out:
        why = f"it was still running after {LIMIT:.0f} s"
    elif ended.exception is not None:
        why = f"{ended.exception.get('type')}: {ended.exception.get('message')}"
    else:
        why = ended.finding.message if ended.finding else f"it ended with code {ended.exit_code}"
    output = "".join(f"\n  | {line}" for line in ended.tail[-_SHOWN:])
    message = f"{executable} could not report its packages: {why}{output}"
    hint = ended.finding.hint if ended.finding else "to see how it was chosen: pmlaunch runtime"
    return ProbeAnswer(reply, Finding("PML226", Severity.ERROR, message, hint, subject=executable))
