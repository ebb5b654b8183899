"""What came of a run: result.json decides, never the exit code."""

from __future__ import annotations

from typing import Any

import pytest

from pmlaunch.model import RunState, Severity
from pmlaunch.running.verdict import Stop, Verdict, decide

BOOM = {"type": "RuntimeError", "message": "boom", "traceback": "Traceback"}
KEYBOARD = {"type": "KeyboardInterrupt", "message": "", "traceback": ""}
FINISHED = {"status": "finished", "exit_code": 0, "seconds": {"evaluation_finished": 9.0}}


def verdict_on(result: dict[str, Any] | None, **more: Any) -> Verdict:
    given: dict[str, Any] = {
        "stop": None,
        "stop_message": "",
        "other_ranks": [],
        "exit_code": 0,
        "tail": [],
        "must_finish": True,
    }
    return decide(result=result, **{**given, **more})


def summary(verdict: Verdict) -> tuple[RunState, int, list[str]]:
    return verdict.state, verdict.exit_code, [finding.code for finding in verdict.findings]


@pytest.mark.parametrize("status", ["finished", "closing"])
def test_done(status: str) -> None:
    assert summary(verdict_on({**FINISHED, "status": status})) == (RunState.DONE, 0, [])


def test_done_after_the_agreed_number_of_steps() -> None:
    result = {"status": "finished", "exit_code": 0, "stopped_by": "max_steps", "seconds": {}}
    assert summary(verdict_on(result)) == (RunState.DONE, 0, [])


def test_window_may_be_closed_before_the_evaluation_ends() -> None:
    result = {"status": "finished", "exit_code": 0, "seconds": {}}
    assert summary(verdict_on(result, must_finish=False)) == (RunState.DONE, 0, [])
    assert summary(verdict_on(result, must_finish=True)) == (RunState.ABNORMAL, 8, ["PML330"])


@pytest.mark.parametrize("exit_code", [-11, 1, 0xC0000005])
def test_crash_after_the_evaluation_is_a_warning(exit_code: int) -> None:
    verdict = verdict_on(FINISHED, exit_code=exit_code)
    assert summary(verdict) == (RunState.DONE, 0, ["PML330"])
    assert verdict.findings[0].severity is Severity.WARNING


@pytest.mark.parametrize("exit_code", [0, 1])
def test_exception_fails_whatever_the_exit_code(exit_code: int) -> None:
    verdict = verdict_on({"status": "closing", "exit_code": 1, "exception": BOOM}, exit_code=exit_code)
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])
    assert verdict.exception == {"type": "RuntimeError", "message": "boom"}


def test_exception_of_another_rank_fails_the_run() -> None:
    verdict = verdict_on(FINISHED, other_ranks=[{"status": "finished", "exception": BOOM}])
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])


def test_exit_without_an_exception_fails() -> None:
    verdict = verdict_on({**FINISHED, "exit_code": 7}, exit_code=7, tail=["usage: ..."])
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])
    assert "exit code 7" in verdict.findings[0].message
    assert verdict.findings[0].subject == "usage: ..."


@pytest.mark.parametrize("reason", ["interrupt", "stop_file", "max_seconds"])
def test_stopped_from_outside(reason: str) -> None:
    result = {"status": "finished", "exit_code": 130, "exception": KEYBOARD, "stopped_by": reason}
    state, exit_code, (code,) = summary(verdict_on(result, exit_code=130))
    assert (state, exit_code) == (RunState.INTERRUPTED, 130)
    assert code in ("PML322", "PML340")


@pytest.mark.parametrize("status", ["started", "running", "unheard of", None])
@pytest.mark.parametrize("exit_code", [0, -11])
def test_no_last_word_is_an_abnormal_end(status: str | None, exit_code: int) -> None:
    verdict = verdict_on({"status": status}, exit_code=exit_code, tail=["PhysX error"])
    assert summary(verdict) == (RunState.ABNORMAL, 8, ["PML330"])
    assert "PhysX error" in verdict.findings[0].message


@pytest.mark.parametrize("exit_code", [0, 1, -9, None])
def test_agent_that_was_never_reached(exit_code: int | None) -> None:
    assert summary(verdict_on(None, exit_code=exit_code)) == (RunState.ABNORMAL, 8, ["PML331"])


@pytest.mark.parametrize(
    ("stop", "state", "exit_code", "code"),
    [
        (Stop.INTERRUPT, RunState.INTERRUPTED, 130, "PML340"),
        (Stop.TIMEOUT, RunState.TIME_LIMIT, 7, "PML320"),
        (Stop.SILENCE, RunState.SILENT, 7, "PML321"),
        (Stop.DISK, RunState.ABNORMAL, 5, "PML204"),
    ],
)
@pytest.mark.parametrize("result", [None, FINISHED, {"status": "running", "exception": BOOM}])
def test_launcher_that_stopped_the_run_knows_why(
    stop: Stop, state: RunState, exit_code: int, code: str, result: dict[str, Any] | None
) -> None:
    verdict = verdict_on(result, stop=stop, stop_message="The reason.")
    assert summary(verdict) == (state, exit_code, [code])
    assert verdict.findings[0].message == "The reason."


def test_every_state_that_is_final_is_reached() -> None:
    """The table above is whole."""
    reached = {"done", "failed", "interrupted", "time_limit", "silent", "abnormal"}
    assert {state.value for state in RunState} == reached | {"running"}
