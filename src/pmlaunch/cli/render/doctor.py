"""A doctor examination for people: a heading per group, a line per check, and its findings below it.

`pmlaunch doctor --report` is the same as text for an issue, without personal data.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render import terminal
from pmlaunch.cli.render.layout import SEVERITY_STYLES, advice, say, symbol
from pmlaunch.doctor.check import CheckGroup, CheckResult, CheckState, Observation
from pmlaunch.doctor.examination import Examination
from pmlaunch.doctor.redaction import Redactor
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# (fancy mark, plain mark, style); the marks alone tell the states apart, without colour
_MARKS = {
    CheckState.FINE: ("✓", "ok", "green"),
    CheckState.NOTE: ("•", "--", "cyan"),
    CheckState.WARNING: ("!", "?!", "yellow"),
    CheckState.ERROR: ("✗", "!!", "bold red"),
    CheckState.SKIPPED: ("·", "..", "dim"),
}
_INDENT = 5  # columns, for the mark
_TITLE = 21  # columns, for the title of a check
_WIDEST = 100
_PLAIN_FACTS = ("path", "at", "backend", "ready")  # clear without their name
_HEAD = "pmlaunch doctor --report (home folder, user and host names removed; please read it before you post it)"


def draw_examination(seen: Examination, console: Console) -> None:
    """Print an examination in 80 columns, readable without colours."""
    for group in CheckGroup:
        results = [result for result in seen.results if result.check.group is group]
        if results:
            say(console, group.value, style="bold", wrap=True)
        for result in results:
            _check(console, result)
    if seen.fixed:
        _mended(console, seen)
    _summary(console, seen)


def _check(console: Console, result: CheckResult) -> None:
    fancy, plain, style = _MARKS[result.state]
    dim = "dim" if style == "dim" else ""
    mark, title = f"  {symbol(console, fancy, plain):<3}", f"{result.check.title:<{_TITLE}}"
    facts = _wrapped(console, _INDENT + _TITLE, (_facts(result), dim))
    if facts:
        say(console, (mark, style), (title, dim or "bold"), facts[0])
    else:
        say(console, (mark, style), (title.rstrip(), dim or "bold"))
    for line in facts[1:]:
        say(console, " " * (_INDENT + _TITLE), line)
    for finding in result.observation.findings:
        _finding(console, finding)


def _facts(result: CheckResult) -> str:
    if result.observation.skipped is not None:
        return f"not looked at: {result.observation.skipped}"
    plain = (*_PLAIN_FACTS, result.check.title)
    return "; ".join(value if name in plain else f"{name} {value}" for name, value in result.observation.facts)


def _finding(console: Console, finding: Finding) -> None:
    first, *more = finding.message.splitlines()
    label = (finding.severity.value, SEVERITY_STYLES[finding.severity])
    for index, line in enumerate(_wrapped(console, _INDENT + 2, label, " ", (finding.code, "bold"), " ", first)):
        say(console, " " * (_INDENT + (2 if index else 0)), line)
    for said in more:
        say(console, " " * _INDENT, said)
    if finding.hint:  # never wrapped, so that it can be copied
        say(console, f"{' ' * (_INDENT + 2)}{advice(finding)}", style="green")


def _wrapped(console: Console, indent: int, *parts: Any) -> list[Text]:
    """The text as lines that leave room for `indent` columns, broken at blanks, or inside paths if necessary."""
    from rich.text import Text

    text = Text.assemble(*parts)
    lines = list(text.wrap(console, min(console.width, _WIDEST) - indent, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines


def _mended(console: Console, seen: Examination) -> None:
    say(console, "--fix", style="bold", wrap=True)
    if not seen.repairs:
        say(console, "  nothing here that --fix may mend", wrap=True)
    before = {result.check.name: result.state for result in seen.before}
    after = {result.check.name: result.state for result in seen.results}
    for item in seen.repairs:
        what, style = ("mended", "green") if item.done else ("not mended", "bold red")
        say(console, f"  {what}: {item.text}", style=style)
        if item.check in before:
            say(console, f"    before: {before[item.check].value}; now: {after[item.check].value}", wrap=True)


def _summary(console: Console, seen: Examination) -> None:
    counts = {severity: sum(1 for found in seen.findings if found.severity is severity) for severity in Severity}
    told = ", ".join(
        f"{count} {severity.value}{'s' if count != 1 else ''}" for severity, count in counts.items() if count
    )
    errors = counts[Severity.ERROR]
    name = seen.target.simulator.name
    broken = [result for result in seen.results if result.state is CheckState.ERROR]
    text = f"This would stop a run for {name}" if errors else f"Nothing found that would stop a run for {name}"
    where = ": " + ", ".join(f"{result.check.title} ({_codes(result)})" for result in broken) if broken else ""
    partly = " --quick: the simulator's Python was not asked." if seen.target.quick else ""
    console.print()
    for line in _wrapped(console, 0, (f"{text}{where}.{partly}", "bold red" if errors else "bold green")):
        console.print(line)
    fine = {result.check.name for result in seen.results if result.state is CheckState.FINE}
    if errors and "embedded" in fine:
        say(console, "Without any of this there is: pmlaunch eval demo --motion walk", style="green", wrap=True)
    say(console, f"{told or 'no findings'}; {seen.seconds:.1f} s", wrap=True)


def _codes(result: CheckResult) -> str:
    found = [one.code for one in result.observation.findings if one.severity is Severity.ERROR]
    return ", ".join(dict.fromkeys(found))


def write_report(seen: Examination, file: str | None) -> None:
    """Print the report, or write it to `file`. Raises PML204 if the file cannot be written."""
    text = report_text(seen, Redactor.here(seen.target.environment))
    if file is None:
        terminal.write(sys.stdout, text)
        return
    path = expanded(file)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        message = f"Cannot write the report to {path}: {error.strerror or error}."
        raise PmlaunchError("PML204", message, hint="--report alone prints it", subject=str(path)) from error
    terminal.write(sys.stderr, f"report  {path}\n")


def report_text(seen: Examination, redactor: Redactor) -> str:
    """The text that a terminal would show, in lines wide enough for whole paths."""
    page = io.StringIO()
    draw_examination(_cleaned(seen, redactor.clean), terminal.console_on(page, width=200, no_color=True))
    inside = page.getvalue().replace("```", "'''")  # nothing in it ends the block
    return f"```text\n{_HEAD}\n\n{inside}```\n"


def _cleaned(seen: Examination, clean: Callable[[str], str]) -> Examination:
    """A copy with every text cleaned, before lines are wrapped: wrapping could split a path at a blank."""

    def finding(found: Finding) -> Finding:
        hint = clean(found.hint) if found.hint else None
        return replace(found, message=clean(found.message), hint=hint, fix=None, subject=None)

    def result(one: CheckResult) -> CheckResult:
        facts = tuple((name, clean(value)) for name, value in one.observation.facts)
        skipped = clean(one.observation.skipped) if one.observation.skipped is not None else None
        return replace(one, observation=Observation(facts, tuple(map(finding, one.observation.findings)), skipped))

    return replace(
        seen,
        results=tuple(map(result, seen.results)),
        before=tuple(map(result, seen.before)),
        repairs=tuple(replace(item, text=clean(item.text)) for item in seen.repairs),
    )
