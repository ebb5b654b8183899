"""Git LFS pointers: text files of about 134 bytes that stand for files not downloaded yet.

Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.git.queries import CannotTell, query, why_not
from pmlaunch.git.repository import find_repository, git_folder
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
    """The pointer in the file at `path`; None if it is a real file. Raises OSError, also for a pipe or a device."""
    with open_ordinary(path) as file:
        return parse_pointer(file.read(MAXIMUM_POINTER + 1))


@dataclass(frozen=True)
class NotInLfs:
    """Why git has no pointer to compare a file with."""

    reason: str


def pointer_in_git(path: Path) -> Pointer | NotInLfs | CannotTell:
    """The pointer that HEAD has for the file at `path`.

    HEAD has the pointer even after the real file was downloaded, so this is what the file must match.
    Raises PML140 to PML142 for a repository in which git cannot be started safely.
    """
    repository = find_repository(path.parent, above=True)
    if repository is None:
        return NotInLfs("it is not in a git repository")
    done = query(os.environ, ["cat-file", "blob", f"HEAD:./{path.name}"], path.parent)
    if done is not None and done.returncode == 0:
        return parse_pointer(done.stdout) or NotInLfs(
            f"the commit of {repository.root} contains the file itself, not a pointer"
        )
    # git fails for a file that is not in the commit as it does for a commit that it cannot read
    listed = query(os.environ, ["ls-tree", "-z", "HEAD", "--", f"./{path.name}"], path.parent) if done else None
    if listed is not None and listed.returncode == 0 and not listed.stdout:
        return NotInLfs(f"the commit of {repository.root} does not contain it")
    return why_not(done)


def pull_command(path: Path) -> str:
    """The command that fetches only this file from its repository.

    It works where Git LFS was never set up, and for a file that the repository's own settings leave out.
    """
    root = next((folder for folder in path.parents if git_folder(folder)), None)
    if root is None:  # unpacked from an archive: nothing there can bring the file
        return "pmlaunch install --dir ANOTHER_FOLDER"
    include = re.sub(
        r"[^\w./* ()+@~=-]", "?", path.relative_to(root).as_posix()
    )  # a comma separates patterns, [ begins one
    return f'git -C "{root}" -c filter.lfs.clean="git-lfs clean" lfs pull --include="{include}" --exclude=""'


def sha256_of(path: Path) -> str:
    """The file's sha256 in hex; takes about a second per gigabyte. Raises OSError."""
    digest = hashlib.sha256()
    with open_ordinary(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
