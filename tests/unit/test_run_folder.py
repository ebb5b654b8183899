"""Run folders, their files and events: names, and writing in one step."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.running.agent_reports import EventTail
from pmlaunch.running.run_folder import RunFolder

NOW = datetime(2025, 1, 2, 3, 4, 5)
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
READ_ONLY = OSError(errno.EROFS, "Read-only file system")


def folder(tmp_path: Path, model: str = "demo", motion: str | None = "walk") -> RunFolder:
    return RunFolder.create(tmp_path / "runs", model, motion, NOW)


def raising(error: OSError) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("model", "motion", "name"),
    [
        ("masked_mimic", "smpl_humanoid_walk", "masked_mimic-smpl_humanoid_walk"),
        ("demo", None, "demo"),
        ("my run", "a b&c", "my_run-a_b_c"),
        ("../../etc", "x/..\\y", "etc-x_.._y"),
        ("100%PATH%!", "a'\"b", "100_PATH-a_b"),
        ("走路", "动作 行走", "走路-动作_行走"),
        ("हिन्दी", "été", "हिन्दी-été"),
        (
            "e\u0301te\u0301",
            "🚶\u202ego\u00a0",
            "été-go",
        ),  # composed form; no control characters that reverse the text
        ("\udcff", "a：b", "a_b"),
        ("m" * 200, "w", "m" * 60 + "-w"),
        ("m" * 59 + ". x", "w", "m" * 59 + "-w"),
        ("走" * 100, "w", "走" * 33 + "-w"),
        ("CON: *?", "<>|", "CON"),
        ("demo", "NUL", "demo-NUL"),
        ("COM1", "com1.txt", "COM1-com1.txt"),
    ],
)
def test_name_is_safe_for_file_systems_and_batch_files(
    tmp_path: Path, model: str, motion: str | None, name: str
) -> None:
    made = folder(tmp_path, model, motion).path
    assert made.name == f"20250102-030405-{name}"
    assert made.parent == tmp_path / "runs"
    assert made.is_dir()


@pytest.mark.parametrize("sign", ["a", "é", "走", "𠀀", "\u0301", "न"])
@pytest.mark.parametrize("count", range(1, 130, 7))
def test_length_of_the_name(tmp_path: Path, sign: str, count: int) -> None:
    name = folder(tmp_path, sign * count, sign * count).path.name
    assert len(name) <= 15 + 2 * (1 + 60)
    assert len(name.encode()) + len("-999") <= 255


@pytest.mark.parametrize("runs", [3, 88, 100, 149, 150])
@pytest.mark.parametrize("motion", ["walk", "w" * 200, None])
def test_longest_path_in_a_run_folder_on_windows(
    monkeypatch: pytest.MonkeyPatch, runs: int, motion: str | None
) -> None:
    made: list[Path] = []
    taken = iter([True] * 998)

    def mkdir(path: Path, **options: Any) -> None:
        if not options and next(taken, False):
            raise FileExistsError
        made.append(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr("pmlaunch.running.run_folder.os", SimpleNamespace(name="nt"))
    place = Path("r" * runs)
    path = RunFolder.create(place, "m" * 60, motion, NOW).path
    assert path.name.endswith("-999")
    temporary = path / ".result.json.abcdefgh.tmp"  # see atomic.py
    assert len(str(temporary)) <= 259
    assert len(str(path)) < 248, "Windows reserves 12 characters of a folder's path for a DOS file name"
    assert (motion == "walk") <= path.name.endswith("-walk-999"), "only the longer name is cut"
    whole = "-".join(["m" * 60, *([motion[:60]] if motion else [])])
    fits = len(str(place / f"20250102-030405-{whole}-999" / temporary.name)) <= 259
    assert (path.name == f"20250102-030405-{whole}-999") == fits, "a name that fits is not cut"


def test_folders_created_in_the_same_second_differ(tmp_path: Path) -> None:
    assert [folder(tmp_path).path.name[-6:] for _ in range(3)] == ["o-walk", "walk-2", "walk-3"]


@pytest.mark.parametrize("error", [NO_SPACE, READ_ONLY])
def test_folder_cannot_be_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    monkeypatch.setattr(Path, "mkdir", raising(error))
    with pytest.raises(PmlaunchError) as caught:
        folder(tmp_path)
    assert (caught.value.code, caught.value.exit_code, caught.value.subject) == ("PML204", 5, str(tmp_path / "runs"))
    assert str(error.strerror) in caught.value.message
    assert "--runs DIR" in (caught.value.hint or "")


def test_runs_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(PmlaunchError) as caught:
        folder(tmp_path)
    assert caught.value.code == "PML204"


@pytest.mark.parametrize("error", [NO_SPACE, READ_ONLY])
@pytest.mark.parametrize("place", ["write_bytes", "replace"])
def test_failed_write_keeps_the_old_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, place: str
) -> None:
    run = folder(tmp_path)
    run.write("record.json", {"state": "running"})
    monkeypatch.setattr(Path, place, raising(error))
    with pytest.raises(PmlaunchError) as caught:
        run.write("record.json", {"state": "done"})
    monkeypatch.undo()
    assert caught.value.code == "PML204"
    assert run.read("record.json") == {"state": "running"}
    assert os.listdir(run.path) == ["record.json"]


def test_failed_first_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = folder(tmp_path)
    monkeypatch.setattr(Path, "replace", raising(NO_SPACE))
    with pytest.raises(PmlaunchError):
        run.write("record.json", {"state": "running"})
    assert os.listdir(run.path) == []


def test_documents_round_trip(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.write("result.rank1.json", {"name": "走路"})
    run.write("result.rank2.json", {"rank": 2})
    assert "走路" in run.file("result.rank1.json").read_text(encoding="utf-8")
    assert run.read_all("result.rank*.json") == [{"name": "走路"}, {"rank": 2}]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe"])
def test_invalid_document_is_none(tmp_path: Path, content: bytes) -> None:
    run = folder(tmp_path)
    run.file("result.json").write_bytes(content)
    assert run.read("result.json") is None
    assert run.read("gone.json") is None
    assert run.read_all("*.json") == []


def test_discard(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.write("plan.json", {})
    run.discard()
    run.discard()
    assert not run.path.exists()


def line(**event: Any) -> bytes:
    return json.dumps(event).encode() + b"\n"


def test_events_are_read_once_and_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    first, second = line(event="started"), line(event="step", n=1, name="走路")
    path.write_bytes(first + second[:10])
    assert tail.read() == [{"event": "started"}]
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(second[10:-1])
        file.flush()
        assert tail.read() == []
        file.write(second[-1:] + first)
    assert tail.read() == [{"event": "step", "n": 1, "name": "走路"}, {"event": "started"}]
    assert tail.read() == []


@pytest.mark.parametrize(
    "broken", [b"not json\n", b"[1]\n", b"{}\n", b"\n", b"\xff\xfe\n", b"null\n", b"[" * 100_000 + b"\n"]
)
def test_invalid_event_is_skipped(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(event="a") + broken + line(event="b"))
    assert [event["event"] for event in EventTail(path).read()] == ["a", "b"]
