"""Git LFS pointers: the text of about 134 bytes that stands for a checkpoint that was not downloaded.

Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.git.safety import NO_HOOKS, SETTINGS, options, safe_environment

MAXIMUM_POINTER = 1024  # bytes; the specification's own limit
_VERSION = b"version https://git-lfs.github.com/spec/v1"
_GIT_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Pointer:
    """What a pointer says of the real file: sha256 (64 hex digits) and size (bytes)."""

    sha256: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    """The pointer in `content`, or None when that is anything else."""
    if not content.startswith(_VERSION) or len(content) > MAXIMUM_POINTER:
        return None
    sha256 = re.search(rb"^oid sha256:([0-9a-f]{64})\r?$", content, re.MULTILINE)
    size = re.search(rb"^size ([0-9]+)\r?$", content, re.MULTILINE)
    if not sha256 or not size:
        return None
    return Pointer(sha256[1].decode(), int(size[1]))


def read_pointer(path: Path) -> Pointer | None:
    """The pointer in the file at `path`, or None when it is a real file. Raises OSError."""
    with path.open("rb") as file:
        return parse_pointer(file.read(MAXIMUM_POINTER + 1))


def pointer_in_git(path: Path) -> Pointer | None:
    """The pointer that the commit of `path`'s repository holds for it; None where there is none, or no git.

    Once a file is checked out, HEAD still holds its pointer, so this tells what the file has to be. The blob
    is read by `cat-file`, which runs no filter and no program that a repository's config could name.
    """
    command = ["git", "-C", str(path.parent), *options(*SETTINGS, NO_HOOKS), "cat-file", "blob", f"HEAD:./{path.name}"]
    environment = {**safe_environment(os.environ), "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GIT_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_pointer(done.stdout) if done.returncode == 0 else None


def sha256_of(path: Path) -> str:
    """The file's sha256 in hex; about a second for a gigabyte. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
