"""The step that writes pmlaunch.yaml, in which `pmlaunch eval` finds everything.

Lines are only ever added to an existing file. A key that already has another value is reported.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PureWindowsPath

import yaml

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import writing
from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import Finding, Severity
from pmlaunch.settings import WORKSPACE_FILE
from pmlaunch.support.atomic import write_text
from pmlaunch.support.files import read_bytes
from pmlaunch.support.paths import expanded
from pmlaunch.support.yaml_file import config_loader, yaml_mapping

_HEAD = "# written by pmlaunch install"
_PATHS = ("protomotions", "isaaclab", "python")
_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")  # text that needs no quotes in YAML


class WorkspaceStep:
    """Write pmlaunch.yaml."""

    name = "workspace"
    title = WORKSPACE_FILE

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML015 if the file exists and cannot be read."""
        path = workspace_file(context)
        missing, notes = _compare(context, path)
        if not missing:
            return AlreadyDone(f"{path} is complete", notes)
        verb = "add to" if path.is_file() else "write"
        return Todo(f"{verb} {path}: {', '.join(missing)}", notes=notes)

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML015, PML415 and PML422."""
        path = workspace_file(context)
        missing, _ = _compare(context, path)
        add_keys(path, missing)
        context.trust(path, report)  # what it named before was agreed to before the first step
        return Done(f"{path}: {', '.join(_wanted(context, path))}")


def workspace_file(context: InstallContext) -> Path:
    """The pmlaunch.yaml in effect: the nearest one, else a new one in the current folder."""
    return context.settings.workspace_file or context.settings.folder / WORKSPACE_FILE


def _wanted(context: InstallContext, path: Path) -> dict[str, str]:
    """The keys that the file should have, with paths as they are written in it."""
    request, learned = context.request, context.learned
    wanted = {
        "protomotions": str(context.checkout),
        "simulator": request.simulator,
        "isaaclab": request.isaaclab or learned.isaaclab,
        "python": request.python or learned.python,
    }
    home, typed_in = path.parent, context.settings.folder
    return {key: _written(key, value, home, typed_in) for key, value in wanted.items() if value is not None}


def _compare(context: InstallContext, path: Path) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """The keys to add, and PML414 for each that has another value: that value stays."""
    present, missing, notes = settings_in(path), {}, []
    for key, value in _wanted(context, path).items():
        if present.get(key) is None:
            missing[key] = value
        elif not _same(key, present[key], value, path.parent):
            message = (
                f"{path} sets {key}: {present[key]}, but the installation uses {value}. pmlaunch kept the "
                "existing value."
            )
            notes.append(Finding("PML414", Severity.WARNING, message, f"set {key}: {value}", None, key))
    return missing, tuple(notes)


def _written(key: str, text: str, home: Path, typed_in: Path) -> str:
    """A value as it is written: a path below the file's folder becomes relative to it, so that the folder can be moved."""
    if key not in _PATHS or (key == "python" and not any(separator in text for separator in "/\\")):
        return text
    if PureWindowsPath(text).is_absolute() and os.name != "nt":
        return text
    path = typed_in / expanded(text)
    if not path.is_relative_to(home):
        return str(path)
    inside = path.relative_to(home).as_posix()
    # a program's name without a folder would be searched for on PATH
    return f"./{inside}" if key == "python" and "/" not in inside else inside


def _same(key: str, one: object, other: object, home: Path) -> bool:
    if key in _PATHS:
        return os.path.normpath(home / str(one)) == os.path.normpath(home / str(other))
    return bool(one == other)


def add_keys(path: Path, missing: Mapping[str, object]) -> None:
    """Append `missing` to the YAML file at `path`. Raises PML015, PML415 and PML422."""
    lines = [f"{key}: {_scalar(value)}" for key, value in missing.items()]
    _store(path, lambda old: _appended(old, [_HEAD, *lines]), missing)


def set_key(path: Path, key: str, wanted: object) -> None:
    """Give `key` this value in the YAML file at `path`; all other lines and comments stay. Raises as `add_keys`."""
    line = f"{key}: {_scalar(wanted)}"
    # its value plain or in quotation marks, on the same line, up to a comment; other forms are refused by _store
    value = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|[^\s#"'][^\r\n]*?)"""
    present = re.compile(rf"^{re.escape(key)}[ \t]*:(?:[ \t]+{value})?(?=[ \t]+#|[ \t]*\r?$)", re.MULTILINE)

    def change(old: str) -> str:
        return present.sub(lambda _: line, old, count=1) if present.search(old) else _appended(old, [line])

    _store(path, change, {key: wanted})


def _appended(old: str, lines: Sequence[str]) -> str:
    newline = "\r\n" if "\r\n" in old else "\n"
    gap = "" if not old or old.endswith("\n") else newline
    return old + gap + newline.join([*lines, ""])


def _store(path: Path, change: Callable[[str], str], wanted: Mapping[str, object]) -> None:
    """Write the file at `path` as `change` makes it, if only the `wanted` keys differ then."""
    with writing(path.parent):
        old = read_bytes(path).decode("utf-8-sig") if path.is_file() else ""
        text = change(old)
        if _parsed(text) != {**settings_in(path), **wanted}:
            message = f"pmlaunch cannot add lines to {path} because of the way it is written, and left it unchanged."
            lines = "; ".join(f"{key}: {_scalar(value)}" for key, value in wanted.items())
            raise PmlaunchError("PML415", message, hint=f"add by hand: {lines}", subject=str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))  # keep a symbolic link
        mode = real.stat().st_mode & 0o777 if real.exists() else 0o644
        write_text(real, text)
        real.chmod(mode)


def settings_in(path: Path) -> Mapping[str, object]:
    """The keys and values of a settings file; none if it does not exist. Raises PML015."""
    return yaml_mapping(path) if path.is_file() else {}


def _parsed(text: str) -> object:
    try:
        return yaml.load(text, Loader=config_loader())  # noqa: S506 (a safe one)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _scalar(value: object) -> str:
    if isinstance(value, str) and not (_PLAIN.fullmatch(value) and yaml.safe_load(value) == value):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)
