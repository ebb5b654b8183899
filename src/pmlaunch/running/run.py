"""Run a plan: create its folder, start the program, watch it, stop it if necessary, and record the result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Protocol

from pmlaunch.codes import CODES
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, LaunchPlan, RunRecord, RunState
from pmlaunch.processes.child import ChildCommand, created
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Ending, Grace, Stage, Watcher, supervised
from pmlaunch.request import Asked
from pmlaunch.running.agent_reports import (
    EXIT_LIMIT,
    OTHER_RANKS,
    RESULT_FILE,
    AgentResult,
    EventTail,
    VerdictWatch,
    agent_result,
)
from pmlaunch.running.artifacts import artifact_findings
from pmlaunch.running.asked import chosen_by
from pmlaunch.running.inputs import write_inputs
from pmlaunch.running.measurement import missing_evidence
from pmlaunch.running.metrics import RunMetrics, metrics_findings, read_metrics, steps_per_second
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.running.spec import STOP_FILE, child_environment
from pmlaunch.running.timings import remember_timings
from pmlaunch.running.verdict import Evidence, decide
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.support.json import as_list

_STOP_MESSAGES = {
    Ending.INTERRUPTED: "Interrupted by Ctrl+C or a request to end.",
    Ending.TIME_LIMIT: "The run took longer than --timeout {plan.timeout:g} s and was stopped.",
    Ending.SILENT: "The run wrote nothing for {plan.silence:g} s (--silence) and was stopped.",
    Ending.LOG_FAILED: "The run was stopped because output.log can no longer be written ({reason}).",
    Ending.NOT_READY: "The run was stopped because the simulator was not ready after {minutes:g} minutes.",
}
_GRACE = Grace(5.0, 5.0)  # seconds for the agent to write its verdict
GRACE_TO_WRITE = Grace(
    60.0, 600.0
)  # the same if it also writes a video or a motion that was asked for, and reports its progress
START_LIMIT = 1800.0  # seconds until the simulator is ready; a first start compiles shaders for minutes
_READY = ("simulator_ready", "checkpoint_loaded", "evaluation_started", "step", "motion")


class RunObserver(Protocol):
    """Receives progress callbacks during a run. Only `output` is called on another thread."""

    def started(self, folder: RunFolder, pid: int) -> None:
        """The program is running."""

    def event(self, event: Mapping[str, Any]) -> None:
        """The agent reported an event; see docs/architecture.md."""

    def output(self, chunk: bytes) -> None:
        """The program wrote to stdout or stderr."""

    def tick(self) -> None:
        """Called several times a second."""

    def stopping(self, reason: str) -> None:
        """The run is about to be stopped."""


def run_plan(
    plan: LaunchPlan, findings: tuple[Finding, ...], observer: RunObserver, asked: Asked | None = None
) -> RunRecord:
    """Run `plan` to its end and return its record, which is also in the run folder. `asked` is how it was asked for.

    Raises PML204 if the folder cannot be written and PML205 if the program cannot be started; no folder is left
    behind then.
    """
    now = datetime.now(timezone.utc)
    with Interrupts() as interrupts:
        folder = RunFolder.create(plan.runs, plan.model, _motion_name(plan), now.astimezone())
        started, launcher = now.isoformat(timespec="seconds"), _identity(os.getpid())
        record = RunRecord(folder.path, RunState.RUNNING, None, started, launcher=launcher, findings=findings)
        skipped = tuple(motion.name for motion in plan.left_out if motion.problem)
        record = replace(record, asked=asked and chosen_by(asked, plan), not_evaluated=skipped)
        watcher = _RunWatcher(plan, folder, observer, record)
        guardian = None
        try:
            write_inputs(plan, folder)
            folder.reserve()
            folder.write(RECORD, record)
            guardian = Guardian(str(folder.file("spec.json")), folder.file(RECORD))
            environment = child_environment(plan, folder, os.environ)
            command = ChildCommand(plan.command, environment, cwd=plan.cwd, log=folder.file("output.log"))
            limits = ChildLimits(plan.timeout, plan.silence, _grace(plan), START_LIMIT, EXIT_LIMIT)
            ended = supervised(command, guardian, interrupts, limits, watcher)
        except BaseException:
            if not watcher.has_started:
                folder.discard()
                if guardian is not None:
                    guardian.dismiss()
            raise
        record = _concluded(plan, folder, watcher, ended)
        folder.conclude(record)
        remember_timings(plan, record)
        guardian.dismiss()
        return record


def _grace(plan: LaunchPlan) -> Grace:
    return GRACE_TO_WRITE if plan.record or plan.asks_for_motion else _GRACE


def _motion_name(plan: LaunchPlan) -> str | None:
    if not plan.motions:
        return None
    name, others = plan.motions[0].name, len(plan.motions) - 1
    return f"{name}-and-{others}-more" if others else name


def _identity(pid: int) -> dict[str, float] | None:
    """Return {pid, created} of a process, or None if it is gone."""
    creation = created(pid)
    return {"pid": pid, "created": creation} if creation is not None else None


class _RunWatcher(Watcher):
    """Passes on the run's output and events, and asks the program to end by creating the stop file."""

    def __init__(self, plan: LaunchPlan, folder: RunFolder, observer: RunObserver, record: RunRecord) -> None:
        super().__init__(observer.output, has_concluded=VerdictWatch(folder.file(RESULT_FILE)).is_given)
        self.record = record
        self.has_started = False
        self.stop_message = ""
        self._plan, self._folder, self._observer = plan, folder, observer
        self._events = EventTail(folder.file("events.jsonl"))
        self._ready = not any(point.event in _READY for point in plan.watch)

    def started(self, pid: int) -> None:
        self.has_started = True
        self.record = replace(self.record, child=_identity(pid))
        with contextlib.suppress(PmlaunchError):
            self._folder.write(RECORD, self.record)
        self._observer.started(self._folder, pid)

    def poll(self) -> bool:
        events = self._events.read()
        for event in events:
            self._observer.event(event)
            self._ready = self._ready or event["event"] in _READY
        self._observer.tick()
        return bool(events)

    def stage(self) -> Stage:
        stage = super().stage()
        return stage if self._ready or stage is Stage.CONCLUDED else Stage.STARTING

    def stopping(self, why: Ending, log_error: OSError | None) -> None:
        reason = getattr(log_error, "strerror", None) or log_error
        self.stop_message = _STOP_MESSAGES[why].format(plan=self._plan, reason=reason, minutes=START_LIMIT / 60)
        self._observer.stopping(self.stop_message)
        with contextlib.suppress(OSError):
            self._folder.file(STOP_FILE).touch()


