"""JSON: one serialiser for dataclasses, one tolerant reader for files that another process wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pmlaunch.support.files import read_bytes

_T = TypeVar("_T")

HIDDEN: Mapping[str, bool] = {"hidden": True}
"""field(metadata=HIDDEN): not part of the document."""

LIMIT = 64 * 1024 * 1024
"""Bytes of the largest document that is read."""


def to_json(value: object) -> Any:
    """Convert `value` to what `json.dumps` accepts.

    A dataclass becomes an object of its fields except those marked HIDDEN, an enum its value, a path its text, a set
    a sorted array. An object with a `__json__` method is replaced by what that returns.

    Raises:
        TypeError: the value has no JSON form.
    """
    if hasattr(value, "__json__"):
        return to_json(value.__json__())
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("hidden")}
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(to_json(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def read_json(path: Path, limit: int = LIMIT) -> Any:
    """Read a document that another process wrote, in UTF-8, -16 or -32, with or without a byte order mark.

    Returns None if the file is missing, unreadable, larger than `limit` bytes, nested too deeply, or not JSON. NaN and
    infinity, which Python writes, are read as numbers: check figures with `math.isfinite`.
    """
    try:
        return parse_json(read_bytes(path, limit))
    except OSError:
        return None


def parse_json(content: bytes) -> Any:
    """The document in `content`; None if it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def read_mapping(path: Path, limit: int = LIMIT) -> dict[str, Any]:
    """Read a JSON object as `read_json` does; empty if there is none."""
    return as_mapping(read_json(path, limit))


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


def from_json(kind: type[_T], document: object) -> _T:
    """Read the dataclass `kind`, all of whose fields have defaults, from a JSON object that another process wrote.

    A value that is missing or of another type than its field keeps the default; in arrays and objects, items of another
    type are left out. Keys without a field are ignored.
    """
    hints, entries = get_type_hints(kind), as_mapping(document)
    values = {name: _typed(hint, entries[name]) for name, hint in hints.items() if name in entries}
    return kind(**{name: value for name, value in values.items() if value is not None})


def _typed(hint: Any, value: Any) -> Any:
    """`value` as an instance of `hint`; None if it is of another type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):  # with None
        return _typed(arguments[0], value)
    if origin is tuple and isinstance(value, list):
        return tuple(item for each in value if (item := _typed(arguments[0], each)) is not None)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        return from_json(hint, value)
    if origin is Mapping and isinstance(value, dict):
        items = {name: _typed(arguments[1], item) for name, item in value.items()}
        return {name: item for name, item in items.items() if item is not None or arguments[1] is Any}
    if hint is float:
        return numbers_in({"": value}).get("")
    return value if hint is Any or type(value) is hint else None
