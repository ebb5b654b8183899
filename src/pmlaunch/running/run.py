"""Run a plan: make its folder, start it, watch it, stop it when it has to be, and record what came of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, LaunchPlan, RunRecord, RunState
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.processes.child import Child, created
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.job_object import join_job
from pmlaunch.running.agent_folder import provide_agent
from pmlaunch.running.artifacts import extras_findings
from pmlaunch.running.checkpoint_copy import stage
from pmlaunch.running.events import EventTail
from pmlaunch.running.metrics import Measured, measured_findings, read_measured
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import STOP_FILE, child_environment, environment_document, spec_document
from pmlaunch.running.verdict import Stop, decide
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.support.json import to_json

_PERIOD = 0.05  # seconds between two looks at the child and its events
_GRACE = 5.0  # seconds for a polite end, before the tree is ended
_GRACE_TO_WRITE = 60.0  # the same where a video or a motion is written then, since the run's last word
LONGEST_WRITING = 600.0  # seconds that this may take in all


class Observer(Protocol):
    """Who looks on while a run goes on. Called on the launcher's thread, but for `output`."""

    def started(self, folder: RunFolder, pid: int) -> None: ...
    def event(self, event: Mapping[str, Any]) -> None: ...
    def output(self, chunk: bytes) -> None: ...
    def tick(self) -> None: ...
    def stopping(self, reason: str) -> None: ...


def run_plan(plan: LaunchPlan, findings: tuple[Finding, ...], observer: Observer) -> RunRecord:
    """Run `plan` to its end and return its record, which is also in the run folder.

    Raises PML204 when the folder cannot be written and PML205 when the program cannot be started; no folder
    is left behind then.
    """
    with Interrupts() as interrupts:
        return _run_plan(plan, findings, observer, interrupts)


def _run_plan(plan: LaunchPlan, findings: tuple[Finding, ...], observer: Observer, interrupts: Interrupts) -> RunRecord:
    now = datetime.now(timezone.utc)
    motion = plan.motions[0].name if plan.motions else None
    if len(plan.motions) > 1:
        motion = f"{motion}-and-{len(plan.motions) - 1}-more"
    folder = RunFolder.create(plan.runs, plan.model, motion, now.astimezone())
    record = RunRecord(
        folder.path,
        RunState.RUNNING,
        None,
        now.isoformat(timespec="seconds"),
        launcher=_named(os.getpid()),
        findings=findings,
    )
    guardian = None
    try:
        provide_agent(plan)
        stage(plan, folder)
        folder.write("plan.json", to_json(plan))
        folder.write("spec.json", spec_document(plan, folder))
        if plan.measuring.library is not None:
            folder.write_text(LIBRARY_FILE, plan.measuring.library)
        folder.write("environment.json", environment_document(plan))
        folder.write("record.json", to_json(record))
        start = time.monotonic()
        guardian = Guardian(folder.path)  # before the job, which it has to outlive
        join_job()
        child = Child(
            plan.command,
            environment=child_environment(plan, folder, os.environ),
            cwd=plan.cwd,
            log=folder.file("output.log"),
            listener=observer.output,
        )
    except BaseException:
        folder.discard()
        if guardian is not None:
            guardian.dismiss()
        raise
    guardian.watch(child.pid)
    record = replace(record, child=_named(child.pid))
    with contextlib.suppress(PmlaunchError):
        folder.write("record.json", to_json(record))
    observer.started(folder, child.pid)
    run = _Run(plan, folder, child, observer, interrupts, start)
    exit_code = run.watch()
    record = run.conclude(record, exit_code)
    folder.write("record.json", to_json(record))
    guardian.dismiss()
    return record


def _named(pid: int) -> dict[str, float] | None:
    """{pid, created} of a process; None when it has gone already."""
    creation = created(pid)
    return {"pid": pid, "created": creation} if creation is not None else None


