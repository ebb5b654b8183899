"""`pmlaunch smoke` with real processes: the embedded evaluation, and a machine without Isaac Lab."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from standin import make_checkout
from started import Pmlaunch

demo = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "lightning", "mujoco", "matplotlib")),
    reason="the embedded evaluation's packages are not installed",
)


def cases(path: Path) -> dict[str, list[str]]:
    """The tags of the cases of each suite in a JUnit file: passed, failure, error, skipped."""
    root = ET.parse(path).getroot()
    return {
        str(suite.get("name")): [(next(iter(case)).tag if len(case) else "passed") for case in suite] for suite in root
    }


@demo
def test_embedded_evaluation_passes_and_a_missed_threshold_fails(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    xml, summary = tmp_path / "smoke.xml", tmp_path / "summary.md"
    summary.write_text("# before\n", encoding="utf-8")
    words = ["smoke", "--model", "demo", "--motion", "squat", "--runs", tmp_path / "runs", "--json"]
    words += ["--min-success", "1", "--max-gt-err", "0.05", "--max", "gt_err_max=0.0001"]
    done = pmlaunch(*words, "--junit", xml, "--summary", summary)
    assert done.code == 1
    judged = {case["name"]: case for case in done.document["data"]["cases"] if case["suite"] == "thresholds"}
    assert [case["verdict"] for case in judged.values()] == ["passed", "passed", "failed"], done.document
    assert "at most 0.0001" in judged["gt_err_max <= 0.0001"]["text"]
    assert cases(xml)["thresholds"] == ["system-out", "system-out", "failure"]
    (evaluation,) = (case for case in done.document["data"]["cases"] if case["suite"] == "evaluation")
    assert "success rate 1, mean position error" in evaluation["text"]
    assert summary.read_text(encoding="utf-8").startswith("# before\n### pmlaunch smoke demo: failed")


def test_without_isaac_lab_nothing_is_started_but_a_report_is_written(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "protomotions")
    xml = tmp_path / "smoke.xml"
    words = ["smoke", "--protomotions", checkout, "--model", "motion_tracker", "--runs", tmp_path / "runs"]
    done = pmlaunch(*words, "--min-success", "1", "--junit", xml, "--json")
    assert done.code == 4
    assert cases(xml)["evaluation"] == ["skipped"]
    assert cases(xml)["thresholds"] == ["skipped"]
    assert "PML201" in {case["code"] for case in done.document["data"]["cases"]}
    assert not (tmp_path / "runs").exists()


def test_missing_checkout_is_in_the_report(pmlaunch: Pmlaunch, tmp_path: Path) -> None:
    done = pmlaunch("smoke", "--junit", tmp_path / "smoke.xml", "--json", cwd=tmp_path)
    assert done.code == 3
    assert cases(tmp_path / "smoke.xml")["evaluation"] == ["error"]
    assert json.dumps(done.document).count("PML012") >= 1
