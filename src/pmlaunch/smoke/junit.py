"""A smoke test as JUnit XML, which every CI system reads, and as Markdown for a job's page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite, count
from pmlaunch.smoke.shown_run import ShownRun
from pmlaunch.support.text import clean

# what XML 1.0 cannot hold, not even escaped (https://www.w3.org/TR/xml/#charsets)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# GitHub's Markdown; a backslash before the : or . of an address keeps it from becoming a link
_MARKUP = re.compile(r"[\\`*_{}\[\]#!|~$@^>]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_LONGEST = 2000  # characters of a text in a report


def junit(result: SmokeResult) -> str:
    """The XML document, with a testsuite each for doctor, the evaluation and the thresholds."""
    root = ET.Element("testsuites", _totals(_text(f"pmlaunch smoke {result.model}"), result.cases, result.seconds))
    for suite in Suite:
        cases = result.of(suite)
        if cases:
            totals = _totals(suite.value, cases, sum(case.seconds for case in cases))
            ET.SubElement(root, "testsuite", totals).extend(map(_case, cases))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(case: Case) -> ET.Element:
    attributes = {"classname": f"pmlaunch.{case.suite.value}", "name": _text(case.name), "time": f"{case.seconds:.3f}"}
    element = ET.Element("testcase", attributes)
    text = _text(case.text)
    if case.verdict is CaseVerdict.SKIPPED:
        ET.SubElement(element, "skipped", {"message": text})
    elif case.verdict is not CaseVerdict.PASSED:
        tag = "failure" if case.verdict is CaseVerdict.FAILED else "error"
        ET.SubElement(element, tag, {"message": text, "type": case.code or case.verdict.value}).text = text
    elif text:
        ET.SubElement(element, "system-out").text = text
    return element


def _totals(name: str, cases: Sequence[Case], seconds: float) -> dict[str, str]:
    return {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(count(cases, CaseVerdict.FAILED)),
        "errors": str(count(cases, CaseVerdict.ERROR)),
        "skipped": str(count(cases, CaseVerdict.SKIPPED)),
        "time": f"{seconds:.3f}",
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("?", clean(text, _LONGEST))


def markdown(result: SmokeResult, run: ShownRun | None = None) -> str:
    """A job's page ($GITHUB_STEP_SUMMARY): the run, and a table of failed cases first, then passed ones, then the rest."""
    word = "passed" if result.exit_code == 0 else f"failed (exit code {result.exit_code})"
    lines = [f"### pmlaunch smoke {_cell(result.model)}: {word}", "", *(_run(run) if run else ())]
    lines += ["| | what | |", "|---|---|---|"]
    order = {CaseVerdict.FAILED: 0, CaseVerdict.ERROR: 0, CaseVerdict.SKIPPED: 2, CaseVerdict.PASSED: 1}
    for case in sorted(result.cases, key=lambda case: order[case.verdict]):
        text = f"{case.code} {case.text}" if case.code else case.text
        lines.append(f"| {case.verdict.value} | {case.suite.value}: {_cell(case.name)} | {_cell(text)} |")
    return "\n".join([*lines, "", f"{result.seconds:.1f} s in all", ""])


def _run(run: ShownRun) -> Iterator[str]:
    yield from (f"**{_cell(run.verdict)}**", "")
    for title, poses in (("reference", run.reference), ("policy", run.policy)):
        if poses:
            yield from (f"{_cell(run.motion)}, {title}:", "", "```text", poses, "```", "")


def _cell(text: str) -> str:
    """`text` as one table cell: no line break or bar ends it, and nothing in it is markup, a link or a mention."""
    plain = _text(text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"\s+", " ", _MARKUP.sub(r"\\\g<0>", plain))
