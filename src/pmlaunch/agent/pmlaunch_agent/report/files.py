"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from typing import IO, Any, Callable

_ATTEMPTS = 20
_PAUSE = 0.02  # seconds between two attempts to replace a file that another process has open
_numbers = itertools.count(1)  # a signal handler may write the same file while the main thread does


def write_whole(path: str, write: Callable[[IO[Any]], Any], mode: str = "w") -> None:
    """Write a draft beside `path` and move it there: no reader sees half a file, and a failure leaves no draft.

    Args:
        path: of the file.
        write: called with the open draft.
        mode: "w" for UTF-8 text, "wb" for bytes.

    Raises:
        OSError: the file cannot be written.
    """
    draft = f"{path}.{os.getpid()}.{next(_numbers)}.tmp"
    try:
        with open(draft, mode, encoding=None if "b" in mode else "utf-8") as file:
            write(file)
        _replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _replace(draft: str, path: str) -> None:
    for _ in range(_ATTEMPTS - 1):
        try:
            os.replace(draft, path)
            return
        except PermissionError:  # Windows: the launcher is reading the old file
            time.sleep(_PAUSE)
    os.replace(draft, path)


def of_rank(path: str, rank: int) -> str:
    """The file of a rank: NAME.rankN.EXTENSION beside that of rank 0."""
    stem, extension = os.path.splitext(path)
    return f"{stem}.rank{rank}{extension}" if rank else path
