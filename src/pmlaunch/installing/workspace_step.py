"""The step that writes down what was learned: pmlaunch.yaml, by which `pmlaunch eval` finds everything.

Lines are added to a file that is there; nothing in it is changed. A key that has another value already is told.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import yaml

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.runner import cannot_write
from pmlaunch.installing.step import Report, Site, Todo
from pmlaunch.model import Finding, Severity
from pmlaunch.settings import WORKSPACE_FILE
from pmlaunch.support.atomic import write_text
from pmlaunch.support.yaml_file import yaml_mapping

_HEAD = "# written by pmlaunch install"
_PATHS = ("protomotions", "isaaclab", "python")
_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")  # a text that YAML reads as that text


class WorkspaceStep:
    """pmlaunch.yaml."""

    name = "workspace"
    title = WORKSPACE_FILE

    def todo(self, site: Site) -> Todo | None:
        """Raises PML015 when the file there is unreadable."""
        path = workspace_file(site)
        here = yaml_mapping(path) if path.is_file() else {}
        missing = _missing(site, path, here)
        if not missing:
            site.said[self.name] = f"{path} says it all"
            return None
        verb = "add to" if path.is_file() else "write"
        return Todo(f"{verb} {path}: {', '.join(missing)}")

    def do(self, site: Site, report: Report) -> None:
        path = workspace_file(site)
        here = yaml_mapping(path) if path.is_file() else {}
        add_keys(path, here, _missing(site, path, here))

    def prove(self, site: Site) -> str:
        """Raises PML015 and PML415."""
        path = workspace_file(site)
        here = yaml_mapping(path)
        for key in _wanted(site, path):
            if key not in here:
                raise PmlaunchError("PML415", f"{path} has no key {key} after all.", subject=str(path))
        return f"{path}: {', '.join(_wanted(site, path))}"


def workspace_file(site: Site) -> Path:
    """The pmlaunch.yaml that counts here: the nearest one, else a new one where the command was typed."""
    return site.settings.workspace_file or site.settings.folder / WORKSPACE_FILE


def _wanted(site: Site, path: Path) -> dict[str, Any]:
    request = site.request
    found = {key: getattr(request, key) or site.learned.get(key) for key in ("isaaclab", "python")}
    wanted = {"protomotions": site.checkout, "simulator": request.simulator, **found}
    return {
        key: _written(key, value, path.parent, site.settings.folder)
        for key, value in wanted.items()
        if value is not None
    }


def _missing(site: Site, path: Path, here: Mapping[str, Any]) -> dict[str, Any]:
    """The keys to add. One that is there with another value stays, and is told."""
    missing = {}
    for key, value in _wanted(site, path).items():
        if here.get(key) is None:
            missing[key] = value
        elif not _same(key, here[key], value, path.parent):
            message = f"{path} says {key}: {here[key]}, and the installation has {value}. It was left as it is."
            finding = Finding("PML414", Severity.WARNING, message, f"set {key}: {value}", None, key)
            if finding not in site.findings:
                site.findings.append(finding)
    return missing


def _written(key: str, value: Any, home: Path, typed_in: Path) -> Any:
    """A path as it stands in the file: relative to it where it lies below it, so that the folder may be moved."""
    text = str(value)
    if key not in _PATHS or (key == "python" and not any(separator in text for separator in "/\\")):
        return value
    if PureWindowsPath(text).is_absolute() and os.name != "nt":
        return text
    path = typed_in / Path(text).expanduser()
    inside = path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
    # a program's name without a folder would be looked for on PATH
    return f"./{inside}" if key == "python" and "/" not in inside else inside


def _same(key: str, one: Any, other: Any, home: Path) -> bool:
    if key in _PATHS:
        return os.path.normpath(home / str(one)) == os.path.normpath(home / str(other))
    return bool(one == other)


def add_keys(path: Path, here: Mapping[str, Any], missing: Mapping[str, Any]) -> None:
    """Add `missing` at the end of the YAML file at `path`, whose content is `here`. Raises PML415 and PML422."""
    lines = [f"{key}: {_scalar(value)}" for key, value in missing.items()]
    try:
        old = path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
        newline = "\r\n" if "\r\n" in old else "\n"
        gap = "" if not old or old.endswith("\n") else newline
        text = old + gap + newline.join([_HEAD, *lines, ""])
        if _parsed(text) != {**here, **missing}:
            raise PmlaunchError(
                "PML415",
                f"{path} is not written in a way that lines can be added to. It was left as it is.",
                hint=f"add by hand: {'; '.join(lines)}",
                subject=str(path),
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))  # a link stays a link
        mode = real.stat().st_mode & 0o777 if real.exists() else 0o644
        write_text(real, text)
        real.chmod(mode)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _scalar(value: Any) -> str:
    if isinstance(value, str) and not (_PLAIN.fullmatch(value) and yaml.safe_load(value) == value):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)
