"""How a run ended: result.json decides, never the exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.model import RunState, Severity
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.running.agent_reports import AgentResult, agent_result
from pmlaunch.running.verdict import Evidence, RunVerdict, decide

BOOM = {"type": "RuntimeError", "message": "boom", "traceback": "Traceback"}
KEYBOARD = {"type": "KeyboardInterrupt", "message": "", "traceback": ""}
FINISHED = {"status": "finished", "exit_code": 0, "seconds": {"evaluation_finished": 9.0}}


def verdict_on(
    result: dict[str, Any] | None,
    exit_code: int | None = 0,
    tail: tuple[str, ...] = (),
    ending: Ending = Ending.EXITED,
    **more: Any,
) -> RunVerdict:
    ended = ChildResult(exit_code, tail, Path("output.log"), ending)
    evidence = Evidence(ended, result=agent_result(result) if result is not None else None, must_finish=True)
    return decide(replace(evidence, **more))


def summary(verdict: RunVerdict) -> tuple[RunState, int, list[str]]:
    return verdict.state, verdict.exit_code, [finding.code for finding in verdict.findings]


@pytest.mark.parametrize("status", ["finished", "closing"])
def test_done(status: str) -> None:
    assert summary(verdict_on({**FINISHED, "status": status})) == (RunState.DONE, 0, [])


def test_done_after_max_steps() -> None:
    result = {"status": "finished", "exit_code": 0, "stopped_by": "max_steps", "seconds": {}}
    assert summary(verdict_on(result)) == (RunState.DONE, 0, [])


def test_window_may_be_closed_early() -> None:
    result = {"status": "finished", "exit_code": 0, "seconds": {}}
    assert summary(verdict_on(result, must_finish=False)) == (RunState.DONE, 0, [])
    assert summary(verdict_on(result, must_finish=True)) == (RunState.ABNORMAL, 8, ["PML330"])


@pytest.mark.parametrize("exit_code", [-11, 1, 0xC0000005])
def test_crash_after_the_evaluation_is_a_warning(exit_code: int) -> None:
    verdict = verdict_on(FINISHED, exit_code=exit_code)
    assert summary(verdict) == (RunState.DONE, 0, ["PML330"])
    assert verdict.findings[0].severity is Severity.WARNING


@pytest.mark.parametrize("exit_code", [0, 1])
def test_exception_fails_the_run_regardless_of_the_exit_code(exit_code: int) -> None:
    verdict = verdict_on({"status": "closing", "exit_code": 1, "exception": BOOM}, exit_code=exit_code)
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])
    assert verdict.exception == {"type": "RuntimeError", "message": "boom"}


def test_exception_of_another_rank_fails_the_run() -> None:
    verdict = verdict_on(FINISHED, other_ranks=[AgentResult("finished", exception=BOOM)])
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])


def test_rank_that_lost_its_partner_leaves_the_word_to_it() -> None:
    lost = {
        "type": "RuntimeError",
        "message": "[gloo/transport/tcp/pair.cc:534] Connection closed by peer",
        "traceback": "",
    }
    first, second = AgentResult("finished", exception=lost), AgentResult("finished", exception=BOOM)
    verdict = verdict_on({"status": "finished", "exception": lost}, other_ranks=[first, second])
    assert verdict.exception == {name: BOOM[name] for name in ("type", "message")}
    alone = verdict_on({"status": "finished", "exception": lost})
    assert "Connection closed by peer" in alone.findings[0].message


def test_exception_of_another_rank_tells_more_than_a_missing_verdict() -> None:
    verdict = verdict_on({"status": "running"}, other_ranks=[AgentResult("finished", exception=BOOM)])
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])


def test_run_that_was_stopped_and_then_lingered() -> None:
    result = {"status": "finished", "exit_code": 130, "exception": KEYBOARD, "stopped_by": "stop_file"}
    verdict = verdict_on(result, ending=Ending.LINGERED)
    assert summary(verdict) == (RunState.INTERRUPTED, 130, ["PML322", "PML324"])
    assert verdict_on(None, ending=Ending.LINGERED).state is RunState.ABNORMAL


def test_exit_without_an_exception_fails() -> None:
    verdict = verdict_on({**FINISHED, "exit_code": 7}, exit_code=7, tail=("usage: ...",))
    assert summary(verdict) == (RunState.FAILED, 1, ["PML301"])
    assert "exited with code 7" in verdict.findings[0].message
    assert verdict.findings[0].subject == "usage: ..."


@pytest.mark.parametrize("reason", ["interrupt", "stop_file", "max_seconds"])
def test_stopped_from_outside(reason: str) -> None:
    result = {"status": "finished", "exit_code": 130, "exception": KEYBOARD, "stopped_by": reason}
    state, exit_code, (code,) = summary(verdict_on(result, exit_code=130))
    assert (state, exit_code) == (RunState.INTERRUPTED, 130)
    assert code in ("PML322", "PML340")


@pytest.mark.parametrize("status", ["started", "running", "unheard of", None])
@pytest.mark.parametrize("exit_code", [0, -11])
def test_result_without_a_final_status_is_abnormal(status: str | None, exit_code: int) -> None:
    verdict = verdict_on({"status": status}, exit_code=exit_code, tail=("PhysX error",))
    assert summary(verdict) == (RunState.ABNORMAL, 8, ["PML330"])
    assert "PhysX error" in verdict.findings[0].message


@pytest.mark.parametrize("exit_code", [0, 1, -9, None])
def test_agent_never_started(exit_code: int | None) -> None:
    assert summary(verdict_on(None, exit_code=exit_code)) == (RunState.ABNORMAL, 8, ["PML331"])


@pytest.mark.parametrize(
    ("ending", "state", "exit_code", "code"),
    [
        (Ending.INTERRUPTED, RunState.INTERRUPTED, 130, "PML340"),
        (Ending.TIME_LIMIT, RunState.TIME_LIMIT, 7, "PML320"),
        (Ending.SILENT, RunState.SILENT, 7, "PML321"),
        (Ending.LOG_FAILED, RunState.ABNORMAL, 5, "PML204"),
        (Ending.NOT_READY, RunState.TIME_LIMIT, 7, "PML323"),
    ],
)
@pytest.mark.parametrize(
    "result",
    [
        None,
        {"status": "running", "exception": BOOM},
        {"status": "finished", "exit_code": 130, "exception": KEYBOARD, "stopped_by": "stop_file"},
        {**FINISHED, "stopped_by": "stop_file"},
    ],
)
def test_stopped_by_the_launcher(
    ending: Ending, state: RunState, exit_code: int, code: str, result: dict[str, Any] | None
) -> None:
    verdict = verdict_on(result, ending=ending, stop_message="The reason.")
    assert summary(verdict) == (state, exit_code, [code])
    assert verdict.findings[0].message == "The reason."


STOPS = [ending for ending in Ending if ending is not Ending.EXITED]


@pytest.mark.parametrize("ending", STOPS)
@pytest.mark.parametrize("exit_code", [-9, 1, None])
@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (FINISHED, (RunState.DONE, 0, ["PML324"])),
        ({**FINISHED, "status": "closing"}, (RunState.DONE, 0, ["PML324"])),
        ({"status": "finished", "exit_code": 0, "stopped_by": "max_steps"}, (RunState.DONE, 0, ["PML324"])),
        ({"status": "closing", "exit_code": 1, "exception": BOOM}, (RunState.FAILED, 1, ["PML301", "PML324"])),
        ({**FINISHED, "exit_code": 7}, (RunState.FAILED, 1, ["PML301", "PML324"])),
        ({"status": "closing", "exit_code": 0}, (RunState.ABNORMAL, 8, ["PML330", "PML324"])),
    ],
)
def test_verdict_outlasts_the_process(
    ending: Ending, exit_code: int | None, result: dict[str, Any], expected: tuple[RunState, int, list[str]]
) -> None:
    verdict = verdict_on(result, exit_code=exit_code, ending=ending)
    assert summary(verdict) == expected
    note = verdict.findings[-1]
    assert note.severity is Severity.NOTE
    assert "SIGKILL" not in str(verdict.findings), "how pmlaunch ended it says nothing about the program"


def test_program_that_finishes_although_it_was_asked_to_stop() -> None:
    verdict = verdict_on(FINISHED, ending=Ending.INTERRUPTED, stop_message="Interrupted.")
    assert summary(verdict) == (RunState.DONE, 0, ["PML324"])


def test_start_that_takes_too_long_names_the_next_step() -> None:
    verdict = verdict_on(None, ending=Ending.NOT_READY, stop_message="The reason.")
    assert "output.log" in str(verdict.findings[0].hint)


def test_eula_has_its_own_exit_code() -> None:
    said = {"type": "SystemExit", "message": "EULA not accepted. Set OMNI_KIT_ACCEPT_EULA=YES", "traceback": ""}
    result = {"status": "finished", "exit_code": 1, "exception": said}
    verdict = verdict_on(result, exit_code=1, python="/lab/python")
    assert summary(verdict) == (RunState.FAILED, 5, ["PML217"])
    tail = ("Do you accept the EULA? (Yes/No): Traceback", "EOFError: EOF when reading a line")
    verdict = verdict_on(None, exit_code=1, tail=tail, python="/lab/python")
    assert summary(verdict) == (RunState.ABNORMAL, 5, ["PML217"])
    assert '"/lab/python" -c "import isaacsim"' in str(verdict.findings[0].hint)


def test_every_final_state_is_tested() -> None:
    reached = {"done", "failed", "interrupted", "time_limit", "silent", "abnormal"}
    assert {state.value for state in RunState} == reached | {"running"}


@pytest.mark.parametrize(
    "document",
    [
        {"status": 3, "exit_code": "x", "exception": "boom", "stopped_by": [], "seconds": 4, "hooks_applied": 5},
        {"status": "finished", "exit_code": 0, "steps": "many", "seconds": {"evaluation_finished": [1], "a": 10**400}},
        {"status": "finished", "exception": {"type": 1, "message": None, "cause": 7}, "left_out": [3, {}]},
    ],
)
def test_malformed_result_cannot_crash_the_launcher(document: dict[str, Any]) -> None:
    assert verdict_on(document).state is not RunState.DONE
