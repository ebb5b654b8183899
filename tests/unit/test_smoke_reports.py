"""The reports of a smoke test for CI: JUnit XML and a Markdown table."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pmlaunch.smoke.case import Case, SmokeResult, Verdict
from pmlaunch.smoke.junit import junit, markdown
from pmlaunch.support.json import to_json

RESULT = SmokeResult(
    "masked_mimic",
    (
        Case("doctor", "Git LFS", Verdict.PASSED, "3.3.0", 0.25),
        Case("doctor", "GPU", Verdict.SKIPPED, "not asked for"),
        Case("evaluation", "walk & \x1b[31m<run> \U0001f600 步", Verdict.FAILED, "a | b\n\x00c", 12.0, "PML301"),
        Case("thresholds", "success_rate >= 1", Verdict.ERROR, "no figures", 0.0, "PML350"),
    ),
    1,
    12.5,
    "runs/x",
)


def test_junit_counts_cases_and_describes_failures() -> None:
    root = ET.fromstring(junit(RESULT).encode())
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [suite.get("name") for suite in root] == ["doctor", "evaluation", "thresholds"]
    failure = root.find("testsuite[@name='evaluation']/testcase/failure")
    assert failure is not None
    assert failure.get("type") == "PML301"
    assert failure.text == "a | b\n?c"


def test_characters_that_xml_forbids_are_removed() -> None:
    case = ET.fromstring(junit(RESULT).encode()).find("testsuite[@name='evaluation']/testcase")
    assert case is not None
    assert case.get("name") == "walk & ?[31m<run> \U0001f600 步"


def test_empty_suite_is_left_out() -> None:
    empty = SmokeResult("demo", (Case("evaluation", "walk", Verdict.PASSED),), 0, 1.0)
    assert [suite.get("name") for suite in ET.fromstring(junit(empty).encode())] == ["evaluation"]


def test_markdown_has_a_row_per_case_failures_first() -> None:
    rows = [line for line in markdown(RESULT).splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == 4
    assert rows[0].startswith("| failed | evaluation: walk & ?\\[31m&lt;run>")
    assert "a \\| b ?c" in rows[0]
    assert all(row.count(" | ") == 2 for row in rows)


def test_json_counts_cases_by_verdict() -> None:
    assert to_json(RESULT)["counts"] == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}
