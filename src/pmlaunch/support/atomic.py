"""Atomic file writes: a file is written beside its place and then moved there, so readers never see half of one."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file for the block to write; it replaces `path` if the block succeeds.

    On any error the temporary file is removed and `path` keeps its old content. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        yield temporary
        move(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically. Raises OSError as `replacing` does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically. Raises OSError as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def move(temporary: Path, path: Path, patience: float = 0.9) -> None:
    """Move a file or folder, on Windows retrying for `patience` seconds: a reader or virus scanner may hold it."""
    for attempt in range(10):
        try:
            temporary.replace(path)
            return
        except PermissionError:
            if os.name != "nt" or attempt == 9:
                raise
            time.sleep(patience * (attempt + 1) / 45)
