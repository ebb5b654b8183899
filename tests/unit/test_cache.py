"""The cache of small JSON documents."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pmlaunch.support.cache import JsonCache, content_key, half_written_in, tree_content


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_documents_are_stored_by_kind_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = JsonCache("kind")
    assert cache.get("key") is None
    cache.put("key", {"名": [1, None]})
    assert JsonCache("kind").get("key") == {"名": [1, None]}
    assert JsonCache("other").get("key") is None
    monkeypatch.setenv("PMLAUNCH_CACHE", "off")
    JsonCache("kind").put("key", 1)
    assert JsonCache("kind").get("key") is None


def test_oldest_entries_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.support.cache._KEEP", 3)
    cache = JsonCache("kind")
    folder = Path(os.environ["PMLAUNCH_CACHE"]) / "kind"
    folder.mkdir(parents=True)
    for name in ("notes.json", "more.json"):  # foreign files neither count nor go
        (folder / name).write_text("{}", encoding="utf-8")
        os.utime(folder / name, (0, 0))
    keys = [content_key(str(number)) for number in range(5)]
    for number, key in enumerate(keys):
        cache.put(key, number)
        os.utime(folder / f"{key}.json", (number, number))
    assert [cache.get(key) for key in keys] == [None, None, 2, 3, 4]
    assert {"notes.json", "more.json"} < {path.name for path in folder.iterdir()}


def test_broken_entries_and_full_disks_are_no_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = JsonCache("kind")
    cache.put("key", 1)
    (Path(os.environ["PMLAUNCH_CACHE"]) / "kind" / "key.json").write_bytes(b"{")
    assert cache.get("key") is None
    monkeypatch.setattr(Path, "write_bytes", no_space)
    cache.put("key", 2)
    assert cache.get("key") is None


def test_keys_differ_for_lists_that_join_to_the_same_bytes() -> None:
    keys = {content_key(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""), ("ab", b"c\0"))}
    assert len(keys) == 5
    assert content_key("走") == content_key("走".encode())
    assert content_key("\udcff")  # a file name that is not UTF-8


def test_tree_content_yields_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.yaml").write_bytes(b"1")
    (tmp_path / "a.yaml").write_bytes(b"2")
    (tmp_path / "note.txt").write_bytes(b"3")
    assert list(tree_content(tmp_path, ".yaml")) == ["a.yaml", b"2", "b/x.yaml", b"1"]


def test_temporary_files_of_killed_writers_are_recognised(tmp_path: Path) -> None:
    left = tmp_path / f".{content_key('a')}.json.0a1b2c3d.tmp"
    for name in (left.name, ".notes.tmp", "x.tmp"):
        (tmp_path / name).touch()
    assert half_written_in(tmp_path) == [left]
