"""Thresholds of a smoke test: parsing, judging, and the text of a missed one."""

from __future__ import annotations

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.smoke.case import CaseVerdict
from pmlaunch.smoke.thresholds import Threshold, judge, read_thresholds

DOCUMENT = {
    "metrics": {"eval/gt_err": 0.03, "eval/gt_err_max": 0.4},
    "common": {"success_rate": 0.5, "mean_position_error_m": 0.03, "motions": 2, "failed": ["sit"]},
}


@pytest.mark.parametrize(
    ("threshold", "verdict"),
    [
        (Threshold("success_rate", 0.5, True), CaseVerdict.PASSED),
        (Threshold("success_rate", 0.51, True), CaseVerdict.FAILED),
        (Threshold("mean_position_error_m", 0.03, False), CaseVerdict.PASSED),
        (Threshold("mean_position_error_m", 0.029, False), CaseVerdict.FAILED),
        (Threshold("eval/gt_err_max", 0.4, False), CaseVerdict.PASSED),
        (Threshold("gt_err_max", 0.3, False), CaseVerdict.FAILED),
    ],
)
def test_figure_is_compared_with_its_limit(threshold: Threshold, verdict: CaseVerdict) -> None:
    assert judge(threshold, DOCUMENT).verdict is verdict


def test_missed_threshold_gives_the_figure() -> None:
    case = judge(Threshold("gt_err_max", 0.3, least=False), DOCUMENT)
    assert (case.text, case.code) == ("gt_err_max is 0.4, but must be at most 0.3", "PML350")


def test_missing_figure_fails_and_names_the_nearest() -> None:
    case = judge(Threshold("gt_er_max", 0.3, least=False), DOCUMENT)
    assert case.verdict is CaseVerdict.FAILED
    assert "gt_err_max" in case.text


def test_figure_that_is_not_a_number_fails() -> None:
    case = judge(Threshold("gt_err", 0.3, least=False), {"metrics": {"eval/gt_err": float("nan")}})
    assert case.verdict is CaseVerdict.FAILED


def test_missing_success_rate_fails() -> None:
    case = judge(Threshold("success_rate", 0.0, least=True), {"metrics": {}, "common": {"success_rate": None}})
    assert case.verdict is CaseVerdict.FAILED
    assert "--min-success" in case.text


def test_thresholds_of_the_command_line() -> None:
    thresholds = read_thresholds(0.9, 0.05, ["eval/x=1"], ["a=b=-2e-3"])
    assert [threshold.name for threshold in thresholds] == [
        "success_rate >= 0.9",
        "mean_position_error_m <= 0.05",
        "eval/x >= 1",
        "a=b <= -0.002",
    ]


@pytest.mark.parametrize("text", ["gt_err", "gt_err=", "=1", "gt_err=much", "gt_err=nan"])
def test_malformed_threshold_is_refused(text: str) -> None:
    with pytest.raises(PmlaunchError, match="NAME=NUMBER") as caught:
        read_thresholds(None, None, [], [text])
    assert caught.value.code == "PML001"


@pytest.mark.parametrize("share", [-0.1, 1.1, 90])
def test_success_rate_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(PmlaunchError, match="from 0 to 1"):
        read_thresholds(share, None, [], [])


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -0.1])
def test_position_error_that_is_no_distance_is_refused(limit: float) -> None:
    with pytest.raises(PmlaunchError, match="--max-gt-err") as caught:
        read_thresholds(None, limit, [], [])
    assert caught.value.code == "PML001"
