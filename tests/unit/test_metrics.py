"""metrics.json: what the launcher reads and how it is shown."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.render.record import draw_record
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.model import RunRecord, RunState
from pmlaunch.running.agent_reports import agent_result
from pmlaunch.running.metrics import RunMetrics, metrics_findings, read_metrics, steps_per_second
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.success import SuccessDefinition, read_definition


def entry(name: str, success: bool | None, err: float) -> dict[str, Any]:
    return {"motion": name, "success": success, "metrics": {"eval/gt_err": err}}


DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "generation": "2",
    "metrics": {"eval/gt_err": 0.2, "eval/tracking_success_rate": 0.5},
    "units": {"eval/gt_err": "m"},
    "common": {"success_rate": 0.5, "motions": 2, "failed": ["fall"]},
    "per_motion": [entry("走路", True, err=0.1), entry("fall", False, err=0.3)],
    "comparable": True,
    "notes": ["a remark"],
    "seconds": {"start": 40.0, "load": 0.5, "evaluation": 9.0},
    "steps": 300,
    "steps_per_second": 33.3,
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def read(folder: RunFolder, **changes: Any) -> RunMetrics:
    folder.file("metrics.json").write_text(json.dumps(DOCUMENT | changes), encoding="utf-8")
    return read_metrics(folder)


def shown(measured: RunMetrics, capsys: pytest.CaptureFixture[str]) -> str:
    record = RunRecord(Path("run"), RunState.DONE, 0, "now", 12.0, metrics=measured.metrics, units=measured.units,
                       evaluation=measured.rest)  # fmt: skip
    show(CommandResult("eval", draw=partial(draw_record, record)), as_json=False)
    return capsys.readouterr().out


def test_read_metrics(folder: RunFolder) -> None:
    found = read(folder)
    assert found.metrics == DOCUMENT["metrics"]
    own = {key: DOCUMENT[key] for key in ("common", "per_motion", "comparable", "notes", "seconds")}
    assert found.rest == {**own, "definition": None}, "older versions kept none"


def test_definition_of_success_has_the_mask_of_the_plan(folder: RunFolder) -> None:
    provenance = {"constraints": {"value": ["vr", 3]}}
    folder.file("plan.json").write_text(json.dumps({"provenance": provenance}), encoding="utf-8")
    written = {
        "figure": "eval/gt_error/max",
        "limit": 0.25,
        "max_steps": 600,
        "others": {"eval/height/min": 0.3, "a": "b"},
    }
    found = read(folder, definition=written).rest["definition"]
    assert found == {**written, "others": {"eval/height/min": 0.3}, "mask": ["vr"]}
    assert str(read_definition({"definition": found}, {})) == (
        "failed if eval/gt_error/max > 0.25 m or eval/height/min < 0.3; cut after 600 steps; constraint vr"
    )
    broken = read(folder, definition={"figure": 3, "limit": "x"}).rest["definition"]
    assert (broken["figure"], broken["limit"]) == (None, None)


@pytest.mark.parametrize(
    ("generation", "comparable", "steps"), [("2", True, None), ("demo", False, 60), ("3", True, None)]
)
def test_definition_of_older_runs(generation: str, comparable: bool, steps: int | None) -> None:
    plan = {"generation": generation, "provenance": {"max_steps": {"value": 60}}}
    found = read_definition({"comparable": comparable}, plan)
    expected = None if generation == "3" else SuccessDefinition("eval/gt_err_max", 0.5, steps)
    assert found == expected


def test_speed_is_the_evaluations_own_figure(folder: RunFolder) -> None:
    seconds = {"evaluation_started": 1.0, "first_step": 1.5, "last_step": 11.5, "evaluation_finished": 31.5}
    result = {"steps": 301, "seconds": seconds}
    assert steps_per_second(agent_result(result), read(folder)) == 33.3
    assert steps_per_second(agent_result(result), RunMetrics()) == 30.0, (
        "not the 9.9 with all that was drawn and written afterwards"
    )
    assert (
        steps_per_second(agent_result({"steps": 1, "seconds": {"first_step": 1.5, "last_step": 1.5}}), RunMetrics())
        is None
    )
    assert steps_per_second(agent_result({}), read(folder, steps_per_second="fast")) is None


def test_no_document(folder: RunFolder) -> None:
    assert read_metrics(folder) == RunMetrics()
    folder.file("metrics.json").write_text("[", encoding="utf-8")
    assert read_metrics(folder) == RunMetrics()


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {"eval/gt_err": None, "a": "b", "c": True, "d": [1]}},
        {"metrics": 3, "units": [], "common": 1, "per_motion": {"a": 1}, "notes": "x", "seconds": None},
        {"per_motion": [3, {}, {"motion": 4, "success": "yes", "metrics": {"gt_err": "far"}}]},
    ],
)
def test_values_that_are_no_numbers_are_skipped(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    found = read(folder, **changes)
    assert all(type(value) is float for value in found.metrics.values())
    assert shown(found, capsys)


def test_failed_motions_are_listed(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(read(folder), capsys)
    assert "走路" in text
    assert text.startswith("! Lost 1 of 2 motions.")
    assert "lost: fall (30.0 cm)" in text
    assert "note: a remark" in text
    assert "start 40.0 s, load 0.5 s, evaluation 9.0 s" in text
    assert "not comparable" not in text


@pytest.mark.parametrize(
    ("names", "header"),
    [
        (("gt_err_min", "gt_err_max", "gt_err"), "motion gt_err m max m"),
        (("gt_error/mean", "gt_error/min", "gr_error/mean"), "motion gt_error m gr_error rad"),
        (("foot_slip/mean", "foot_slip/max", "height/mean"), "motion foot_slip height"),
    ],
)
def test_table_of_motions_for_every_generation(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], names: tuple[str, ...], header: str
) -> None:
    figures = {f"eval/{name}": 0.125 for name in names}
    motions = [{"motion": motion, "success": True, "metrics": figures} for motion in ("walk", "wave")]
    lines = [" ".join(line.split()) for line in shown(read(folder, per_motion=motions), capsys).splitlines()]
    assert header in lines
    assert sum("0.125" in line for line in lines) == 2


def test_single_motion_has_no_table(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(read(folder, per_motion=[entry("walk", True, err=0.123)]), capsys)
    assert "walk" not in text


def test_cut_short(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(read(folder, comparable=False), capsys)
    assert "not comparable: the notes say why" in text
    assert "--max-steps" not in text, "other reasons make a run incomparable, too"


def test_failed_motions_come_first(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    many = [entry(f"m{index}", index != 99, err=0.1) for index in range(100)]
    text = shown(read(folder, per_motion=many), capsys)
    assert "m99" in text
    assert "m98" not in text
    assert "76 more motions in metrics.json" in text


@pytest.mark.parametrize(("error", "codes"), [(3.1, []), (151.2, ["PML315"]), (None, []), ("far", [])])
def test_pml315_diverged_simulation(folder: RunFolder, error: object, codes: list[str]) -> None:
    measured = read(folder, common={"mean_position_error_m": error})
    assert [finding.code for finding in metrics_findings(measured)] == codes
