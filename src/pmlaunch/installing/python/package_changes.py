"""What pip changed in the simulator's Python: said in words, and refused where torch was to be kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.requirements import TORCH_FAMILY, lowered
from pmlaunch.installing.python.target_python import Look, typed_python
from pmlaunch.installing.step import Site
from pmlaunch.model import Finding, Severity
from pmlaunch.running.run_folder import cannot_write
from pmlaunch.support.atomic import write_text

BEFORE = "packages-before.json"
_SHOWN = 8  # packages that a sentence names


def write_beside_logs(site: Site, name: str, text: str) -> Path:
    """Write a file to the folder of the logs and return its path. Raises PML204."""
    path = site.logs / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise cannot_write(site.logs, error) from error
    return path


def remember(site: Site, look: Look) -> None:
    """Keep what was there before pip, for the proof afterwards and for a person who wants it back."""
    document = {"schema": 1, "python": look.python, "packages": look.versions, "torch": dict(look.torch)}
    write_beside_logs(site, BEFORE, json.dumps(document, indent=1))


def told(site: Site, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What pip changed, in words; a version that was lowered is a finding as well."""
    new = [name for name in after if name not in before]
    changed = [
        f"{name} {before[name]} -> {after[name]}" for name in before if after.get(name, before[name]) != before[name]
    ]
    gone = [name for name in before if name not in after]
    for name in lowered(before, after):
        message = f"pip put {name} {after[name]} in the place of {before[name]}: a requirement leaves no other choice."
        back = typed_python(site, "-m", "pip", "install", f"{name}=={before[name]}")
        site.findings.append(Finding("PML448", Severity.WARNING, message, hint=f"back: {back}", subject=name))
    parts = [f"{len(new)} new"] if new else []
    parts += [f"changed: {_some(changed)}"] if changed else []
    parts += [f"removed: {_some(gone)}"] if gone else []
    return f"pip: {'; '.join(parts)}" if parts else ""


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def refuse_changed_torch(site: Site, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raises PML439, with the way back, when torch or what belongs to it is not what it was."""
    changed = [name for name in TORCH_FAMILY if before.get(name) != after.get(name)]
    if not changed or "torch" not in before:
        return
    words = "; ".join(f"{name} {before.get(name)} -> {after.get(name)}" for name in changed)
    pins = [f"{name}=={before[name]}" for name in TORCH_FAMILY if name in before]
    build = re.search(r"\+(cu\d+|cpu)$", before["torch"])
    index = ["--index-url", f"https://download.pytorch.org/whl/{build[1]}"] if build else []
    back = typed_python(site, "-m", "pip", "install", "--force-reinstall", "--no-deps", *pins, *index)
    raise PmlaunchError("PML439", f"pip replaced what it was told to keep: {words}.", hint=back, subject="torch")
