"""A doctor examination for people: a heading per group, a line per check, and its findings below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import symbol
from pmlaunch.cli.result import SEVERITY_STYLES
from pmlaunch.doctor.check import CheckGroup, CheckResult, CheckState
from pmlaunch.doctor.examination import Examination
from pmlaunch.model import Finding, Severity

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
# facts that are clear without their name
_PLAIN_FACTS = ("path", "at", "backend", "ready")


def draw_examination(seen: Examination, console: Console) -> None:
    """Print an examination in 80 columns, readable without colours."""
    from rich.text import Text

    for group in CheckGroup:
        results = [result for result in seen.results if result.check.group is group]
        if not results:
            continue
        console.print(Text(group.value, style="bold"))
        for result in results:
            _check(console, result)
    _mended(console, seen)
    _summary(console, seen)


def _check(console: Console, result: CheckResult) -> None:
    from rich.text import Text

    fancy, plain, style = _MARKS[result.state]
    mark = symbol(console, fancy, plain)
    title = Text.assemble(
        (f"  {mark:<3}", style), (f"{result.check.title:<{_TITLE}}", "bold" if style != "dim" else style)
    )
    lines = _wrapped(console, Text(_facts(result), style="dim" if style == "dim" else ""), _INDENT + _TITLE)
    head = Text.assemble(title, lines[0] if lines else "")
    head.rstrip()
    console.print(head, soft_wrap=True)
    for line in lines[1:]:
        console.print(Text.assemble(" " * (_INDENT + _TITLE), line), soft_wrap=True)
    for finding in result.observation.findings:
        _finding(console, finding)


def _facts(result: CheckResult) -> str:
    if result.observation.skipped is not None:
        return f"not looked at: {result.observation.skipped}"
    plain = (*_PLAIN_FACTS, result.check.title)
    return "; ".join(value if name in plain else f"{name} {value}" for name, value in result.observation.facts)


def _finding(console: Console, finding: Finding) -> None:
    from rich.text import Text

    first, *more = finding.message.splitlines()
    text = Text.assemble(
        (finding.severity.value, SEVERITY_STYLES[finding.severity]), " ", (finding.code, "bold"), " ", first
    )
    for index, line in enumerate(_wrapped(console, text, _INDENT + 2)):
        console.print(Text.assemble(" " * (_INDENT + (2 if index else 0)), line), soft_wrap=True)
    for said in more:
        console.print(Text(" " * _INDENT + said), soft_wrap=True)
    if finding.hint:  # never wrapped, so that it can be copied
        console.print(Text(f"{' ' * (_INDENT + 2)}next: {finding.hint}", style="green"), soft_wrap=True)


def _wrapped(console: Console, text: Text, indent: int) -> list[Text]:
    """`text` as lines that leave room for `indent` columns, broken at blanks, or inside paths if necessary."""
    lines = list(text.wrap(console, min(console.width, _WIDEST) - indent, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines


def _mended(console: Console, seen: Examination) -> None:
    from rich.text import Text

    if not seen.fixed:
        return
    console.print(Text("--fix", style="bold"))
    if not seen.repairs:
        console.print(Text("  nothing here that --fix may mend"))
    before = {result.check.name: result.state for result in seen.before}
    after = {result.check.name: result.state for result in seen.results}
    for item in seen.repairs:
        what = "mended" if item.done else "not mended"
        console.print(Text(f"  {what}: {item.text}", style="green" if item.done else "bold red"), soft_wrap=True)
        if item.check in before:
            console.print(Text(f"    before: {before[item.check].value}; now: {after[item.check].value}"))


def _summary(console: Console, seen: Examination) -> None:
    from rich.text import Text

    counts: Sequence[tuple[str, Any]] = [
        (severity.value, sum(1 for found in seen.findings if found.severity is severity)) for severity in Severity
    ]
    told = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in counts if count)
    errors = dict(counts)["error"]
    name = seen.target.simulator.name
    broken = [result for result in seen.results if result.state is CheckState.ERROR]
    text = f"This would stop a run for {name}" if errors else f"Nothing found that would stop a run for {name}"
    where = ": " + ", ".join(f"{result.check.title} ({_codes(result)})" for result in broken) if broken else ""
    partly = " --quick: the simulator's Python was not asked." if seen.target.quick else ""
    console.print()
    for line in _wrapped(console, Text(f"{text}{where}.{partly}", style="bold red" if errors else "bold green"), 0):
        console.print(line)
    embedded = next((result for result in seen.results if result.check.name == "embedded"), None)
    if errors and embedded and embedded.state is CheckState.FINE:
        console.print("Without any of this there is: pmlaunch eval demo --motion walk", style="green")
    console.print(Text(f"{told or 'no findings'}; {seen.seconds:.1f} s"))


def _codes(result: CheckResult) -> str:
    found = [one.code for one in result.observation.findings if one.severity is Severity.ERROR]
    return ", ".join(dict.fromkeys(found))
