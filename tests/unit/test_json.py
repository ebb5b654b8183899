"""The serialiser for our documents, and the tolerant reader for those of others."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmlaunch.support.json import HIDDEN, from_json, read_json, read_mapping, to_json


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@dataclass(frozen=True)
class Inner:
    path: Path
    secret: str = field(default="", metadata=HIDDEN)


@dataclass(frozen=True)
class Outer:
    inner: Inner
    colours: tuple[Colour, ...]


class Custom:
    def __json__(self) -> Any:
        return {"inner": Inner(Path("a"))}


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (Outer(Inner(Path("a"), "hidden"), (Colour.RED,)), {"inner": {"path": "a"}, "colours": ["red"]}),
        (Custom(), {"inner": {"path": "a"}}),
        (Level.HIGH, 3),
        (PureWindowsPath("C:/a"), "C:\\a"),
        ({Colour.RED: 1, 2: None}, {"red": 1, "2": None}),
        ({"b", "a"}, ["a", "b"]),
        ((True, 1.5, "走", []), [True, 1.5, "走", []]),
    ],
)
def test_values_become_json(value: object, document: Any) -> None:
    assert to_json(value) == document
    json.dumps(to_json(value))


@pytest.mark.parametrize("value", [object(), b"bytes", bytearray(b"x"), Inner, {"a": {1: object()}}, iter([])])
def test_values_without_a_json_form(value: object) -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        to_json(value)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_documents_are_unchanged(document: Any) -> None:
    assert to_json(document) == document


UNREADABLE = {
    "empty": b"",
    "cut short": b'{"a": ',
    "trailing text": b"{} x",
    "not UTF-8": b'{"a": "\xff"}',
    "null bytes": b"\0\0\0",
    "deep list": b"[" * 200_000 + b"]" * 200_000,
    "deep object": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "unterminated nesting": b"[" * 200_000,
    "single quotes": b"{'a': 1}",
    "comment": b"{} // x",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_documents(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(UNREADABLE[name])
    assert read_json(path) is None
    assert read_mapping(path) == {}


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert read_json(tmp_path / "missing.json") is None
    assert read_json(tmp_path) is None
    assert read_mapping(tmp_path / "missing.json") == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_encoding_that_windows_tools_write(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes('{"名": "走路"}'.encode(encoding))
    assert read_mapping(path) == {"名": "走路"}


@pytest.mark.parametrize("document", [[1], "text", 3, None, True])
def test_other_documents_are_not_mappings(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_json(path) == document
    assert read_mapping(path) == {}


def test_files_above_the_limit_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b'{"a": 1}')
    assert read_json(path, limit=8) == {"a": 1}
    assert read_json(path, limit=7) is None
    assert read_mapping(path, limit=7) == {}


def test_figures_that_are_not_finite_are_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"[NaN, Infinity, -Infinity, 1e999]")
    assert not any(map(math.isfinite, read_json(path)))


@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    read_json(path)
    assert isinstance(read_mapping(path), dict)


@dataclass(frozen=True)
class Part:
    name: str | None = None


@dataclass(frozen=True)
class Foreign:
    count: int = -1
    ratio: float = 0.5
    flag: bool | None = None
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    anything: Mapping[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"count": 3, "ratio": 2, "flag": False, "other": 1}, Foreign(3, 2.0, flag=False)),
        ({"count": True, "ratio": "2", "flag": 1, "part": [], "parts": {}, "figures": 3, "anything": "x"}, Foreign()),
        ({"count": 1.0, "ratio": 10**400, "flag": None, "part": None}, Foreign()),
        ({"part": {"name": "步"}, "parts": [{}, 3, {"name": 4}]}, Foreign(part=Part("步"), parts=(Part(), Part()))),
        (
            {"figures": {"a": 1, "b": None, "c": [2]}, "anything": {"a": None}},
            Foreign(figures={"a": 1.0}, anything={"a": None}),
        ),
        ([], Foreign()),
        (None, Foreign()),
    ],
)
def test_foreign_values_of_another_type_keep_the_default(document: object, expected: Foreign) -> None:
    assert from_json(Foreign, document) == expected
