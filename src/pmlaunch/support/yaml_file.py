"""Read small YAML files as plain data, with libyaml's fast parser where PyYAML has it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.json import dumps, parse_json

if TYPE_CHECKING:
    import yaml

_DEEPEST = 500  # levels; libyaml's parser recurses, and a few thousand levels overflow a small stack
_BRACKETS = re.compile(r"[\[{\]}]")
_DASHES = re.compile(r"[-?]\s")


def yaml_mapping(path: Path, code: str = "PML015", content: bytes | None = None) -> dict[str, Any]:
    """Read the mapping in `path`, or in its `content` if that was read already; an empty file is an empty mapping.

    Raises:
        PmlaunchError: with `code`; the file cannot be read, is not valid YAML (with line and column), or holds
            something else than a mapping.
    """
    import yaml

    try:
        text = (path.read_bytes() if content is None else content).decode("utf-8-sig")
        refuse_deep(text)
        parsed = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe one)
    except yaml.YAMLError as error:
        raise PmlaunchError(code, f"{path} is not valid YAML: {_reason(error)}", subject=str(path)) from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise PmlaunchError(code, f"{path} cannot be read: {error}", subject=str(path)) from error
    except ValueError as error:  # YAML 1.1 dates such as 2024-13-45
        raise PmlaunchError(code, f"{path} holds an impossible value: {error}", subject=str(path)) from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise PmlaunchError(code, f"{path} holds no mapping of keys to values.", subject=str(path))
    return parsed


def yaml_mappings(paths: Sequence[Path]) -> list[Any]:
    """The mappings in several files; None for a file that `yaml_mapping` refuses.

    Cached by content, because importing the parser alone takes 10 ms. Not cached are values that JSON would change, such
    as dates, and files with anchors, whose aliases may stand for billions of values.
    """
    try:
        contents = [path.read_bytes() for path in paths]
    except OSError:
        return [_mapping_or_none(path) for path in paths]
    cache, key = JsonCache("yaml"), content_key("yaml 1", *contents)
    kept = cache.get(key)
    if isinstance(kept, list) and len(kept) == len(paths) and all(isinstance(item, (dict, NoneType)) for item in kept):
        return kept
    mappings = [_mapping_or_none(path, content) for path, content in zip(paths, contents, strict=True)]
    if not any(b"&" in content for content in contents):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            if parse_json(dumps(mappings, exact=True).encode()) == mappings:
                cache.put(key, mappings)
    return mappings


def _mapping_or_none(path: Path, content: bytes | None = None) -> dict[str, Any] | None:
    try:
        return yaml_mapping(path, content=content)
    except PmlaunchError:
        return None


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
