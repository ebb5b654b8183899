"""What the guardian does once its pipe has ended."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.codes import Exit
from pmlaunch.model import Finding, RunState, Severity
from pmlaunch.processes import guardian_program as guardian
from pmlaunch.processes.guardian import Guardian
from pmlaunch.support.json import to_json

MARK = "PMLAUNCH_SPEC=/runs/1/spec.json"


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], str]]:
    """(groups, mark) of the processes that the guardian would kill."""
    calls: list[tuple[list[int], str]] = []
    monkeypatch.setattr(guardian, "end_processes", lambda groups, mark: calls.append((groups, mark)))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return calls


def run_guardian(monkeypatch: pytest.MonkeyPatch, told: bytes, record: Path | None) -> Any:
    """Run it with `told` in its pipe; return the record."""
    monkeypatch.setattr(guardian, "listen", lambda _: told.split())
    guardian.main(MARK, *([str(record)] if record else []))
    return json.loads(record.read_text(encoding="utf-8")) if record and record.exists() else None


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"state": "running"}), encoding="utf-8")
    return path


def test_killed_launcher(record: Path, monkeypatch: pytest.MonkeyPatch, killed: list[Any]) -> None:
    earlier = to_json(Finding("PML116", Severity.WARNING, "走路"))
    record.write_text(json.dumps({"state": "running", "steps": 7, "findings": [earlier]}))
    written = run_guardian(monkeypatch, b"123\nnonsense\n456", record)
    assert (written["state"], written["exit_code"], written["steps"]) == ("abnormal", Exit.NO_VERDICT, 7)
    assert written["findings"][0] == earlier
    added = written["findings"][1]
    assert added["code"] == "PML332"
    assert list(added) == list(earlier), "has the keys of a finding that the launcher writes"
    assert killed == ([([123, 456], MARK)] if os.name == "posix" else [])
    assert [path.name for path in record.parent.iterdir()] == ["record.json"]


@pytest.mark.usefixtures("killed")
def test_every_run_of_a_process_is_corrected(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done, waiting = record.with_name("done.json"), record.with_name("waiting.json")
    done.write_text(json.dumps({"state": "done"}))
    waiting.write_text(json.dumps({"state": "running"}))
    monkeypatch.setattr(guardian, "listen", lambda _: [b"123"])
    guardian.main(MARK, str(done), str(record), str(waiting))
    assert [json.loads(path.read_text())["state"] for path in (done, record, waiting)] == [
        "done",
        "abnormal",
        "abnormal",
    ]


@pytest.mark.parametrize("told", [b"done\n", b"123\ndone\n"])
def test_dismissed_guardian_does_nothing(
    record: Path, monkeypatch: pytest.MonkeyPatch, killed: list[Any], told: bytes
) -> None:
    assert run_guardian(monkeypatch, told, record) == {"state": "running"}
    assert killed == []


@pytest.mark.parametrize("state", [state.value for state in RunState if state is not RunState.RUNNING])
def test_launcher_killed_after_the_record_was_final(
    record: Path, monkeypatch: pytest.MonkeyPatch, killed: list[Any], state: str
) -> None:
    record.write_text(json.dumps({"state": state}))
    assert run_guardian(monkeypatch, b"123\n", record) == {"state": state}
    assert killed == []


@pytest.mark.parametrize("content", [None, b"{", b"\xff", b"[]"])
def test_processes_are_killed_even_if_the_record_is_unusable(
    record: Path, monkeypatch: pytest.MonkeyPatch, killed: list[Any], content: bytes | None
) -> None:
    record.unlink()
    if content is not None:
        record.write_bytes(content)
    monkeypatch.setattr(guardian, "listen", lambda _: [b"7"])
    guardian.main(MARK, str(record))
    assert killed == ([([7], MARK)] if os.name == "posix" else [])
    assert [path.read_bytes() for path in record.parent.iterdir()] == ([] if content is None else [content])


def test_without_a_record(monkeypatch: pytest.MonkeyPatch, killed: list[Any]) -> None:
    run_guardian(monkeypatch, b"7\n", None)
    assert killed == ([([7], MARK)] if os.name == "posix" else [])


@pytest.mark.parametrize("refusals", [0, 3, 99])
def test_waits_for_readers_of_the_record(
    record: Path, monkeypatch: pytest.MonkeyPatch, killed: list[Any], refusals: int
) -> None:
    real, times = os.replace, iter(range(1000))

    def replace(old: str, new: str) -> None:
        if next(times) < refusals:
            raise PermissionError(13, "in use")
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    assert run_guardian(monkeypatch, b"", record)["state"] == "abnormal"


def test_processes_are_recognised_by_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    own, mark = str(os.getpid()), os.fsencode(MARK)
    environments = {
        "10": b"A=1\0" + mark + b"\0B=2\0",
        "11": mark + b"\0",
        own: mark + b"\0",
        "12": b"PMLAUNCH_SPEC=/runs/10/spec.json\0",
        "13": mark + b".old\0",
        "14": b"MY_" + mark + b"\0",
        "15": b"",
    }

    def read(path: str, _mode: str) -> io.BytesIO:
        number = path.split("/")[2]
        if number not in environments:
            raise PermissionError(13, "belongs to another user")
        return io.BytesIO(environments[number])

    monkeypatch.setattr(os.path, "isdir", lambda _: True)
    monkeypatch.setattr(os, "listdir", lambda _: ["self", "cpuinfo", "16", *environments])
    monkeypatch.setattr(guardian, "open", read, raising=False)
    assert guardian.marked(MARK) == [10, 11]


@pytest.mark.skipif(os.name != "posix", reason="skipped: on Windows the job object does it")
def test_processes_are_killed_until_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = iter([[7, 8], [], [8], [], []])
    killed: list[tuple[str, int, int]] = []
    monkeypatch.setattr(guardian, "marked", lambda _: next(rounds))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def kill(pid: int, how: int) -> None:
        killed.append(("process", pid, how))
        if pid == 8:
            raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(os, "killpg", lambda pid, how: killed.append(("group", pid, how)))
    guardian.end_processes([5], MARK, quiet=2)
    assert {how for _, _, how in killed} == {signal.SIGKILL}
    assert [(what, pid) for what, pid, _ in killed] == [
        ("group", 5), ("process", 7), ("process", 8), ("group", 5), ("group", 5), ("process", 8), ("group", 5), ("group", 5),
    ]  # fmt: skip


def test_missing_guardian_does_not_stop_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("subprocess.Popen", refuse)
    with Guardian("mark") as guard:
        guard.watch(1)


@pytest.mark.hostile
@pytest.mark.parametrize("findings", [None, 3, "x", {}])
def test_findings_of_a_wrong_type_are_replaced(findings: object) -> None:
    record = guardian.abnormal({"state": "running", "findings": findings})
    assert [finding["code"] for finding in record["findings"]] == ["PML332"]


@pytest.mark.hostile
def test_record_that_is_nested_too_deeply_is_none(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"a":' + "[" * 200_000)
    assert guardian.read(str(tmp_path / "record.json")) is None
    assert guardian.read(str(tmp_path)) is None
