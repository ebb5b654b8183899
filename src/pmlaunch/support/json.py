"""JSON: one serialiser for dataclasses, one tolerant reader for files that another process wrote."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path, PurePath
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pmlaunch.support.files import read_bytes
from pmlaunch.support.text import OBEYED

_T = TypeVar("_T")

HIDDEN: Mapping[str, bool] = {"hidden": True}
"""field(metadata=HIDDEN): not part of the document."""

LIMIT = 64 * 1024 * 1024
"""Bytes of the largest document that is read."""
_MOST_VALUES = 8_000_000  # of the largest document; a hundred bytes of memory each, where the file has two or three
_DEEPEST = 100  # levels of nesting; no document of ours has ten, and walking through one must not exhaust the stack
_LONGEST_WHOLE = 18  # digits of a number that is read as a whole one
# obeyed by a terminal or a CI system although JSON need not escape it; ESC is always escaped
_OBEYED = f"[{OBEYED}]|(?<=#)#(?=\\w*\\[)"


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


def dumps(value: object, *, indent: int | None = None, ascii_only: bool = False, exact: bool = False) -> str:
    """Return `value`, which `to_json` can convert, as JSON that is valid everywhere and harmless in a terminal or CI log.

    NaN and infinity, which JSON lacks, become null unless the document must be `exact`.

    Raises:
        TypeError: the value has no JSON form.
        ValueError: an exact document has NaN or infinity.
    """
    document = to_json(value)
    try:
        text = json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    except ValueError:
        if exact:
            raise
        text = json.dumps(_without_nan(document), indent=indent, ensure_ascii=ascii_only)
    return re.sub(_OBEYED, _escaped, text)


def _without_nan(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_nan(entry) for name, entry in document.items()}
    if isinstance(document, list):
        return [_without_nan(item) for item in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] > "\x7f" else f"\\u{ord(found[0]):04x}"


def read_json(path: Path, limit: int = LIMIT) -> Any:
    """Read a document that another process wrote, in UTF-8, -16 or -32, with or without a byte order mark.

    Returns None for what `read_bytes` does not read, for what `parse_json` does not take, and for more values than fit
    into memory.
    """
    try:
        content = read_bytes(path, limit)
    except OSError:
        return None
    return parse_json(content) if sum(map(content.count, (b"{", b"[", b","))) <= _MOST_VALUES else None


def parse_json(content: bytes) -> Any:
    """The document in `content`; None if it is not JSON or nested too deeply.

    NaN and infinity, which Python writes, are read as numbers, and so are numbers that no float holds: check figures
    with `math.isfinite`. A whole number of more than 18 digits is read as a float.
    """
    try:
        document = json.loads(content, parse_int=_whole)
    except (ValueError, RecursionError):
        return None
    return document if _depth_is_bounded(document) else None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else float(digits)


def _depth_is_bounded(document: object) -> bool:
    level = [document]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def read_mapping(path: Path, limit: int = LIMIT) -> dict[str, Any]:
    """Read a JSON object as `read_json` does; empty if there is none."""
    return as_mapping(read_json(path, limit))


def as_mapping(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def finite(value: object) -> float | None:
    """`value` as a float if it is a finite number, else None."""
    if type(value) is int and value.bit_length() <= 1000:
        return float(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def numbers_in(value: object) -> dict[str, float]:
    """The entries of a JSON object that are finite numbers."""
    return {name: number for name, entry in as_mapping(value).items() if (number := finite(entry)) is not None}


def from_json(kind: type[_T], document: object) -> _T:
    """Read the dataclass `kind`, all of whose fields have defaults, from a JSON object that another process wrote.

    A value that is missing or of another type than its field keeps the default; in arrays and objects, items of another
    type are left out. Keys without a field are ignored.
    """
    hints, entries = _hints(kind), as_mapping(document)
    values = {name: _typed(hint, entries[name]) for name, hint in hints.items() if name in entries}
    return kind(**{name: value for name, value in values.items() if value is not None})


def exactly(kind: type[_T], document: object) -> _T | None:
    """Read the dataclass `kind` from what `to_json` made of it; None if the document is anything else."""
    hints, entries = _hints(kind), as_mapping(document)
    if hints.keys() != entries.keys():
        return None
    found = kind(**{name: _typed(hint, entries[name]) for name, hint in hints.items()})
    return found if to_json(found) == document else None


def _hints(kind: object) -> dict[str, Any]:
    return _kept_hints(kind)


_kept_hints = cache(get_type_hints)  # evaluating annotations takes longer than reading the document


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
        return finite(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next((member for member in hint if member.value == value), None)
    return value if hint is Any or type(value) is hint else None
