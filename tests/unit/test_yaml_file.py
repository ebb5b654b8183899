"""Reading small YAML files: plain data only, and one clear error for anything else."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from pmlaunch.errors import PmlaunchError
from pmlaunch.support import yaml_file
from pmlaunch.support.yaml_file import yaml_mapping, yaml_mappings
from soon import soon


def refusal(path: Path, content: bytes | None) -> PmlaunchError:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PmlaunchError) as caught:
        yaml_mapping(path)
    assert caught.value.code == "PML015"
    assert caught.value.subject == str(path)
    assert caught.value.message.startswith(str(path))
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"", {}),
        (b"# nothing\n", {}),
        (b"a: 1\nb: [x, null]\n", {"a": 1, "b": ["x", None]}),
        (b"\xef\xbb\xbfa: 1\r\n", {"a": 1}),
        ("名: 走路\n".encode(), {"名": "走路"}),
    ],
    ids=["empty", "comment", "mapping", "byte order mark", "Chinese"],
)
def test_mapping(path: Path, content: bytes, values: dict[str, object]) -> None:
    path.write_bytes(content)
    assert yaml_mapping(path) == values


@pytest.mark.parametrize(
    ("content", "place"),
    [(b"a: [1\nb: 2", "(line 2, column 2)"), (b"a: 1\n\tb: 2", "(line 2, column 1)"), (b"a: 'x", "(line 1, column 6)")],
)
def test_broken_yaml_says_where(path: Path, content: bytes, place: str) -> None:
    message = refusal(path, content).message
    assert "is not valid YAML" in message
    assert message.endswith(place)
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"text", b"1"], ids=["list", "text", "number"])
def test_other_documents_are_refused(path: Path, content: bytes) -> None:
    assert "is not a mapping" in refusal(path, content).message


def test_missing_file(path: Path) -> None:
    assert "cannot be read" in refusal(path, None).message


def test_other_encoding(path: Path) -> None:
    assert "cannot be read" in refusal(path, b"a: \xff\xfe").message


def test_number_of_more_digits_than_python_converts(path: Path) -> None:
    assert "invalid value" in refusal(path, b"a: " + b"9" * 5000).message


def test_rules_are_those_of_omegaconf(path: Path) -> None:
    content = b"\xef\xbb\xbfa: 5e-1\nb: 2024-13-45\nc: 1_000\nd: !!python/object/apply:pathlib.Path [x]\n"
    assert yaml_mapping(path, content=content) == {"a": 0.5, "b": "2024-13-45", "c": 1000, "d": Path("x")}
    assert "duplicate key a" in refusal(path, b"a: 1\na: 2").message
    assert "could not determine a constructor" in refusal(path, b"a: !!python/object/apply:os.system [id]").message


@pytest.mark.parametrize("piece", [b"[", b"{a: ", b"- ", b"? "])
def test_deep_nesting(path: Path, piece: bytes) -> None:
    """The C parser recurses without a limit: 50 000 levels would crash the process."""
    assert "levels of nesting" in refusal(path, b"a:\n  " + piece * 100_000).message


def test_many_brackets_are_not_nesting(path: Path) -> None:
    path.write_text("a: [" + "[x], {y: [1]}, " * 1000 + "']']", encoding="utf-8")
    assert len(yaml_mapping(path)["a"]) == 2001


@pytest.mark.parametrize("tag", [b"!!python/object/apply:os.system [exit]", b"!!python/name:os.system", b"!mine x"])
def test_tags_that_build_objects_are_refused(path: Path, tag: bytes) -> None:
    assert "is not valid YAML" in refusal(path, b"a: " + tag).message


def test_caller_chooses_the_error_code(path: Path) -> None:
    with pytest.raises(PmlaunchError) as caught:
        yaml_mapping(path, "PML107")
    assert caught.value.code == "PML107"


def parsed_again(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether reading `paths` twice parses them twice; both results are the same."""
    first = yaml_mappings(paths)
    with monkeypatch.context() as patched:
        load = Mock(side_effect=yaml.load)
        patched.setattr(yaml, "load", load)
        yaml_file._parsed.cache_clear()  # the process's own memory, which another command does not have
        assert yaml_mappings(paths) == first
    return load.called


def test_files_are_parsed_once_and_again_when_one_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, broken = (tmp_path / f"{name}.yaml" for name in ("one", "two", "broken"))
    one.write_text("a: [1, 2.5, true, null, x]")
    two.write_text("")
    broken.write_text("a: [")
    paths = [one, two, broken, tmp_path / "missing.yaml"]
    expected = [{"a": [1, 2.5, True, None, "x"]}, {}, None, None]
    assert yaml_mappings(paths) == expected
    assert not parsed_again(paths[:3], monkeypatch)
    one.write_text("a: 2")
    assert yaml_mappings(paths[:3]) == [{"a": 2}, {}, None]


@pytest.mark.parametrize(
    ("content", "mapping"),
    [
        ("1: {2: x}", {1: {2: "x"}}),
        ("a: !!set {x}", {"a": {"x"}}),
        ("a: !!binary aGk=", {"a": b"hi"}),
        ("a: &b [1]\nc: *b", {"a": [1], "c": [1]}),
    ],
)
def test_values_that_json_lacks_are_not_cached(
    path: Path, monkeypatch: pytest.MonkeyPatch, content: str, mapping: dict[object, object]
) -> None:
    path.write_text(content)
    assert yaml_mappings([path]) == [mapping]
    assert parsed_again([path], monkeypatch)


BOMBS = {
    "aliases": "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]),
    "merged mappings": "\n".join(
        ["a0: &a0 {x: 1, y: 2}", *(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 60))]
    ),
    "a ring": "a: &a [*a]",
    "a ring of keys": "a: &a {b: {c: *a}}",
    "many values": "a: [" + "x," * 450_000 + "x]",
    "many keys": "\n".join(f"k{n}: 1" for n in range(90_000)) * 3,
    "interpolations": "\n".join(f"k{n}: ${{a}}{'x' * 100}" for n in range(2000)),
    "a long interpolation": "a: '${b}" + "x" * 200_000 + "'",
    "a large file": "a: " + "x" * (2 << 20),
}


@pytest.mark.hostile
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(path: Path, name: str) -> None:
    path.write_text(BOMBS[name], encoding="utf-8")
    with soon(), pytest.raises(PmlaunchError) as caught:
        yaml_mapping(path)
    assert len(caught.value.message) < 300 + len(str(path))
    assert yaml_mappings([path]) == [None]


@pytest.mark.hostile
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not applicable: Windows has no such pipes")
def test_pipes_devices_and_folders_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    for entry in sorted(tmp_path.glob("*.yaml")):
        with pytest.raises(PmlaunchError, match="not a regular file"):
            yaml_mapping(entry)