def _concluded(plan: LaunchPlan, folder: RunFolder, watcher: _RunWatcher, ended: ChildResult) -> RunRecord:
    """Return the final record of a run whose program has ended."""
    document = folder.read(RESULT_FILE)
    result = agent_result(document) if document is not None else None
    ranks = [agent_result(other) for other in folder.read_all(OTHER_RANKS)]
    batch, python = BatchFile.of(plan.runtime), plan.runtime.python.path if plan.runtime.python else None
    evidence = Evidence(ended, watcher.stop_message, result, ranks, plan.headless, batch, python, plan.num_envs)
    verdict = decide(evidence)
    result = result or AgentResult()
    if verdict.state is RunState.DONE and (missing := missing_evidence(plan, folder, result)) is not None:
        failed = CODES[missing.code].exit_code
        verdict = replace(verdict, state=RunState.FAILED, exit_code=failed, findings=(*verdict.findings, missing))
    measured = read_metrics(folder) if plan.metrics else RunMetrics()
    return replace(
        watcher.record,
        state=verdict.state,
        exit_code=verdict.exit_code,
        seconds=round(ended.seconds, 3),
        child_exit_code=ended.exit_code,
        steps=result.steps,
        steps_per_second=steps_per_second(result, measured),
        stages=result.seconds,
        metrics=measured.metrics,
        units=measured.units,
        evaluation=measured.rest,
        exception=verdict.exception,
        repairs=_repairs(result),
        findings=(
            *watcher.record.findings,
            *verdict.findings,
            *metrics_findings(measured),
            *artifact_findings(plan, folder, result, verdict.state),
        ),
    )


def _repairs(result: AgentResult) -> tuple[str, ...]:
    """Describe what the agent repaired so that the program could run."""
    return tuple(
        f"{hook.get('hook')}: {', '.join(map(str, as_list(hook['repaired'])))}"
        for hook in result.hooks
        if hook.get("repaired")
    )
