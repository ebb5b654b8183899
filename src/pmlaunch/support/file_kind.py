"""What a file is before anything reads it: an ordinary file or a pipe, empty, a web page, whole or cut short."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.support.files import open_ordinary, size_of

_START = 256  # bytes that tell a file's kind
_LENGTH_OF_END = 22  # bytes of the record that ends an archive without a comment, such as torch's
ZIP = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before 1.6: a pickle of this magic number comes first


def start_of(path: Path) -> bytes:
    """The first bytes of an ordinary file. Raises OSError."""
    with open_ordinary(path) as file:
        return file.read(_START)


def no_binary_file(start: bytes) -> str | None:
    """Why a file that begins like this contains no binary data; None if it may. Servers send errors as text."""
    if not start:
        return "it is empty"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "it is a saved web page"
    if start.isascii() and start.decode("ascii").translate({9: " ", 10: " ", 13: " "}).isprintable():
        return "it is a text file"
    return None


def no_torch_file(path: Path) -> str | None:
    """Why torch cannot have saved this file as it is, in words; None if it looks whole. Raises OSError."""
    with open_ordinary(path) as file:
        start = file.read(_START)
        if start.startswith(ZIP):
            file.seek(-min(_LENGTH_OF_END, size_of(file)), os.SEEK_END)
            return None if file.read(4) == b"PK\x05\x06" else "it is truncated: the end of the archive is missing"
    return None if start.startswith(LEGACY) else no_binary_file(start) or "it was not saved by torch"


def is_legacy_torch_file(path: Path) -> bool:
    """Whether torch saved the file before version 1.6."""
    try:
        return start_of(path).startswith(LEGACY)
    except OSError:
        return False


def files_below(folder: Path, *suffixes: str) -> Iterator[Path]:
    """The files below `folder` with one of `suffixes`. Links to folders are not followed; what vanishes is left out."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if name.endswith(suffixes))
