"""JSON: one serialiser for dataclasses, one tolerant reader for files that another process wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

HIDDEN: Mapping[str, bool] = {"hidden": True}  # field(metadata=HIDDEN): not part of the document


def to_json(value: object) -> Any:
    """`value` as JSON can hold it: a dataclass by its fields, an enum by its value, a path as text.

    Fields marked with `metadata=HIDDEN` are left out; an object with a `__json__` method is what that returns.
    Raises TypeError for anything JSON has no form for.
    """
    if hasattr(value, "__json__"):
        return to_json(value.__json__())
    if value is None or isinstance(value, (str, bool, int, float)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("hidden")}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (Sequence, Set)):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def read_json(path: Path, limit: int = 64 * 1024 * 1024) -> Any:
    """The document in a file that another process wrote; None if it is missing, unreadable, too large or not JSON."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError:
        return None
    return parse_json(content) if len(content) <= limit else None


def parse_json(content: bytes) -> Any:
    """The document in `content`; None if it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def read_mapping(path: Path) -> dict[str, Any]:
    """The JSON object in a file that another process wrote; empty if there is no such file or no object in it."""
    return as_mapping(read_json(path))


def as_mapping(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def numbers_in(value: object) -> dict[str, float]:
    """The entries of a JSON object that are numbers a float can hold."""
    return {
        name: float(number)
        for name, number in as_mapping(value).items()
        if isinstance(number, float) or (type(number) is int and number.bit_length() <= 1000)
    }
