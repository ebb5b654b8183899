"""What pip changed in the simulator's Python: a description, and an error if it replaced torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python.requirements import TORCH_FAMILY, lowered
from pmlaunch.installing.python.target_python import PythonReport, typed_python
from pmlaunch.model import Finding, Severity
from pmlaunch.running.run_folder import cannot_write
from pmlaunch.support.atomic import write_text
from pmlaunch.support.json import to_json

_SHOWN = 8  # packages named in a sentence


def write_to_logs(context: InstallContext, name: str, text: str) -> Path:
    """Write a file to the folder of the logs; return its path. Raises PML204."""
    path = context.logs / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise cannot_write(context.logs, error) from error
    return path


def save_packages(context: InstallContext, report: PythonReport) -> None:
    """Save what was installed before pip, for a person who wants it back. Raises PML204."""
    document = {"schema": 1, "python": report.python, "packages": report.versions, "torch": to_json(report.torch)}
    write_to_logs(context, "packages-before.json", json.dumps(document, indent=1))


def describe_changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What pip changed, given {name: version} before and after: "pip: 3 new; changed: a 1.0 -> 1.1"."""
    new = [name for name in after if name not in before]
    both = {name: (before[name], after[name]) for name in before if name in after}
    changed = [f"{name} {old} -> {now}" for name, (old, now) in both.items() if old != now]
    gone = [name for name in before if name not in after]
    parts = [f"{len(new)} new"] if new else []
    parts += [f"changed: {_some(changed)}"] if changed else []
    parts += [f"removed: {_some(gone)}"] if gone else []
    return f"pip: {'; '.join(parts)}" if parts else ""


def lowered_findings(context: InstallContext, before: Mapping[str, str], after: Mapping[str, str]) -> list[Finding]:
    """PML448 for each package whose version pip lowered, with the command that undoes it."""
    findings = []
    for name in lowered(before, after):
        message = f"pip put {name} {after[name]} in the place of {before[name]}: a requirement leaves no other choice."
        back = typed_python(context, "-m", "pip", "install", f"{name}=={before[name]}")
        findings.append(Finding("PML448", Severity.WARNING, message, hint=f"back: {back}", subject=name))
    return findings


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def refuse_changed_torch(context: InstallContext, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise PML439, with the command that undoes it, if torch or a package of its family has another version."""
    changed = [name for name in TORCH_FAMILY if before.get(name) != after.get(name)]
    if not changed or "torch" not in before:
        return
    words = "; ".join(f"{name} {before.get(name)} -> {after.get(name)}" for name in changed)
    pins = [f"{name}=={before[name]}" for name in TORCH_FAMILY if name in before]
    build = re.search(r"\+(cu\d+|cpu)$", before["torch"])
    index = ["--index-url", f"https://download.pytorch.org/whl/{build[1]}"] if build else []
    back = typed_python(context, "-m", "pip", "install", "--force-reinstall", "--no-deps", *pins, *index)
    raise PmlaunchError("PML439", f"pip replaced what it was told to keep: {words}.", hint=back, subject="torch")
