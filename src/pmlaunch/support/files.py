"""Read files that may come from anywhere: ordinary files only, and no more bytes than expected.

Opening a pipe would wait for a writer, and reading a device such as /dev/zero never ends.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

SMALL = 4 << 20
"""Bytes of the largest file that people write by hand."""


def open_ordinary(path: Path) -> BinaryIO:
    """Open an ordinary file for reading, without ever waiting. Raises OSError, also for a pipe, device or folder."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, "its name is not possible", str(path)) from error
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_bytes(path: Path, limit: int = SMALL, start: int = 0) -> bytes:
    """The content of an ordinary file from byte `start` on, at most `limit` bytes. Raises OSError for any other."""
    with open_ordinary(path) as file:
        file.seek(start)
        content = b"" if size_of(file) - start > limit else file.read(limit + 1)
        if len(content) > limit or size_of(file) - start > limit:
            raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", str(path))
        return content


def size_of(file: BinaryIO) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_text(path: Path, limit: int = SMALL) -> str:
    """The text of an ordinary file in UTF-8, any other bytes replaced. Raises OSError."""
    return read_bytes(path, limit).decode("utf-8", "replace")
