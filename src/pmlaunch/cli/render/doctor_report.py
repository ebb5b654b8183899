"""`pmlaunch doctor --report`: an examination as text for an issue, without personal data."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pmlaunch.cli.render.doctor import draw_examination
from pmlaunch.doctor.check import CheckResult, Observation
from pmlaunch.doctor.examination import Examination
from pmlaunch.doctor.redaction import Redactor
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding

_HEAD = "pmlaunch doctor --report (home folder, user and host names removed; please read it before you post it)"


def report_text(seen: Examination, redactor: Redactor) -> str:
    """The text that a terminal would show, in lines wide enough for whole paths."""
    from rich.console import Console

    page = io.StringIO()
    console = Console(file=page, width=200, no_color=True, highlight=False, emoji=False)
    draw_examination(_cleaned(seen, redactor.clean), console)
    return f"```text\n{_HEAD}\n\n{page.getvalue()}```\n"


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


def write_report(seen: Examination, file: str | None) -> None:
    """Print the report, or write it to `file`. Raises PML204 if the file cannot be written."""
    text = report_text(seen, Redactor.here(seen.target.environment))
    if file is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(file).expanduser()
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        message = f"Cannot write the report to {path}: {error.strerror or error}."
        raise PmlaunchError("PML204", message, hint="--report alone prints it", subject=str(path)) from error
    sys.stderr.write(f"report  {path}\n")
