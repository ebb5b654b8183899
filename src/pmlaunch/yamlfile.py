"""Read small YAML files: as data only, with the C parser where PyYAML has it, errors with line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pmlaunch.errors import PmlaunchError

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_mapping(path: Path, code: str = "PML015") -> dict[str, Any]:
    """The mapping in `path` (an empty file is an empty one). Raises `code` when it is none or cannot be read."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
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


def _reason(error: yaml.YAMLError) -> str:
    """The parser's complaint in one line, with line and column counted from 1."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)
