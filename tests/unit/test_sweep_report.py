"""The report of a sweep: its figures, which cells it plays, and that what a stranger wrote does no harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pmlaunch.cli.app import run as run_cli
from pmlaunch.cli.commands.sweep_control import outcome_result
from pmlaunch.cli.options import Invocation
from pmlaunch.errors import PmlaunchError
from pmlaunch.reporting.figures import MotionFigures
from pmlaunch.reporting.page import Page, make_page
from pmlaunch.reporting.published_view import PublishedView
from pmlaunch.reporting.sweep_view import SweepView
from pmlaunch.runs.statistics import mean_over_motions, wilson
from pmlaunch.sweeping import report as report_module
from pmlaunch.sweeping.conditions import training_step
from pmlaunch.sweeping.executor import SweepOutcome
from pmlaunch.sweeping.figures import MeasuredCell, error_figure, figures_of_motion, spread_over_seeds, success_figure
from pmlaunch.sweeping.journal import RESULTS, RUNS
from pmlaunch.sweeping.model import Reference, Suite
from pmlaunch.sweeping.report import own_sweep_report, report_of_sweep
from pmlaunch.sweeping.summary import SweepSummary
from sweep_folders import make_sweep

AXES = {"model": ("a", "b"), "constraint": ("full_body", "vr"), "seed": ("0", "1")}


def cell(motion: str, seed: str, success: bool, error: float) -> MeasuredCell:
    return MeasuredCell(motion, seed, success, MotionFigures(error))


def view_of(folder: Path, played: int = 0) -> SweepView:
    view = report_of_sweep(folder, played).sweep
    assert view is not None
    return view


def data_of(page: Page) -> dict[str, Any]:
    text = page.html.decode().split('<script type="application/json" id="data">')[1].split("</script>")[0]
    data: dict[str, Any] = json.loads(text)
    return data


def test_seeds_of_a_motion_are_averaged_before_the_intervals() -> None:
    cells = [
        cell(f"m{motion}", str(seed), motion > 0 or seed > 0, 0.01 + motion / 100)
        for motion in range(8)
        for seed in (0, 1)
    ]
    rate, error = success_figure(cells), error_figure(cells, 9_999)
    assert rate is not None
    assert error is not None
    expected, mean = wilson(7.5 / 8, 8), mean_over_motions([0.01 + motion / 100 for motion in range(8)])
    assert (rate.value, rate.low, rate.high) == (expected.value, expected.low, expected.high)
    assert (error.value, error.low, error.high) == (mean.value, mean.low, mean.high)
    assert rate.over == error.over == "8 motions, 2 seeds"
    assert spread_over_seeds(cells) == ("8.8 %", "0.0 cm")  # of 87.5 % and 100 %


def test_one_seed_of_one_motion_has_no_interval() -> None:
    rate, error = figures_of_motion([cell("walk", "0", True, 0.02)])
    assert (str(rate), str(error)) == ("100.0 %", "2.0 cm")
    rate, error = figures_of_motion([cell("walk", "0", True, 0.02), cell("walk", "1", False, 0.5)])
    assert str(rate) == "50.0 % [9.5–90.5 %]"
    assert error is not None
    assert error.low == 0  # no error is less


@pytest.mark.parametrize(
    ("labels", "series", "step"),
    [
        ({"model": "run", "checkpoint": "epoch_100"}, "run, epoch_#", 100),
        ({"checkpoint": "last-epoch=3-step=2500.ckpt"}, "last-epoch=#-step=#", 2500),
        ({"model": "C:\\runs\\7\\epoch_20.ckpt", "constraint": "vr"}, "C:/runs/7/epoch_#, vr", 20),
        ({"checkpoint": "last"}, "last", None),
        ({"model": "maskmimic2"}, "", None),
        ({"checkpoint": "9" * 40}, "#", None),
    ],
)
def test_step_of_a_checkpoint(labels: dict[str, str], series: str, step: int | None) -> None:
    assert training_step(labels) == (series, step)


def test_conditions_in_the_order_of_the_plan(tmp_path: Path) -> None:
    view = view_of(make_sweep(tmp_path / "s", AXES, with_runs=False))
    assert [(each.row, each.column) for each in view.conditions] == [
        ("a", "full_body"),
        ("a", "vr"),
        ("b", "full_body"),
        ("b", "vr"),
    ]
    assert view.rules == ["failed if eval/gt_err_max > 0.5 m; whole motions"]
    assert [each.missing for each in view.conditions] == [0, 5, 0, 0]  # those of the evaluation that failed
    assert view.conditions[1].success is not None
    assert view.conditions[1].success.over == "5 motions, 1 seed"
    assert view.failures == ["model=a constraint=vr seed=1: failed (PML301), attempt 1"]
    assert view.verdict == "Tracked 28 of 35 cells. Without figures: 5 failed."
    severities = [row.severity for _, row in view.rows]
    assert severities == sorted(severities)
    assert len(severities) == 35


def test_rates_of_different_definitions_share_no_column(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False, limits={"b": 0.25})
    view = view_of(folder)
    assert [each.column for each in view.conditions] == [
        "full_body, definition 1",
        "vr, definition 1",
        "full_body, definition 2",
        "vr, definition 2",
    ]
    html = make_page(report_of_sweep(folder, 0), "r").html.decode()
    assert html.count("failed if eval/gt_err_max &gt; 0.25 m") == 3  # at the top, and beside both rates


def test_worst_motions_are_played_with_those_of_the_other_policies(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", {"model": ("a", "b", "c")}, motions=("walk", "fall"))
    view = view_of(folder, played=3)
    assert {row.name for _, row in view.rows if row.track} == {"fall"}
    assert len({number for number, row in view.rows if row.track}) == 3
    assert "3 cells can be played" in view.notes[0]
    data = data_of(make_page(report_of_sweep(folder, 3), "r"))
    assert len(data["tracks"]) == 3
    assert data["runs"] == [text for text, _ in view.evaluations]


def test_line_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", {"model": ("a",)}, with_runs=False)
    (folder / RESULTS).write_bytes(2 * (folder / RESULTS).read_bytes())
    assert len(view_of(folder).rows) == 5


def test_sweep_that_measured_nothing(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False)
    (folder / RESULTS).write_bytes(b"{}\n\xff\n[]\n")
    view = view_of(folder)
    assert view.verdict == "No cell was measured. Without figures: 40 not run yet."
    assert [each.success for each in view.conditions] == [None] * 4
    assert b"not measured (10 cells)" in make_page(report_of_sweep(folder), "r").html


@pytest.mark.parametrize("run", ["../outside", "..", "C:x", "a\\b", ""])
def test_run_outside_the_sweep_is_not_read(tmp_path: Path, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_sweep(tmp_path / "s", {"model": ("a",)}, with_runs=False)
    lines = (folder / RESULTS).read_text(encoding="utf-8").replace('"run-0"', json.dumps(run))
    (folder / RESULTS).write_text(lines, encoding="utf-8")
    monkeypatch.setattr(report_module, "tracks_in", lambda _: pytest.fail("read"))
    assert not any(row.track for _, row in view_of(folder, 10).rows)


@pytest.mark.hostile
def test_hostile_names_are_inert(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>\x1b[31m\u202e{{ 7*7 }}"
    folder = make_sweep(
        tmp_path / "s", {"model": (hostile, "b"), hostile: ("x", "y")}, motions=(hostile,), with_runs=False
    )
    html = make_page(report_of_sweep(folder), "r").html.decode()
    assert "<script>alert" not in html
    assert not set("\x1b\u202e") & set(html)
    assert "49" not in data_of(make_page(report_of_sweep(folder), "r"))["sweep"]["axes"]


def test_own_report_and_what_prevents_it(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False)
    assert own_sweep_report(folder) == (folder / "report.html", ())
    assert own_sweep_report(folder)[0]  # it replaces the one before
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    path, (finding,) = own_sweep_report(folder)
    assert path is None
    assert (finding.code, finding.severity.value) == ("PML352", "note")


def test_sweep_that_ended_says_where_its_report_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False)
    invocation = Invocation(command="sweep")
    result = outcome_result(invocation, SweepOutcome(SweepSummary(folder, 1, 1, 1), 1.0))
    assert result.draw is not None
    result.draw(Console(width=200))
    assert f"report  {folder / 'report.html'}" in capsys.readouterr().out
    assert b"Policies and conditions" in (folder / "report.html").read_bytes()


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False)
    assert run_cli(["report", str(folder), "-o", str(tmp_path / "r.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["files"] == [str(tmp_path / "r.html")]
    assert b"Policies and conditions" in (tmp_path / "r.html").read_bytes()


def test_manifest_of_another_version(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False)
    (folder / "manifest.json").write_text('{"schema": 99}', encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        report_of_sweep(folder)
    assert raised.value.code == "PML383"


def test_links_in_the_runs_folder_are_not_followed(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", {"model": ("a",)}, motions=("walk",))
    motion = folder / RUNS / "run-0" / "motion.npz"
    motion.rename(tmp_path / "motion.npz")
    motion.symlink_to(tmp_path / "motion.npz")
    assert not any(row.track for _, row in view_of(folder, 10).rows)


PUBLISHED = Suite(
    "Ours, https://example.org/a?b=1&c=2.",
    (
        Reference("1", "ours", {"constraint": ("full_body",)}, {"success_rate": 0.9, "eval/gt_err": 0.05}, "a wiki"),
        Reference("1", "theirs", None, {"success_rate": 0.5}, "a paper", ("another robot",)),
    ),
    ("other data",),
    0.5,
)


def published(folder: Path) -> PublishedView:
    view = view_of(folder).published
    assert view is not None
    return view


def section_of(folder: Path) -> str:
    """The part of the page that shows published values."""
    html = make_page(report_of_sweep(folder, 0), "r").html.decode()
    return html.split('<section aria-labelledby="published-title"')[1].split("</section>")[0]


def test_published_values_are_beside_measured_ones(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False, limits={"b": 0.25}, suite=PUBLISHED)
    (table,) = published(folder).tables
    success, error, other, _, theirs = table.values
    assert [it.model for it in table.values] == ["a", "a", "b", "b", ""]
    rate = view_of(folder).conditions[0].success
    assert rate is not None
    assert (success.published, success.measured, success.motions) == ("90.0 %", rate.text, 5)
    assert success.interval == f"{100 * (rate.low or 0):.1f} % to {100 * (rate.high or 0):.1f} %"
    assert error.published == "50.0 mm"
    assert error.interval.endswith(" mm")
    assert (other.measured, other.differs) == ("", ("not comparable: failure above 0.25 m, published 0.5 m",))
    assert (theirs.measured, theirs.differs) == ("", ("another robot",))


def test_page_shows_published_values_with_source_and_differences(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False, limits={"b": 0.25}, suite=PUBLISHED)
    assert own_sweep_report(folder)[1] == ()
    assert "Published and measured</h2>" in (folder / "report.html").read_text(encoding="utf-8")
    section = section_of(folder)
    assert 'Ours, <a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">https://example.org/' in section
    for text in ("success: failed above 0.5 m", "a wiki", "other data", "another robot", "failure above 0.25 m"):
        assert text in section
    assert section.count("not measured") == 2
    assert "good" not in section


def test_rates_of_different_limits_share_no_published_table(tmp_path: Path) -> None:
    references = [Reference("1", model, {"model": (model,)}, {"success_rate": 0.9, "x": 1}) for model in AXES["model"]]
    suite = Suite(references=(*references, Reference("1", "both", {}, {"success_rate": 0.9})))
    folder = make_sweep(tmp_path / "s", {"model": ("a", "b")}, with_runs=False, limits={"b": 0.25}, suite=suite)
    tables = published(folder).tables
    assert [(table.rule, [it.model for it in table.values]) for table in tables] == [
        ("failed above 0.5 m", ["a", "a", "a"]),
        ("failed above 0.25 m", ["b", "b", "b"]),
    ]
    assert tables[0].values[0].differs == ("published limit of failure not known",)


def test_sweep_without_published_values_has_no_such_section(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path / "s", AXES, with_runs=False, suite=Suite("A title only"))
    assert view_of(folder).published is None
    assert b"published-title" not in make_page(report_of_sweep(folder), "r").html


def test_page_of_many_published_values_is_limited(tmp_path: Path) -> None:
    references = tuple(Reference("1", str(row), values={"x": 1.0, "y": 2.0}) for row in range(201))
    folder = make_sweep(tmp_path / "s", {"model": ("a",)}, with_runs=False, suite=Suite(references=references))
    assert sum(len(table.values) for table in published(folder).tables) == 400
    assert "Further published values" in section_of(folder)


@pytest.mark.hostile
def test_hostile_published_values_are_inert(tmp_path: Path) -> None:
    hostile = '<script>alert(1)</script>\x1b[31m\u202ehttps://a.b/"onclick="x javascript:alert(1)'
    row = Reference(hostile, hostile, {"model": ("a",)}, {hostile: 1.0}, hostile, (hostile,))
    folder = make_sweep(
        tmp_path / "s", {"model": ("a",)}, with_runs=False, suite=Suite(hostile, (row,), (hostile,), 0.5)
    )
    section = section_of(folder)
    assert "<script" not in section
    assert not set("\x1b\u202e") & set(section)
    assert "&lt;script&gt;alert(1)" in section
    assert 'href="https://a.b/" rel' in section
    assert not any(f"{mark}onclick" in section for mark in ' "')
    assert 'href="javascript' not in section


@pytest.mark.hostile
@pytest.mark.parametrize(
    "suite",
    [None, 3, [], {"references": 1}, {"references": [1, {"values": {"x": "1e999"}, "where": 7, "differs": {}}]}],
)
def test_suite_in_a_manifest_that_is_none(tmp_path: Path, suite: object) -> None:
    folder = make_sweep(tmp_path / "s", {"model": ("a",)}, with_runs=False)
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**document, "suite": suite}), encoding="utf-8")
    assert view_of(folder).published is None
