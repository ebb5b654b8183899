"""The reports of a smoke test for CI: well-formed JUnit XML and a Markdown table."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite
from pmlaunch.smoke.junit import junit, markdown
from pmlaunch.smoke.shown_run import shown_run
from pmlaunch.support.json import to_json
from recorded_runs import write_run

RESULT = SmokeResult(
    "masked_mimic",
    (
        Case(Suite.DOCTOR, "Git LFS", CaseVerdict.PASSED, "3.3.0", 0.25),
        Case(Suite.DOCTOR, "GPU", CaseVerdict.SKIPPED, "not asked for"),
        Case(
            Suite.EVALUATION, "walk & \x1b[31m<run> \U0001f600 步", CaseVerdict.FAILED, "a | b\n\x00c", 12.0, "PML301"
        ),
        Case(Suite.THRESHOLDS, "success_rate >= 1", CaseVerdict.ERROR, "no figures", 0.0, "PML350"),
    ),
    1,
    12.5,
    "runs/x",
)


def test_junit_counts_and_failures() -> None:
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
    assert failure.text == "a | b\n\N{REPLACEMENT CHARACTER}c"


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    case = ET.fromstring(junit(RESULT).encode()).find("testsuite[@name='evaluation']/testcase")
    assert case is not None
    assert case.get("name") == "walk & <run> \U0001f600 步"


def test_suite_without_cases_is_left_out() -> None:
    empty = SmokeResult("demo", (Case(Suite.EVALUATION, "walk", CaseVerdict.PASSED),), 0, 1.0)
    assert [suite.get("name") for suite in ET.fromstring(junit(empty).encode())] == ["evaluation"]


def test_markdown_has_a_row_per_case_failed_ones_first() -> None:
    rows = [line for line in markdown(RESULT).splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == 4
    assert rows[0].startswith("| failed | evaluation: walk &amp; &lt;run\\>")
    assert "a \\| b \N{REPLACEMENT CHARACTER}c" in rows[0]
    assert all(row.count(" | ") == 2 for row in rows)


def test_markdown_shows_the_run_first(tmp_path: Path) -> None:
    run = shown_run(str(write_run(tmp_path / "run", ["walk", "a`|<b>"], falls=["a`|<b>"])))
    text = markdown(RESULT, run)
    assert "**Lost 1 of 2 motions. Mean error" in text
    assert "a\\`\\|&lt;b\\>, policy:" in text
    assert text.index("```") < text.index("| what |")
    strips = text.split("```")[1::2]
    assert len(strips) == 2  # reference and policy
    assert strips[0] != strips[1]
    for strip in strips:
        lines = strip.removeprefix("text").strip().splitlines()
        assert 7 <= len(lines) <= 11
        assert all("\u2800" <= letter <= "\u28ff" for letter in "".join(lines))


def test_markdown_of_a_run_without_motion(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", ["walk"])
    (folder / "motion.npz").unlink()
    text = markdown(RESULT, shown_run(str(folder)))
    assert "**Tracked 1 of 1 motions." in text
    assert "```" not in text
    assert shown_run(None) is shown_run(str(tmp_path / "none")) is None


def test_json_counts_verdicts() -> None:
    assert to_json(RESULT)["counts"] == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}
