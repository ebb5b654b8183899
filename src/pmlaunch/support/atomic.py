"""Files that are whole or not there: written beside, then moved into place."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` in one step; a reader sees the old content or the new one, never half.

    Raises OSError when the disk is full or the folder may not be written; the old content then stands.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """The same for bytes."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        _replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 (a plain name, already made)
        raise


def _replace(temporary: str, path: Path) -> None:
    """os.replace, patient with Windows, where a reader or a virus scanner may hold the old file for a moment."""
    for attempt in range(10):
        try:
            os.replace(temporary, path)  # noqa: PTH105
            return
        except PermissionError:
            if os.name != "nt" or attempt == 9:
                raise
            time.sleep(0.02 * (attempt + 1))
