"""Git LFS pointers: text files of about 134 bytes that stand for files not downloaded yet.

Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.git.queries import query
from pmlaunch.support.files import open_ordinary

MAXIMUM_POINTER = 1024  # bytes; the specification's limit
_VERSION = b"version https://git-lfs.github.com/spec/v1"


@dataclass(frozen=True)
class Pointer:
    """The sha256 (64 hex digits) and the size (bytes) of the real file."""

    sha256: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    """The pointer in `content`; None if it is anything else."""
    if not content.startswith(_VERSION) or len(content) > MAXIMUM_POINTER:
        return None
    sha256 = re.search(rb"^oid sha256:([0-9a-f]{64})\r?$", content, re.MULTILINE)
    size = re.search(rb"^size ([0-9]+)\r?$", content, re.MULTILINE)
    if not sha256 or not size:
        return None
    return Pointer(sha256[1].decode(), int(size[1]))


def read_pointer(path: Path) -> Pointer | None:
    """The pointer in the file at `path`; None if it is a real file. Raises OSError."""
    with open_ordinary(path) as file:
        return parse_pointer(file.read(MAXIMUM_POINTER + 1))


def pointer_in_git(path: Path) -> Pointer | None:
    """The pointer that HEAD holds for the file at `path`; None if there is none, or no git.

    HEAD holds the pointer even after the real file was downloaded, so this says what that file must be.
    Raises PML140 to PML142 for a repository in which git cannot be started safely.
    """
    done = query(os.environ, ["cat-file", "blob", f"HEAD:./{path.name}"], path.parent)
    return parse_pointer(done.stdout) if done is not None and done.returncode == 0 else None


def sha256_of(path: Path) -> str:
    """The file's sha256 in hex; takes about a second per gigabyte. Raises OSError."""
    digest = hashlib.sha256()
    with open_ordinary(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
