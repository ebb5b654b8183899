"""The guardian's work once the launcher is gone: its pipe has ended, and the record says what it says."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.codes import Exit
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.processes import guardian_program as guardian
from pmlaunch.processes.guardian import Guardian
from pmlaunch.support.json import to_json


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], str]]:
    """(groups, spec) of the processes that it would end."""
    calls: list[tuple[list[int], str]] = []
    monkeypatch.setattr(guardian, "end_processes", lambda pids, spec: calls.append((pids, spec)))
    monkeypatch.setattr(guardian.time, "sleep", lambda _: None)
    return calls


def after(folder: Path, monkeypatch: pytest.MonkeyPatch, told: bytes = b"") -> Any:
    """The record when the pipe has ended, with `told` in it."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(told)))
    guardian.main(str(folder))
    return json.loads((folder / "record.json").read_text(encoding="utf-8"))


def test_killed_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: list[Any]) -> None:
    earlier = to_json(Finding("PML116", Severity.WARNING, "走路"))
    (tmp_path / "record.json").write_text(json.dumps({"state": "running", "steps": 7, "findings": [earlier]}))
    record = after(tmp_path, monkeypatch, b"123\nnonsense\n456")
    assert (record["state"], record["exit_code"], record["steps"]) == (RunState.ABNORMAL.value, Exit.NO_VERDICT, 7)
    assert record["findings"][0] == earlier
    told = record["findings"][1]
    assert told["code"] == "PML332"
    assert list(told) == list(earlier), "a finding as the launcher writes it"
    assert ended == ([([123, 456], str(tmp_path / "spec.json"))] if os.name == "posix" else [])
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize("state", ["ended", *(state.value for state in RunState if state is not RunState.RUNNING)])
def test_launcher_that_ended_as_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: list[Any], state: str
) -> None:
    (tmp_path / "record.json").write_text(json.dumps({"state": state}))
    assert after(tmp_path, monkeypatch, b"123\n") == {"state": state}
    assert ended == []


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_run_that_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: list[Any], content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "record.json").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    guardian.main(str(tmp_path))
    assert ended == []
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if content is None else [content])


@pytest.mark.parametrize("refusals", [0, 3, 99])
def test_reader_of_the_record_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: list[Any], refusals: int
) -> None:
    real, times = os.replace, iter(range(1000))

    def replace(old: str, new: str) -> None:
        if next(times) < refusals:
            raise PermissionError(13, "somebody reads it")
        real(old, new)

    monkeypatch.setattr(guardian.os, "replace", replace)
    (tmp_path / "record.json").write_text(json.dumps({"state": "running"}))
    assert after(tmp_path, monkeypatch)["state"] == "abnormal"


def test_processes_are_known_by_the_run_that_they_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, own = "/runs/1/spec.json", str(os.getpid())
    mine = b"A=1\0PMLAUNCH_SPEC=" + os.fsencode(spec) + b"\0B=2\0"
    environments = {
        "10": mine,
        own: mine,
        "11": b"PMLAUNCH_SPEC=/runs/10/spec.json\0",
        "12": b"PMLAUNCH_SPEC=/runs/1/spec.json.old\0",
        "13": b"",
    }

    def read(path: str, _mode: str) -> io.BytesIO:
        number = path.split("/")[2]
        if number not in environments:
            raise PermissionError(13, "another user's")
        return io.BytesIO(environments[number])

    monkeypatch.setattr(guardian.os.path, "isdir", lambda _: True)
    monkeypatch.setattr(guardian.os, "listdir", lambda _: ["self", "cpuinfo", "14", *environments])
    monkeypatch.setattr(guardian, "open", read, raising=False)
    assert guardian.carriers(spec) == [10]


@pytest.mark.skipif(os.name != "posix", reason="skipped: on Windows the job object does it")
def test_processes_are_ended_until_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = iter([[7, 8], [8], []])
    killed: list[tuple[str, int, int]] = []
    monkeypatch.setattr(guardian, "carriers", lambda _: next(rounds))
    monkeypatch.setattr(guardian.time, "sleep", lambda _: None)

    def kill(pid: int, how: int) -> None:
        killed.append(("process", pid, how))
        if pid == 8:
            raise ProcessLookupError

    monkeypatch.setattr(guardian.os, "kill", kill)
    monkeypatch.setattr(guardian.os, "killpg", lambda pid, how: killed.append(("group", pid, how)))
    guardian.end_processes([5], "spec.json")
    assert {how for _, _, how in killed} == {signal.SIGKILL}
    assert [(what, pid) for what, pid, _ in killed] == [
        ("group", 5), ("process", 7), ("process", 8), ("group", 5), ("process", 8), ("group", 5),
    ]  # fmt: skip


def test_run_goes_on_without_a_guardian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("subprocess.Popen", refuse)
    guard = Guardian(tmp_path)
    guard.watch(1)
    guard.dismiss()