class _Run:
    """One run while it goes on."""

    def __init__(
        self,
        plan: LaunchPlan,
        folder: RunFolder,
        child: Child,
        observer: Observer,
        interrupts: Interrupts,
        start: float,
    ):
        self._plan = plan
        self._folder = folder
        self._child = child
        self._observer = observer
        self._interrupts = interrupts
        self._start = start
        self._events = EventTail(folder.file("events.jsonl"))
        self._last_event = start
        self._stop: Stop | None = None
        self._message = ""

    def watch(self) -> int | None:
        """Look on until the child has ended, by itself or because it had to. Returns its exit code."""
        exit_code = None
        while exit_code is None and self._stop is None:
            exit_code = self._child.wait(_PERIOD)
            self._look()
            self._stop = self._must_stop() if exit_code is None else None
        if self._stop is not None:
            exit_code = self._end()
        self._child.close()
        self._look()
        return exit_code

    def _look(self) -> None:
        events = self._events.read()
        if events:
            self._last_event = time.monotonic()
        for event in events:
            self._observer.event(event)
        self._observer.tick()

    def _must_stop(self) -> Stop | None:
        if self._interrupts.count:
            self._message = "Interrupted by Ctrl+C, or asked to end."
            return Stop.INTERRUPT
        now = time.monotonic()
        limit, silence = self._plan.timeout, self._plan.silence
        if self._child.log_error is not None:
            reason = self._child.log_error.strerror or self._child.log_error
            self._message = f"output.log cannot be written any more ({reason}): the run was stopped."
            return Stop.DISK
        if limit is not None and now - self._start > limit:
            self._message = f"The run took longer than --timeout {limit:g} s and was stopped."
            return Stop.TIMEOUT
        quiet = now - max(self._child.last_output, self._last_event)
        if silence is not None and quiet > silence:
            self._message = f"The run wrote nothing for {silence:g} s (--silence) and was stopped."
            return Stop.SILENCE
        return None

    def _end(self) -> int | None:
        """A polite end first, so that the agent writes its verdict; then the tree. Ctrl+C again: at once."""
        self._observer.stopping(self._message)
        asked = self._interrupts.count
        with contextlib.suppress(OSError):
            self._folder.file(STOP_FILE).touch()
        exit_code = None
        begin = time.monotonic()
        while exit_code is None and time.monotonic() < self._deadline(begin) and self._interrupts.count == asked:
            exit_code = self._child.wait(_PERIOD)
            self._look()
        ended = self._child.end_tree()
        return exit_code if exit_code is not None else ended

    def _deadline(self, begin: float) -> float:
        """When the polite end is over that began at `begin`: a video tells how far it is while it is written."""
        if not (self._plan.record or self._plan.save_motion):
            return begin + _GRACE
        return min(max(begin, self._child.last_output) + _GRACE_TO_WRITE, begin + LONGEST_WRITING)

    def conclude(self, record: RunRecord, exit_code: int | None) -> RunRecord:
        """The record of the run that has ended."""
        seconds = time.monotonic() - self._start
        result = self._folder.read("result.json")
        verdict = decide(
            stop=self._stop,
            stop_message=self._message,
            result=result,
            other_ranks=self._folder.read_all("result.rank*.json"),
            exit_code=exit_code,
            tail=self._child.tail(),
            must_finish=self._plan.headless,
            batch=BatchFile.of(self._plan.runtime),
        )
        result = result or {}
        measured = read_measured(self._folder) if self._plan.metrics else Measured()
        return replace(
            record,
            state=verdict.state,
            exit_code=verdict.exit_code,
            seconds=round(seconds, 3),
            child_exit_code=exit_code,
            steps=result.get("steps"),
            steps_per_second=rate(result, measured),
            stages={name: float(value) for name, value in (result.get("seconds") or {}).items()},
            metrics=measured.metrics,
            units=measured.units,
            evaluation=measured.rest,
            exception=verdict.exception,
            repairs=_repairs(result),
            findings=(
                *record.findings,
                *verdict.findings,
                *measured_findings(measured),
                *extras_findings(self._plan, self._folder, result, verdict.state),
            ),
        )


def rate(result: Mapping[str, Any], measured: Measured) -> float | None:
    """Control steps per second: what the evaluation says of itself, else from the first step to the last.

    Not to the evaluation's end: a picture may be drawn and a motion written before that.
    """
    if measured.steps_per_second:
        return round(measured.steps_per_second, 1)
    seconds = result.get("seconds") or {}
    first, last, steps = seconds.get("first_step"), seconds.get("last_step"), result.get("steps")
    return round((steps - 1) / (last - first), 1) if steps and first is not None and last and last > first else None


def _repairs(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What the agent healed so that the program could run at all, in words."""
    return tuple(
        f"{item['hook']}: {', '.join(map(str, item['classes']))}"
        for item in result.get("hooks_applied") or []
        if isinstance(item, dict) and item.get("hook") == "mutable_dataclass_defaults" and item.get("classes")
    )
