"""A smoke test for people: the failed checks, and every metric with its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlaunch.cli.render.encoding import symbol
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
    from rich.text import Text

    checks = result.of(Suite.DOCTOR)
    failed = [case for case in checks if case.verdict in (CaseVerdict.FAILED, CaseVerdict.ERROR)]
    fancy, plain, style = _MARKS[CaseVerdict.FAILED if failed else CaseVerdict.PASSED]
    said = f"doctor: {len(failed)} of {len(checks)} checks failed" if failed else f"doctor: {len(checks)} checks"
    if checks:  # none if a name was mistyped: then doctor did not run
        console.print(Text.assemble((symbol(console, fancy, plain), style), f" {said}"))
    for case in [*failed, *result.of(Suite.EVALUATION), *result.of(Suite.THRESHOLDS)]:
        fancy, plain, style = _MARKS[case.verdict]
        mark = symbol(console, fancy, plain)
        indent = "  " if case.suite is Suite.DOCTOR else ""
        line = Text.assemble(indent, (mark, style), " ", (case.name, "bold"))
        if case.text:
            line.append(f": {f'{case.code} ' if case.code else ''}{case.text}")
        console.print(line, soft_wrap=True)
    passed = "smoke test passed" if result.exit_code == 0 else f"smoke test failed, exit code {result.exit_code}"
    console.print(Text(f"{passed}, {result.seconds:.1f} s", style="bold green" if not result.exit_code else "bold red"))
    if result.folder:
        console.print(Text(f"run      {result.folder}"), soft_wrap=True)
