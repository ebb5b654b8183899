"""A smoke test for people: the failed checks, and every metric with its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.layout import say, symbol
from pmlaunch.smoke.case import CaseVerdict, SmokeResult, Suite

if TYPE_CHECKING:
    from rich.console import Console

# (fancy mark, plain mark, style)
_MARKS = {
    CaseVerdict.PASSED: ("✓", "ok", "green"),
    CaseVerdict.FAILED: ("✗", "!!", "bold red"),
    CaseVerdict.ERROR: ("✗", "!!", "bold red"),
    CaseVerdict.SKIPPED: ("·", "..", "dim"),
}


def draw_smoke(result: SmokeResult, console: Console) -> None:
    """Print one line per case; of doctor's checks only the failed ones and their number."""
    marks = {verdict: (symbol(console, fancy, plain), style) for verdict, (fancy, plain, style) in _MARKS.items()}
    checks = result.of(Suite.DOCTOR)
    failed = [case for case in checks if case.verdict in (CaseVerdict.FAILED, CaseVerdict.ERROR)]
    if checks:  # none if a name was mistyped: then doctor did not run
        said = f"{len(failed)} of {len(checks)} checks failed" if failed else f"{len(checks)} checks"
        say(console, marks[CaseVerdict.FAILED if failed else CaseVerdict.PASSED], f" doctor: {said}", wrap=True)
    for case in [*failed, *result.of(Suite.EVALUATION), *result.of(Suite.THRESHOLDS)]:
        indent = "  " if case.suite is Suite.DOCTOR else ""
        text = f": {f'{case.code} ' if case.code else ''}{case.text}" if case.text else ""
        say(console, indent, marks[case.verdict], " ", (case.name, "bold"), text)
    failed_with = f"failed, exit code {result.exit_code}" if result.exit_code else "passed"
    style = "bold red" if result.exit_code else "bold green"
    say(console, f"smoke test {failed_with}, {result.seconds:.1f} s", style=style, wrap=True)
    if result.folder:
        say(console, f"run      {result.folder}")
