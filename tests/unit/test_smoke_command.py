"""`pmlaunch smoke`: what is refused or reported without examining the machine or starting a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunRecord, RunState

Json = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "words", [("--model", "demo", "--motion", "walkx"), ("--model", "nosuch"), ("--model", "demo", "--simulator", "x")]
)
def test_unknown_name_does_not_blame_the_machine(as_json: Json, tmp_path: Path, words: tuple[str, ...]) -> None:
    document = as_json("smoke", *words, "--min-success", "1", "--junit", str(tmp_path / "smoke.xml"))
    cases = document["data"]["cases"]
    assert (document["exit_code"], {case["code"] for case in cases}) == (3, {"PML010", None})
    suites = {
        suite.get("name"): [case[0].tag for case in suite] for suite in ET.parse(tmp_path / "smoke.xml").getroot()
    }
    assert suites == {"evaluation": ["error"], "thresholds": ["skipped"]}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--min-success", "1", "--max-steps", "10"), "--max-steps"),
        (("--max", "gt_err"), "NAME=NUMBER"),
        (("--max-gt-err", "nan"), "--max-gt-err cannot be nan"),
        (("--junit", "no/such/folder/smoke.xml"), "folder"),
    ],
)
def test_invalid_options_are_refused_before_anything_starts(as_json: Json, words: tuple[str, ...], text: str) -> None:
    document = as_json("smoke", "--model", "demo", *words)
    assert document["exit_code"] in (2, 5)
    assert text in document["errors"][0]["message"]


@pytest.fixture
def smoke(as_json: Json, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`pmlaunch smoke` on a machine that is fine, with a run that leaves the given metrics."""
    monkeypatch.setattr("pmlaunch.smoke.smoke._examine", lambda *_: SimpleNamespace(results=(), exit_code=0))

    def run(metrics: dict[str, float], *words: str, common: dict[str, Any] | None = None) -> dict[str, Any]:
        record = RunRecord(
            tmp_path, RunState.DONE, 0, "now", 1.0, metrics=metrics, evaluation={"common": common or {}}
        )  # fmt: skip
        monkeypatch.setattr("pmlaunch.running.run.run_plan", lambda *_: record)
        return as_json("smoke", "--model", "demo", "--motion", "walk", *words)

    return run


@pytest.mark.hostile
def test_run_without_figures_fails_without_a_threshold(smoke: Callable[..., dict[str, Any]]) -> None:
    assert smoke({"eval/gt_err": 0.1})["exit_code"] == 0
    document = smoke({})
    assert document["exit_code"] == 1
    (case,) = document["data"]["cases"]
    assert (case["verdict"], case["code"]) == ("failed", "PML325")


@pytest.mark.hostile
@pytest.mark.parametrize(
    "figure", [float("nan"), float("inf"), -float("inf"), None, "0.1", True, 10**400], ids=lambda it: repr(it)[:9]
)
@pytest.mark.parametrize(
    "words", [("--max-gt-err", "1e300"), ("--min", "mean_position_error_m=-1e300"), ("--min-success", "0")]
)
def test_only_finite_figures_meet_a_threshold(
    smoke: Callable[..., dict[str, Any]], figure: object, words: tuple[str, ...]
) -> None:
    common = {"mean_position_error_m": figure, "success_rate": figure}
    document = smoke({"eval/x": 0.1}, *words, common=common)
    assert document["exit_code"] == 1
    assert document["data"]["cases"][-1]["code"] == "PML350"


OLD = '<testsuites failures="0" errors="0"><testsuite name="earlier"/></testsuites>'


@pytest.mark.hostile
@pytest.mark.parametrize(
    "error", [PmlaunchError("PML205", "Cannot start it."), RuntimeError("boom"), KeyboardInterrupt()]
)
def test_report_of_an_earlier_test_never_stays(
    smoke: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException
) -> None:
    report, summary = tmp_path / "smoke.xml", tmp_path / "summary.md"
    report.write_text(OLD, encoding="utf-8")
    seen = []

    def breaks(*_: object, **__: object) -> None:
        seen.append(report.read_text(encoding="utf-8"))
        raise error

    monkeypatch.setattr("pmlaunch.cli.commands.smoke.from_options", breaks)
    assert smoke({}, "--junit", str(report), "--summary", str(summary))["exit_code"] != 0
    assert "did not finish" in seen[0], "what is found there if pmlaunch is killed"
    (case,) = ET.parse(report).getroot().iter("testcase")
    assert case[0].tag == "error"
    assert "| error |" in summary.read_text(encoding="utf-8")


@pytest.mark.hostile
def test_usage_error_replaces_an_earlier_report(as_json: Json, tmp_path: Path) -> None:
    report = tmp_path / "smoke.xml"
    report.write_text(OLD, encoding="utf-8")
    assert as_json("smoke", "--model", "demo", "--max-gt-err", "nan", "--junit", str(report))["exit_code"] == 2
    assert "PML001" in report.read_text(encoding="utf-8")
