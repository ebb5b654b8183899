"""Decide how a run ended. result.json counts, never the exit code: isaaclab.bat returns 0 after a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pmlaunch.codes import CODES, Exit
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.running.agent_reports import AgentResult
from pmlaunch.running.diagnosis import (
    describe_exit,
    diagnose_exception,
    diagnose_exit,
    last_words,
    lost_its_partner,
    name_of_exit,
)
from pmlaunch.runtimes.batch_rules import BatchFile

_STOPPED = {
    Ending.INTERRUPTED: (RunState.INTERRUPTED, Exit.INTERRUPTED, "PML340"),
    Ending.TIME_LIMIT: (RunState.TIME_LIMIT, Exit.TIME, "PML320"),
    Ending.SILENT: (RunState.SILENT, Exit.TIME, "PML321"),
    Ending.LOG_FAILED: (RunState.ABNORMAL, Exit.ENVIRONMENT, "PML204"),
    Ending.NOT_READY: (RunState.TIME_LIMIT, Exit.TIME, "PML323"),
}


@dataclass(frozen=True)
class RunVerdict:
    """State, exit code and findings of a run that has ended."""

    state: RunState
    exit_code: int
    findings: tuple[Finding, ...] = ()
    exception: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Evidence:
    """What a run left behind.

    Attributes:
        ended: how its process ended. The exit code is reported, but not believed.
        stop_message: why the launcher stopped it, if it did.
        result: the agent's result.json; None if there is none.
        other_ranks: the results of rank 1 and up.
        must_finish: whether the evaluation has to come to its end; a window may be closed before.
        batch: the batch file that was started, if it was one.
        python: the path of the run's Python, if it is known.
        num_envs: how many environments the run had.
    """

    ended: ChildResult
    stop_message: str = ""
    result: AgentResult | None = None
    other_ranks: Sequence[AgentResult] = ()
    must_finish: bool = False
    batch: BatchFile | None = None
    python: str | None = None
    num_envs: int = 1


def decide(found: Evidence) -> RunVerdict:
    """Return the verdict on a run that has ended. Stopping a run does not change a result it already reported."""
    ended, result = found.ended, found.result
    if ended.ending is Ending.EXITED:
        return _judge(found, ended.exit_code)
    if ended.ending in _STOPPED and not (result and result.is_own_end):
        state, exit_code, code = _STOPPED[ended.ending]
        hint = CODES[code].cure if ended.ending is Ending.NOT_READY else None
        return RunVerdict(state, exit_code, (Finding(code, Severity.ERROR, found.stop_message, hint),))
    verdict = _judge(found, result.exit_code if result else None)
    message = "pmlaunch had to stop the process, but the program had already written its verdict, which counts."
    return replace(verdict, findings=(*verdict.findings, Finding("PML324", Severity.NOTE, message)))


def _judge(found: Evidence, exit_code: int | None) -> RunVerdict:
    """Return the verdict on a program that ended with `exit_code`, ignoring whether it was stopped."""
    tail, result = found.ended.tail, found.result
    ranks = (result, *found.other_ranks) if result else ()
    raised = [each.exception for each in ranks if each.exception and not each.stopped_from_outside]
    if raised:
        exception = min(raised, key=lost_its_partner)
        kept = {name: str(exception.get(name, "")) for name in ("type", "message")}
        finding = diagnose_exception(exception, tail, found.python, found.num_envs)
        return RunVerdict(RunState.FAILED, CODES[finding.code].exit_code, (finding,), kept)
    if result and result.stopped_from_outside:
        return _error(RunState.INTERRUPTED, Exit.INTERRUPTED, "PML322", "The run was stopped from outside.")
    if not (result and result.is_final):
        finding = diagnose_exit(exit_code, result is not None, tail, found.batch, found.python)
        return RunVerdict(RunState.ABNORMAL, CODES[finding.code].exit_code, (finding,))
    if result.exit_code:
        message = f"The program exited with code {result.exit_code} and no exception."
        return _error(RunState.FAILED, Exit.FAILED, "PML301", message, last_words(tail))
    if found.must_finish and result.stopped_by is None and "evaluation_finished" not in result.seconds:
        how = describe_exit(exit_code, found.batch)
        message = f"The program ended before the evaluation did, with {how} and no exception."
        return _error(RunState.ABNORMAL, Exit.NO_VERDICT, "PML330", message)
    if exit_code:  # a crash after the evaluation does not change the result
        message = f"The evaluation finished, but then the program ended with {name_of_exit(exit_code)}."
        return RunVerdict(RunState.DONE, Exit.DONE, (Finding("PML330", Severity.WARNING, message),))
    return RunVerdict(RunState.DONE, Exit.DONE)


def _error(state: RunState, exit_code: int, code: str, message: str, subject: str | None = None) -> RunVerdict:
    return RunVerdict(state, exit_code, (Finding(code, Severity.ERROR, message, subject=subject),))
