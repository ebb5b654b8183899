"""A smoke test as JUnit XML, which every CI reads, and as a Markdown table for a job's page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from pmlaunch.smoke.case import Case, SmokeResult, Verdict

_SUITES = ("doctor", "evaluation", "thresholds")
_TAGS = {Verdict.FAILED: "failure", Verdict.ERROR: "error", Verdict.SKIPPED: "skipped"}
# what XML 1.0 cannot hold, not even escaped (https://www.w3.org/TR/xml/#charsets)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: SmokeResult) -> str:
    """The XML document: one testsuite for doctor, one for the evaluation, one for the thresholds."""
    root = ElementTree.Element("testsuites", {"name": f"pmlaunch smoke {result.model}", **_counts(result.cases)})
    root.set("time", f"{result.seconds:.3f}")
    for name in _SUITES:
        cases = tuple(result.of(name))
        if not cases:
            continue
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(cases)})
        suite.set("time", f"{sum(case.seconds for case in cases):.3f}")
        for case in cases:
            suite.append(_case(case))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(case: Case) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase", {"classname": f"pmlaunch.{case.suite}", "name": _text(case.name), "time": f"{case.seconds:.3f}"}
    )
    tag = _TAGS.get(case.verdict)
    if tag is None:
        if case.text:
            ElementTree.SubElement(element, "system-out").text = _text(case.text)
        return element
    inner = ElementTree.SubElement(element, tag, {"message": _text(case.text)})
    if case.verdict is not Verdict.SKIPPED:
        inner.set("type", case.code or case.verdict.value)
        inner.text = _text(case.text)
    return element


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    def number(verdict: Verdict) -> str:
        return str(sum(case.verdict is verdict for case in cases))

    return {
        "tests": str(len(cases)),
        "failures": number(Verdict.FAILED),
        "errors": number(Verdict.ERROR),
        "skipped": number(Verdict.SKIPPED),
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("?", text)


def markdown(result: SmokeResult) -> str:
    """A table for the job's page ($GITHUB_STEP_SUMMARY): what failed first, then the figures, then the rest."""
    word = "passed" if result.exit_code == 0 else f"failed (exit code {result.exit_code})"
    lines = [f"### pmlaunch smoke {_cell(result.model)}: {word}", "", "| | what | |", "|---|---|---|"]
    order = {Verdict.FAILED: 0, Verdict.ERROR: 0, Verdict.SKIPPED: 2, Verdict.PASSED: 1}
    for case in sorted(result.cases, key=lambda case: order[case.verdict]):
        told = f"{case.code} {case.text}" if case.code else case.text
        lines.append(f"| {case.verdict.value} | {_cell(case.suite)}: {_cell(case.name)} | {_cell(told)} |")
    return "\n".join([*lines, "", f"{result.seconds:.1f} s in all", ""])


def _cell(text: str) -> str:
    """Text as one cell: neither a line break nor a bar may end it, and nothing in it is markup."""
    plain = _text(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return re.sub(r"\s+", " ", re.sub(r"([`*_\[\]])", r"\\\1", plain))
