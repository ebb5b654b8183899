"""A run from the creation of its folder to its final record."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from pmlaunch.codes import CODES
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, LaunchPlan, RunRecord, RunState, Severity
from pmlaunch.processes.child import created
from pmlaunch.processes.supervise import ChildResult
from pmlaunch.request import Asked
from pmlaunch.running.agent_reports import OTHER_RANKS, RESULT_FILE, AgentResult, agent_result
from pmlaunch.running.artifacts import artifact_findings
from pmlaunch.running.asked import chosen_by
from pmlaunch.running.measurement import missing_evidence
from pmlaunch.running.metrics import RunMetrics, metrics_findings, read_metrics, steps_per_second
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.running.verdict import Evidence, decide
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.support.json import as_list

_STOPPED = (RunState.INTERRUPTED, RunState.TIME_LIMIT, RunState.SILENT)


@dataclass(frozen=True)
class PreparedRun:
    """A run that may start: its plan, what the checks found, and how it was asked for."""

    plan: LaunchPlan
    findings: tuple[Finding, ...] = ()
    asked: Asked | None = None


@dataclass
class StartedRun:
    """A run with a folder. `record` is what record.json says, `begun` when its own part of the process began."""

    plan: LaunchPlan
    folder: RunFolder
    record: RunRecord
    begun: float = field(default_factory=time.monotonic)

    @classmethod
    def create(cls, prepared: PreparedRun) -> StartedRun:
        """Create the folder. Raises PML204 if that fails."""
        now = datetime.now(timezone.utc)
        plan, asked = prepared.plan, prepared.asked
        folder = RunFolder.create(plan.runs, plan.model, _motion_name(plan), now.astimezone())
        record = RunRecord(
            folder.path,
            RunState.RUNNING,
            None,
            _text(now),
            launcher=identity(os.getpid()),
            not_evaluated=tuple(motion.name for motion in plan.left_out if motion.problem),
            findings=prepared.findings,
            asked=asked and chosen_by(asked, plan),
        )
        return cls(plan, folder, record)

    def write(self, **changes: Any) -> None:
        """Change the record. On a disk that is full now, only the final one is certain to be written."""
        self.record = replace(self.record, **changes)
        with contextlib.suppress(PmlaunchError):
            self.folder.write(RECORD, self.record)

    def begin(self) -> None:
        """The runs before this one, in the same process, have ended."""
        self.begun = time.monotonic()
        self.write(started=_text(datetime.now(timezone.utc)))

    def conclude(self, ended: ChildResult, stop_message: str = "") -> None:
        """Make the record final: the run has ended, and so has its process unless others follow."""
        self.record = _concluded(self.plan, self.folder, self.record, ended, stop_message)

    def conclude_unbegun(self, last: RunRecord) -> None:
        """Make the record final: the process ended in the run whose record is `last`, before it came to this one."""
        state = last.state if last.state in _STOPPED else RunState.ABNORMAL
        message = f"This evaluation was not begun, because the process that it shares ended during {last.folder.name}."
        finding = Finding("PML391", Severity.ERROR, message, subject=str(last.folder))
        code = last.exit_code if state in _STOPPED else CODES[finding.code].exit_code
        self.record = replace(
            self.record, state=state, exit_code=code, findings=(*self.record.findings, finding), seconds=0.0
        )


def _motion_name(plan: LaunchPlan) -> str | None:
    if not plan.motions:
        return None
    name, others = plan.motions[0].name, len(plan.motions) - 1
    return f"{name}-and-{others}-more" if others else name


def _text(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def identity(pid: int) -> dict[str, float] | None:
    """Return {pid, created} of a process, or None if it is gone."""
    creation = created(pid)
    return {"pid": pid, "created": creation} if creation is not None else None


def _concluded(
    plan: LaunchPlan, folder: RunFolder, record: RunRecord, ended: ChildResult, stop_message: str
) -> RunRecord:
    """Return the final record of a run that has ended."""
    document = folder.read(RESULT_FILE)
    result = agent_result(document) if document is not None else None
    ranks = [agent_result(other) for other in folder.read_all(OTHER_RANKS)]
    batch, python = BatchFile.of(plan.runtime), plan.runtime.python.path if plan.runtime.python else None
    evidence = Evidence(ended, stop_message, result, ranks, plan.headless, batch, python, plan.num_envs)
    verdict = decide(evidence)
    result = result or AgentResult()
    if verdict.state is RunState.DONE and (missing := missing_evidence(plan, folder, result)) is not None:
        failed = CODES[missing.code].exit_code
        verdict = replace(verdict, state=RunState.FAILED, exit_code=failed, findings=(*verdict.findings, missing))
    measured = read_metrics(folder) if plan.metrics else RunMetrics()
    return replace(
        record,
        state=verdict.state,
        exit_code=verdict.exit_code,
        seconds=_seconds(result, ended),
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
            *record.findings,
            *verdict.findings,
            *metrics_findings(measured),
            *artifact_findings(plan, folder, result, verdict.state),
        ),
    )


def _seconds(result: AgentResult, ended: ChildResult) -> float:
    """Wall time of the run; of one that others came before, as its program counted: the launcher may look late."""
    begin, end = (result.seconds.get(name) for name in ("evaluated_others", "total"))
    return round(ended.seconds if begin is None or end is None else max(end - begin, 0.0), 3)


def _repairs(result: AgentResult) -> tuple[str, ...]:
    """Describe what the agent repaired so that the program could run."""
    return tuple(
        f"{hook.get('hook')}: {', '.join(map(str, as_list(hook['repaired'])))}"
        for hook in result.hooks
        if hook.get("repaired")
    )
