"""The files of a sweep: its manifest, its journal, its lock, and what a run folder says about cells."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.settings import Settings
from pmlaunch.support.json import dumps
from pmlaunch.sweeping.cells import results_of
from pmlaunch.sweeping.job_file import Report, read_report
from pmlaunch.sweeping.journal import Journal, latest_results, read_results, tallies_of
from pmlaunch.sweeping.lock import SweepLock, holder
from pmlaunch.sweeping.manifest import read_manifest, write_manifest
from pmlaunch.sweeping.model import CellResult, Reference, Suite
from pmlaunch.sweeping.slots import ExecutorOptions, Ports, slots_of
from sweep_jobs import sweep_plan

CELL = CellResult(
    "0" * 12, "walk", "run-1", "done", True, {"eval/gt_err": 0.01}, {"figure": "eval/gt_err_max", "limit": 0.5}
)


def settings(folder: Path) -> Settings:
    return Settings(folder, {}, folder / "user", False)


def test_journal_keeps_every_attempt_and_counts_the_latest(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(
            [replace(CELL, state="abnormal", success=None, code="PML330"), replace(CELL, motion="wave", success=None)]
        )
        journal.append([replace(CELL, attempt=2), replace(CELL, motion="wave", success=False, attempt=2)])
        before = journal.tallies
    assert list(read_results(tmp_path))[2] == replace(CELL, attempt=2)
    assert [each.attempt for each in latest_results(tmp_path)] == [2, 2]
    tally = tallies_of(tmp_path)[CELL.evaluation]
    assert (tally.attempt, tally.cells, tally.tracked, tally.code) == (2, 2, 1, None)
    assert before == tallies_of(tmp_path)


@pytest.mark.parametrize(
    "torn",
    [b"{", b'{"evaluation": 7}\n', b"\xff\n", b"null\n", b"[" * 2000 + b"\n", b'{"evaluation": "\xc3', b"\n" * 3],
)
def test_torn_lines_are_dropped(tmp_path: Path, torn: bytes) -> None:
    line = f"{dumps(CELL)}\n".encode()
    (tmp_path / "results.jsonl").write_bytes(line + torn)
    assert list(read_results(tmp_path)) == [CELL]
    with Journal(tmp_path) as journal:
        journal.append([replace(CELL, motion="wave")])
    assert [each.motion for each in read_results(tmp_path)] == ["walk", "wave"]


def test_line_that_was_cut_off_anywhere_is_written_over(tmp_path: Path) -> None:
    line = f"{dumps(CELL)}\n".encode()
    for length in range(len(line)):
        (tmp_path / "results.jsonl").write_bytes(line + line[:length])
        with Journal(tmp_path) as journal:
            journal.append([replace(CELL, motion="wave")])
        assert [each.motion for each in read_results(tmp_path)] == ["walk", "wave"]


def test_journal_that_cannot_be_written_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, room = os.write, [100]

    def full(file: int, content: Any) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written, room[0] = write(file, bytes(content)[: room[0]]), 0
        return written

    with Journal(tmp_path) as journal:
        journal.append([CELL])
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(PmlaunchError) as caught:
            journal.append([replace(CELL, motion="wave")])
        monkeypatch.setattr(os, "write", write)
        assert (caught.value.code, journal.path.read_bytes()) == ("PML389", f"{dumps(CELL)}\n".encode())
        journal.append([replace(CELL, motion="wave")])
    assert [each.motion for each in read_results(tmp_path)] == ["walk", "wave"]


def test_manifest_holds_the_plan_and_who_asked(tmp_path: Path) -> None:
    plan = sweep_plan(tmp_path, ["done", "failed"], ["done"], motions=("walk", "wave"))
    row = Reference("1", "row", {"model": ("a*", "b")}, {"success_rate": 0.5}, "somewhere", ("data",))
    plan = replace(plan, suite=Suite("title", (row, Reference(row="other")), ("robot",), 0.5, {"test": 3}))
    write_manifest(plan, settings(tmp_path))
    manifest = read_manifest(tmp_path)
    assert manifest.plan == plan
    assert manifest.cwd == tmp_path
    manifest.require_own(settings(tmp_path))
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert (document["schema"], document["cells"], document["evaluations"]) == (1, 6, 3)
    with pytest.raises(PmlaunchError) as caught:
        manifest.require_own(settings(tmp_path / "of somebody else"))
    assert caught.value.code == "PML388"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": 2}', '{"schema": "1"}'])
def test_manifest_of_another_version(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(PmlaunchError) as caught:
        read_manifest(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("PML383", 3)


def test_lock_is_held_by_one(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with SweepLock(tmp_path):
        assert (holder(tmp_path) or {}).get("pid") == os.getpid()
        with pytest.raises(PmlaunchError) as caught:
            SweepLock(tmp_path)
        assert caught.value.code == "PML384"
    assert holder(tmp_path) is None
    with SweepLock(tmp_path):
        pass


def record(run: RunFolder, *entries: dict[str, Any], **more: Any) -> None:
    run.path.mkdir(exist_ok=True)
    run.write(
        "record.json", {"state": "done", "evaluation": {"per_motion": entries, "definition": {"limit": 0.5}}, **more}
    )


def test_cells_take_the_figures_of_their_motion(tmp_path: Path) -> None:
    (evaluation,) = sweep_plan(tmp_path, ["done"], motions=("clips/walk", "wave")).evaluations
    run = RunFolder(tmp_path / "run")
    wave, walk = ({"motion": name, "success": name == "walk", "metrics": {"err": 0.1}} for name in ("wave", "walk"))
    record(run, wave, walk)
    assert [(each.motion, each.success) for each in results_of(evaluation, run, 1)] == [
        ("clips/walk", True),
        ("wave", False),
    ]
    record(run, wave | {"motion": "a"}, walk | {"motion": "b"})  # other names, in the same order
    assert [each.success for each in results_of(evaluation, run, 1)] == [False, True]
    finding = {"severity": "error", "code": "PML325", "message": "It said:\n token=abcd1234"}
    record(run, walk, state="failed", findings=[finding])  # a part only
    assert [(each.success, each.state, each.code) for each in results_of(evaluation, run, 3)] == [
        (True, "failed", "PML325"),
        (None, "failed", "PML325"),
    ]
    assert results_of(evaluation, run, 3)[0] == CellResult(
        evaluation.id,
        "clips/walk",
        "run",
        "failed",
        True,
        {"err": 0.1},
        {"limit": 0.5},
        "PML325",
        3,
        "It said:  token=<secret>",
    )


@pytest.mark.parametrize("entries", [[], [{"motion": "a", "success": True}, {"motion": "b", "success": False}]])
def test_cell_that_stands_for_the_whole_run(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    (evaluation,) = sweep_plan(tmp_path, ["done"]).evaluations
    run = RunFolder(tmp_path / "run")
    record(run, metrics={"err": 0.1}, evaluation={"common": {"success_rate": 0.0}, "per_motion": entries})
    assert [(each.figures, each.success) for each in results_of(evaluation, run, 1)] == [({"err": 0.1}, False)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"Traceback",
        b'{"alive": 1}',
        b'{"evaluation": 3, "run": "", "ended": true, "code": "", "message": ""}',
    ],
)
def test_other_output_of_a_job_is_no_report(line: bytes) -> None:
    assert read_report(line) is None
    assert read_report(dumps(Report("a", "b")).encode()) == Report("a", "b")


def test_slots() -> None:
    assert [(slot.number, slot.gpu, slot.threads) for slot in slots_of(ExecutorOptions())] == [(0, None, None)]
    assert [slot.gpu for slot in slots_of(ExecutorOptions(gpus="0, 1", per_gpu=2))] == ["0", "1", "0", "1"]
    slot = slots_of(ExecutorOptions(gpus="3"))[0]
    got = slot.environment({"CUDA_DEVICE_ORDER": "FASTEST_FIRST", "PATH": "p"})
    assert got == {
        "CUDA_DEVICE_ORDER": "FASTEST_FIRST",
        "PATH": "p",
        "CUDA_VISIBLE_DEVICES": "3",
    }


def test_ports_differ_until_they_are_given_back() -> None:
    ports = Ports()
    taken = [ports.take() for _ in range(20)]
    assert len(set(taken)) == 20
