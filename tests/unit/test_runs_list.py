"""`pmlaunch runs list`: order, filters, and an index that never tells anything but what the run folders do."""

from __future__ import annotations

import io
import os
import re
import sqlite3
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.cli.render.runs import draw_runs
from pmlaunch.cli.render.terminal import console_on
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.runs.index import FILE, runs_in
from pmlaunch.runs.selection import find_run, time_before
from run_folders import make_run, write

Json = Callable[..., dict[str, Any]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs; their names do not have the order of their starts."""
    folder = tmp_path / "runs"
    make_run(folder, "b-middle", started="2026-11-20T10:00:00+00:00")
    make_run(folder, "a-newest", model="masked_mimic", started="2026-11-21T10:00:00+00:00")
    make_run(folder, "c-oldest", state="failed", exit_code=1, started="2026-11-19T10:00:00+00:00")
    return folder


def names(runs: Path) -> list[str]:
    return [each.name for each in runs_in(runs)]


def test_newest_run_is_first(as_json: Json, runs: Path) -> None:
    listed = as_json("runs", "list")["data"]["runs"]
    assert [each["name"] for each in listed] == ["a-newest", "b-middle", "c-oldest"]
    expected = {"state": "done", "model": "masked_mimic", "motions": 1, "success": 1.0, "error": 0.01, "seconds": 20.5}
    assert expected.items() <= listed[0].items()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--model", "Masked-Mimic"], ["a-newest"]),
        (["--state", "failed"], ["c-oldest"]),
        (["--since", "2026-11-20"], ["a-newest", "b-middle"]),
        (["--model", "demo", "--since", "2026-11-20"], ["b-middle"]),
        (["--model", "nobody"], []),
    ],
)
def test_filters(runs: Path, capsys: pytest.CaptureFixture[str], options: list[str], expected: list[str]) -> None:
    assert run(["runs", "list", "-q", "--runs", str(runs), *options]) == 0
    assert capsys.readouterr().out.split() == expected


def test_table_names_states_and_what_it_left_out(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "list", "--runs", str(runs), "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert "a-newest" in shown
    assert "1.0 cm" in shown
    assert "c-oldest" not in shown
    assert "1 older run:" in shown


@pytest.mark.parametrize(("typed", "expected"), [([], "table"), (["-q"], "names"), (["--json"], "json")])
def test_runs_alone_lists_them(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: list[str], expected: str
) -> None:
    monkeypatch.chdir(runs.parent)
    assert run(["runs", *typed]) == 0
    found = capsys.readouterr().out
    assert {"table": "3 runs in", "names": "a-newest\nb-middle\n", "json": '"command": "runs list"'}[expected] in found
    assert run(["runs", "--help"]) == 0
    assert "compare" in capsys.readouterr().out


def test_skipped_motions_are_counted(as_json: Json, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(runs, "d-skipped", not_evaluated=["cut", "broken"])
    for _ in range(2):  # from the record, then from the index
        assert run(["runs", "list", "--runs", str(runs)]) == 0
        assert "1, 2 skipped" in capsys.readouterr().out
    assert as_json("runs", "show", "d-skipped", "--runs", str(runs))["data"]["not_evaluated"] == ["cut", "broken"]
    assert run(["runs", "show", "d-skipped", "--runs", str(runs)]) == 0
    assert "not evaluated, because they cannot be played: cut, broken" in capsys.readouterr().out


def test_long_names_are_shown_whole_on_a_narrow_console(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "20261120-100000-" + "long-" * 20 + "end"
    make_run(runs, name)
    assert run(["runs", "list", "--runs", str(runs)]) == 0
    shown = next(line for line in capsys.readouterr().out.splitlines() if name in line)
    assert shown.split()[1:] == ["done", "demo", "1", "100", "%", "1.0", "cm", "20.5", "s"]


@pytest.mark.parametrize(("columns", "left"), [(120, 7), (80, 5), (60, 3)])
def test_columns_are_left_out_where_the_terminal_is_narrow(tmp_path: Path, columns: int, left: int) -> None:
    make_run(tmp_path, "20261120-101500-masked_mimic-walk", model="masked_mimic")
    stream = io.StringIO()
    draw_runs(runs_in(tmp_path), tmp_path, 0, console_on(stream, force_terminal=True, width=columns, no_color=True))
    lines = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue()).splitlines()[:4]
    assert len(lines[1].split()) == left
    assert max(map(len, lines)) <= columns


def test_state_and_time_that_cannot_be_read_are_refused(as_json: Json) -> None:
    for options in (["--state", "finished"], ["--since", "yesterday"]):
        assert as_json("runs", "list", *options)["errors"][0]["code"] == "PML001"


def test_spans_count_from_now() -> None:
    now = datetime(2026, 11, 25, tzinfo=timezone.utc)
    assert time_before("7d", now) == now - timedelta(days=7)
    assert time_before("99999w", now).year == 110
    assert time_before("2026-11-01").date().isoformat() == "2026-11-01"


def test_no_runs_is_no_error(as_json: Json) -> None:
    assert as_json("runs", "list")["data"]["runs"] == []


def test_index_follows_the_folders(runs: Path) -> None:
    assert names(runs) == ["a-newest", "b-middle", "c-oldest"]
    make_run(runs, "d-new", started="2026-11-22T10:00:00+00:00")
    make_run(runs, "e", state="interrupted", started="2026-11-01T10:00:00+00:00")
    (runs / "b-middle" / "record.json").unlink()
    changed = runs / "a-newest"
    write(changed, "record.json", {"schema": 1, "state": "silent", "started": "2026-11-21T10:00:00+00:00"})
    found = {each.name: each.state for each in runs_in(runs)}
    assert list(found) == ["d-new", "a-newest", "c-oldest", "e"]
    assert found["a-newest"] is RunState.SILENT


def test_index_is_used(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = runs_in(runs)

    def fail(_: Path) -> None:
        raise AssertionError("a run was read again")

    monkeypatch.setattr("pmlaunch.runs.index.summarize", fail)
    assert runs_in(runs) == before


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(4000)])
def test_damaged_index_is_replaced(runs: Path, content: bytes) -> None:
    (runs / FILE).write_bytes(content)
    assert len(runs_in(runs)) == 3
    with sqlite3.connect(runs / FILE) as index:
        assert index.execute("SELECT count(*) FROM runs").fetchone() == (3,)
    index.close()


def test_index_with_another_table_or_a_view_is_replaced(runs: Path) -> None:
    with sqlite3.connect(runs / FILE) as index:
        index.execute(
            "CREATE VIEW runs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        )
    index.close()
    assert len(runs_in(runs)) == 3


def test_rows_of_wrong_types_do_not_count(runs: Path) -> None:
    runs_in(runs)
    with sqlite3.connect(runs / FILE) as index:
        index.execute("UPDATE runs SET motions = x'00', state = 'walking'")
    index.close()
    assert [each.motions for each in runs_in(runs)] == [1, 1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
def test_journal_beside_the_index_is_not_obeyed(runs: Path, tmp_path: Path, ending: str) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    for _ in range(2):  # when the index is made, and when it is changed
        (runs / (FILE + ending)).symlink_to(precious)
        assert len(runs_in(runs)) == 3
        (runs / "a-newest" / "record.json").touch()
    assert precious.read_bytes() == b"precious"
    assert [path.name for path in runs.glob(".*")] == [FILE]


def test_index_with_a_write_ahead_log_is_replaced(runs: Path) -> None:
    with sqlite3.connect(runs / FILE) as index:
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("CREATE TABLE runs (name)")
    index.close()
    assert len(runs_in(runs)) == 3
    assert (runs / FILE).read_bytes()[18] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_index_that_is_a_link_is_not_followed(runs: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    (runs / FILE).symlink_to(target)
    assert len(runs_in(runs)) == 3
    assert target.read_bytes() == b"precious"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_listed_without_an_index(runs: Path) -> None:
    runs.chmod(0o555)
    try:
        assert len(runs_in(runs)) == 3
    finally:
        runs.chmod(0o755)
    assert not (runs / FILE).exists()


def test_index_in_use_does_not_stop_the_list(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_in(runs)
    make_run(runs, "another")
    connect = sqlite3.connect
    holder = connect(runs / FILE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("pmlaunch.runs.index.sqlite3.connect", lambda path, **_: connect(path, timeout=0.01))
    try:
        assert len(runs_in(runs)) == 4
    finally:
        holder.close()


def test_two_at_once_leave_a_good_index(runs: Path) -> None:
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(len(runs_in(runs)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [3, 3, 3, 3]
    assert len(runs_in(runs)) == 3


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "{",
        '{"schema": 1, "state": "walking", "started": "x"}',
        '{"schema": 1, "state": {}, "started": "x"}',
        '{"schema": "1", "state": "done", "started": "x"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_record_is_no_run(runs: Path, record: str) -> None:
    (runs / "strange").mkdir()
    (runs / "strange" / "record.json").write_text(record, encoding="utf-8")
    assert "strange" not in names(runs)


@pytest.mark.parametrize(
    "more",
    [
        {"started": 5, "seconds": "long", "evaluation": [], "exit_code": 10**30},
        {"started": "\ud800", "evaluation": {"common": {"motions": float("inf"), "success_rate": float("nan")}}},
        {"started": "9999-12-31T23:59:59-14:00", "evaluation": {"common": {"motions": -3}, "per_motion": "x"}},
    ],
)
def test_strange_values_are_left_out(runs: Path, more: dict[str, Any]) -> None:
    make_run(runs, "strange", **more)
    assert len(runs_in(runs)) == len(runs_in(runs)) == 4


def test_run_whose_processes_are_gone_is_not_running(runs: Path) -> None:
    gone = {"pid": 999_999_999, "created": 1.0}
    folder = make_run(runs, "died", state="running", exit_code=None, child=gone, launcher=gone)
    assert {each.name: each.state for each in runs_in(runs)}["died"] is RunState.RUNNING  # of another machine, perhaps
    os.utime(folder / "output.log", (1, 1))
    assert {each.name: each.state for each in runs_in(runs)}["died"] is RunState.ABNORMAL


@pytest.mark.parametrize(
    ("typed", "name"),
    [(None, "a-newest"), ("latest", "a-newest"), ("latest~1", "b-middle"), ("c", "c-oldest"), ("b-middle", "b-middle")],
)
def test_names_of_a_run(runs: Path, typed: str | None, name: str) -> None:
    assert find_run(typed, runs) == runs / name


def test_path_names_a_run_of_another_folder(runs: Path, tmp_path: Path) -> None:
    elsewhere = make_run(tmp_path / "other", "mine")
    assert find_run(str(elsewhere), runs) == elsewhere


@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        ("newest", "PML010", "Did you mean a-newest?"),
        ("latest~3", "PML010", "contains 3 runs"),
        ("zzz", "PML010", "The newest: a-newest, b-middle, c-oldest."),
        ("", "PML011", "a-newest, b-middle, c-oldest"),
        ("\0", "PML010", "No run"),
    ],
)
def test_unknown_or_ambiguous_run_names_the_nearest(runs: Path, typed: str, code: str, sentence: str) -> None:
    with pytest.raises(PmlaunchError) as caught:
        find_run(typed, runs)
    assert (caught.value.code, caught.value.exit_code) == (code, 3)
    assert sentence in caught.value.message


def test_folder_that_is_no_run_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError, match="not a run folder"):
        find_run(str(tmp_path), runs)
