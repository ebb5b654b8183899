"""`pmlaunch runs`: show, logs, open, compare, rm, prune. Nothing in a run folder is executed or followed."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.child import created
from pmlaunch.request import Asked
from pmlaunch.runs.comparison import compare_runs
from pmlaunch.runs.details import load
from pmlaunch.runs.log import read_lines
from pmlaunch.support.desktop import open_on_desktop
from pmlaunch.support.json import to_json
from run_folders import make_run, write

Json = Callable[..., dict[str, Any]]

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")


@pytest.fixture
def runs(typed_in: Path) -> Path:
    return typed_in / "runs"


def here() -> dict[str, float]:
    """This process, as a record names it."""
    return {"pid": os.getpid(), "created": created(os.getpid()) or 0.0}


def test_show_tells_what_was_typed_and_what_was_decided(as_json: Json, runs: Path) -> None:
    asked = Asked(("eval", "demo", "--seed", "1"), "/somewhere", {"model": "demo"}, ("seed",))
    make_run(runs, "one", asked=to_json(asked))
    shown = as_json("runs", "show")["data"]
    assert shown["asked"]["command"] == ["eval", "demo", "--seed", "1"]
    assert shown["asked"]["folder"] == "/somewhere"
    assert shown["values"] == {"seed": {"value": 1, "source": "flag"}}
    assert shown["versions"] == {"pmlaunch": "0.1.0", "checkout_commit": "abc123"}
    assert shown["figures"][0]["unit"] == "m"
    assert "Distance of each body" in shown["figures"][0]["definition"]
    assert {"name": "output.log", "size": 21} in shown["files"]


def test_run_of_an_older_version_is_shown_with_all_its_values(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(runs, "one")
    assert run(["runs", "show", "one"]) == 0
    shown = capsys.readouterr().out
    assert "num_envs" in shown
    assert "typed in" not in shown


def test_strange_documents_are_shown(as_json: Json, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(runs, "one", findings=[1, {"code": {}, "severity": 3}], metrics=[], asked={"command": 3})
    write(folder, "plan.json", {"provenance": {"seed": 3, "model": {"value": ["x" * 100_000]}}, "model": 4})
    write(folder, "environment.json", {"runtime": 3, "pmlaunch": ["x"], "python": "3" * 100_000})
    write(folder, "result.json", [])
    assert as_json("runs", "show")["exit_code"] == 0
    assert run(["runs", "show"]) == 0
    assert len(capsys.readouterr().out) < 20_000


def test_log_is_shown_without_what_a_terminal_obeys(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(runs, "one")
    (folder / "output.log").write_bytes(b"10%\r20%\r30%\r\n\x1b]0;title\x07\x1b[31mred\x1b[0m \xff\nend")
    assert run(["runs", "logs"]) == 0
    assert capsys.readouterr().out == "30%\nred \N{REPLACEMENT CHARACTER}\nend"


def test_long_line_is_read_in_pieces(runs: Path) -> None:
    folder = make_run(runs, "one")
    (folder / "output.log").write_bytes(b"x" * 3_000_000 + b"\ny")
    assert "".join(read_lines(folder)) == "x" * 3_000_000 + "\ny"


def test_log_is_followed_until_the_run_ends(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(runs, "one", state="running", launcher=here())
    seen: list[str] = []
    monkeypatch.setattr("pmlaunch.runs.log._PAUSE", 0.01)
    thread = threading.Thread(target=lambda: seen.extend(read_lines(folder, follow=True)))
    thread.start()
    while not seen:
        time.sleep(0.01)
    with (folder / "output.log").open("a", encoding="utf-8") as log:
        log.write("one more\n")
    write(folder, "record.json", {"schema": 1, "state": "done", "started": "2026-11-20T10:00:00+00:00"})
    thread.join(10)
    assert "".join(seen) == "first line\nlast line\none more\n"


def test_run_without_a_log(as_json: Json, runs: Path) -> None:
    (make_run(runs, "one") / "output.log").unlink()
    assert as_json("runs", "logs")["errors"][0]["code"] == "PML010"


def test_report_is_opened_or_else_the_folder(as_json: Json, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def note(path: Path) -> bool:
        opened.append(path)
        return True

    monkeypatch.setattr("pmlaunch.support.desktop.open_on_desktop", note)
    folder = make_run(runs, "one")
    as_json("runs", "open")
    (folder / "report.html").touch()
    assert as_json("runs", "open")["data"] == {"path": str(folder / "report.html"), "opened": True}
    assert opened == [folder, folder / "report.html"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens it itself")
@pytest.mark.parametrize("display", ["", ":0"])
def test_nothing_is_opened_without_a_desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, display: str) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("pmlaunch.support.desktop.subprocess.Popen", lambda words, **_: started.append(words))
    monkeypatch.setattr("pmlaunch.support.desktop.find_program", lambda name, _: f"/usr/bin/{name}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert open_on_desktop(tmp_path) is bool(display or sys.platform == "darwin")
    assert [words[1:] for words in started] == ([[str(tmp_path)]] if display or sys.platform == "darwin" else [])


def test_comparison_marks_the_best_and_names_what_differs(runs: Path) -> None:
    folders = [
        make_run(runs, "a", errors={"walk": 0.02, "run": 0.9}),
        make_run(runs, "b", errors={"walk": 0.01, "jump": 0.3}),
    ]
    write(folders[1], "plan.json", {"provenance": {"seed": {"value": 2}, "num_envs": {"value": 1}}})
    comparison = compare_runs([load(folder) for folder in folders])
    assert comparison.conditions == {"seed": ("1", "2")}
    rows = {row.name: (row.values, row.best) for row in comparison.motions}
    assert rows == {"walk": ((0.02, 0.01), (1,)), "run": ((0.9, None), ()), "jump": ((None, 0.3), ())}
    assert comparison.lost == {"run": (0,)}
    assert "did not play the same motions" in comparison.notes[0]
    assert {row.name: row.best for row in comparison.figures} == {"eval/gt_err": (1,), "eval/tracking_success_rate": ()}


def test_more_success_is_better(runs: Path) -> None:
    figures = [{"eval/success_rate": 0.5, "eval/oddity": 1.0}, {"eval/success_rate": 1.0, "eval/oddity": 2.0}]
    folders = [make_run(runs, name, metrics=each) for name, each in zip("ab", figures, strict=True)]
    best = {row.name: row.best for row in compare_runs([load(folder) for folder in folders]).figures}
    assert best == {"eval/success_rate": (1,), "eval/oddity": ()}


def test_compare_shows_runs_side_by_side(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(runs, "a", errors={"walk": 0.02})
    make_run(runs, "b", errors={"walk": 0.01})
    assert run(["runs", "compare", "a", "b"]) == 0
    assert "0.01 *" in capsys.readouterr().out


def test_one_run_cannot_be_compared(as_json: Json, runs: Path) -> None:
    make_run(runs, "a")
    assert as_json("runs", "compare", "a")["errors"][0]["code"] == "PML001"


def test_runs_are_removed(as_json: Json, runs: Path) -> None:
    for name in ("a", "b", "c"):
        make_run(runs, name)
    removed = as_json("runs", "rm", "a", "b", "a")["data"]["removed"]
    assert [each["name"] for each in removed] == ["a", "b"]
    assert sorted(path.name for path in runs.iterdir() if path.is_dir()) == ["c"]


def test_nothing_is_removed_if_one_is_in_progress_or_unknown(as_json: Json, runs: Path) -> None:
    make_run(runs, "done")
    make_run(runs, "going-on", state="running", launcher=here())
    assert as_json("runs", "rm", "done", "going-on")["errors"][0]["code"] == "PML356"
    assert as_json("runs", "rm", "done", "nobody")["errors"][0]["code"] == "PML010"
    assert as_json("runs", "rm", "")["errors"][0]["code"] == "PML011"
    assert (runs / "done").is_dir()


def test_run_that_cannot_be_removed_stays(as_json: Json, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(runs, "a")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "rename", refuse)
    assert as_json("runs", "rm", "a")["errors"][0]["code"] == "PML358"
    assert (folder / "output.log").is_file()


@pytest.fixture
def old_and_new(runs: Path) -> Path:
    """Runs of 2020 that are done, failed and in progress, one of this year, and folders that are no runs."""
    old = "2020-01-01T00:00:00+00:00"
    make_run(runs, "old-done", started=old)
    make_run(runs, "old-failed", state="failed", started=old)
    make_run(runs, "old-going-on", state="running", launcher=here(), started=old)
    make_run(runs, "old-elsewhere", state="running", started=old)  # its log was written just now
    make_run(runs, "new", started="2099-01-01T00:00:00+00:00")
    make_run(runs, "timeless", started="long ago")
    (runs / "notes").mkdir()
    write(runs / "notes", "record.json", {"title": "not a run"})
    return runs


@pytest.mark.parametrize(
    ("options", "removed"),
    [
        ([], {"old-done", "old-failed"}),
        (["--keep-failed"], {"old-done"}),
        (["--dry-run"], set()),
    ],
)
def test_prune(as_json: Json, old_and_new: Path, options: list[str], removed: set[str]) -> None:
    before = {path.name for path in old_and_new.iterdir() if path.is_dir()}
    result = as_json("runs", "prune", "--older", "30d", *options)
    assert result["exit_code"] == 0
    assert {path.name for path in old_and_new.iterdir() if path.is_dir()} == before - removed
    if "--dry-run" in options:
        assert {each["name"] for each in result["data"]["removed"]} == {"old-done", "old-failed"}


def test_prune_asks_for_an_age(as_json: Json) -> None:
    assert as_json("runs", "prune")["errors"][0]["code"] == "PML001"


@LINKS
def test_links_are_never_followed(as_json: Json, runs: Path, tmp_path: Path) -> None:
    elsewhere = make_run(tmp_path / "elsewhere", "precious", started="2020-01-01T00:00:00+00:00")
    folder = make_run(runs, "old", started="2020-01-01T00:00:00+00:00")
    (runs / "link").symlink_to(elsewhere)
    (folder / "inside").symlink_to(elsewhere)
    (make_run(runs, "fake") / "record.json").unlink()
    (runs / "fake" / "record.json").symlink_to(elsewhere / "record.json")
    assert [each["name"] for each in as_json("runs", "prune", "--older", "30d")["data"]["removed"]] == ["old"]
    assert as_json("runs", "rm", str(runs / "link"))["errors"][0]["code"] == "PML010"
    assert (elsewhere / "record.json").is_file()


@LINKS
@pytest.mark.parametrize("name", ["output.log", "plan.json", "record.json"])
def test_pipe_in_a_run_folder_does_not_block(as_json: Json, runs: Path, name: str) -> None:
    folder = make_run(runs, "one")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    for words in (["show"], ["logs"], ["list"]):
        as_json("runs", *words)


def test_help_and_unknown_commands(capsys: pytest.CaptureFixture[str], as_json: Json) -> None:
    assert run(["runs", "--help"]) == 0
    assert "prune" in capsys.readouterr().out
    assert as_json("runs", "lisst")["errors"][0]["code"] == "PML001"
    assert as_json("runs")["command"] == "runs list"


def test_error_of_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(PmlaunchError, match="is not a run folder"):
        load(tmp_path)
