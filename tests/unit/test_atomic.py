"""Atomic writes: the old content or the new one, and no temporary file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pmlaunch.support.atomic import replacing, write_bytes, write_text


def test_text_is_written_as_utf8_with_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "走路.txt", "✓\n走路\n")
    assert (tmp_path / "走路.txt").read_bytes() == "✓\n走路\n".encode()


def test_failure_before_writing_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_bytes() == b"old\n"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_failure_while_writing_keeps_the_old_content(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(error), replacing(path) as temporary:  # noqa: PT012
        temporary.write_bytes(b"ne")
        assert path.read_bytes() == b"old"
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_failure_to_write_the_first_content_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "missing" / "file", b"x")
    assert os.listdir(tmp_path) == []


def test_windows_retries_while_a_reader_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = iter([PermissionError, PermissionError])
    real = Path.replace

    def replace(source: Path, target: Path) -> Path:
        for error in held:
            raise error
        return real(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr("pmlaunch.support.atomic.os.name", "nt", raising=True)
    write_bytes(tmp_path / "file", b"new")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="skipped: needs POSIX permissions")
def test_files_have_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_bytes(tmp_path / "file", b"")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)
