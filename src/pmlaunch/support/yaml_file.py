"""Read small YAML files as plain data, with libyaml's fast parser where PyYAML has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pmlaunch.errors import PmlaunchError

_SafeLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST = 500  # levels; libyaml's parser recurses, and a few thousand levels overflow a small stack
_BRACKETS = re.compile(r"[\[{\]}]")
_DASHES = re.compile(r"[-?]\s")


def yaml_mapping(path: Path, code: str = "PML015") -> dict[str, Any]:
    """Read the mapping in `path`; an empty file is an empty mapping.

    Raises:
        PmlaunchError: with `code`; the file cannot be read, is not valid YAML (with line and column), or holds
            something else than a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        refuse_deep(text)
        content = yaml.load(text, Loader=_SafeLoader)  # noqa: S506 (one of the safe ones)
    except yaml.YAMLError as error:
        raise PmlaunchError(code, f"{path} is not valid YAML: {_reason(error)}", subject=str(path)) from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise PmlaunchError(code, f"{path} cannot be read: {error}", subject=str(path)) from error
    except ValueError as error:  # YAML 1.1 dates such as 2024-13-45
        raise PmlaunchError(code, f"{path} holds an impossible value: {error}", subject=str(path)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise PmlaunchError(code, f"{path} holds no mapping of keys to values.", subject=str(path))
    return content


def refuse_deep(text: str) -> None:
    """Raise RecursionError for YAML that is nested too deeply to parse safely."""
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        if depth > _DEEPEST:
            break
    long = [line for line in text.splitlines() if len(line) > _DEEPEST]
    if depth > _DEEPEST or any(
        line.startswith(" " * _DEEPEST) or len(_DASHES.findall(line)) > _DEEPEST for line in long
    ):
        raise RecursionError(f"more than {_DEEPEST} levels of nesting")


def _reason(error: yaml.YAMLError) -> str:
    """The parser's message in one line, with line and column counted from 1."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)
