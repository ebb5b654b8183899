"""What came of a run. result.json decides, never the exit code: isaaclab.bat returns 0 after a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pmlaunch.codes import CODES, Exit
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.running.diagnosis import diagnose_exception, diagnose_exit, last_words, name_of_exit, told_exit
from pmlaunch.runtimes.batch_rules import BatchFile


class Stop(str, Enum):
    """Why the launcher ended a run."""

    INTERRUPT = "interrupt"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    DISK = "disk"


@dataclass(frozen=True)
class Verdict:
    """State, exit code and findings of a run that has ended."""

    state: RunState
    exit_code: int
    findings: tuple[Finding, ...] = ()
    exception: Mapping[str, str] | None = None


def decide(
    *,
    stop: Stop | None,
    stop_message: str,
    result: Mapping[str, Any] | None,
    other_ranks: Sequence[Mapping[str, Any]],
    exit_code: int | None,
    tail: Sequence[str],
    must_finish: bool = False,
    batch: BatchFile | None = None,
) -> Verdict:
    """The verdict on a run that has ended.

    Args:
        stop: why the launcher ended it; None when it ended by itself.
        stop_message: the sentence for that.
        result: the agent's result.json; None when there is none.
        other_ranks: the results of rank 1 and up.
        exit_code: of the process that was started; told, but not believed.
        tail: the last lines of its output.
        batch: the batch file that was started, if it was one.
        must_finish: a headless run ends when its evaluation does; a window may be closed before.
    """
    if stop is not None:
        return _stopped(stop, stop_message)
    if result is None:
        finding = diagnose_exit(exit_code, False, tail, batch)
        return Verdict(RunState.ABNORMAL, CODES[finding.code].exit_code, (finding,))
    for each in (result, *other_ranks):
        if each.get("exception") and each.get("stopped_by") not in ("interrupt", "stop_file", "max_seconds"):
            return _failed(each["exception"], tail)
    if result.get("stopped_by") in ("interrupt", "stop_file", "max_seconds"):
        message = "The run was stopped from outside."
        return Verdict(RunState.INTERRUPTED, Exit.INTERRUPTED, (Finding("PML322", Severity.ERROR, message),))
    if result.get("status") not in ("finished", "closing"):
        finding = diagnose_exit(exit_code, True, tail, batch)
        return Verdict(RunState.ABNORMAL, Exit.NO_VERDICT, (finding,))
    if result.get("exit_code"):
        message = f"The program ended itself with exit code {result['exit_code']} and no exception."
        finding = Finding("PML301", Severity.ERROR, message, None, None, last_words(tail))
        return Verdict(RunState.FAILED, Exit.FAILED, (finding,))
    if must_finish and result.get("stopped_by") is None and "evaluation_finished" not in (result.get("seconds") or {}):
        message = f"The program ended before the evaluation did, with {told_exit(exit_code, batch)} and no exception."
        return Verdict(RunState.ABNORMAL, Exit.NO_VERDICT, (Finding("PML330", Severity.ERROR, message),))
    return Verdict(RunState.DONE, Exit.DONE, _afterwards(exit_code))


def _stopped(stop: Stop, message: str) -> Verdict:
    state, exit_code, code = {
        Stop.INTERRUPT: (RunState.INTERRUPTED, Exit.INTERRUPTED, "PML340"),
        Stop.TIMEOUT: (RunState.TIME_LIMIT, Exit.TIME, "PML320"),
        Stop.SILENCE: (RunState.SILENT, Exit.TIME, "PML321"),
        Stop.DISK: (RunState.ABNORMAL, Exit.ENVIRONMENT, "PML204"),
    }[stop]
    return Verdict(state, exit_code, (Finding(code, Severity.ERROR, message),))


def _failed(exception: Mapping[str, Any], tail: Sequence[str]) -> Verdict:
    finding = diagnose_exception(exception, tail)
    kept = {name: str(exception.get(name, "")) for name in ("type", "message")}
    return Verdict(RunState.FAILED, Exit.FAILED, (finding,), kept)


def _afterwards(exit_code: int | None) -> tuple[Finding, ...]:
    """The evaluation is done; a crash of the program on its way out is told, and changes nothing."""
    if not exit_code:
        return ()
    message = f"The evaluation finished; afterwards the program ended with {name_of_exit(exit_code)}."
    return (Finding("PML330", Severity.WARNING, message),)
