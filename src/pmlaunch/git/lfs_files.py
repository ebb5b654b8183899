"""Files of a checkout in Git LFS: their pointers in the index, their state on disk, and whether they can be downloaded again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.lfs_pointer import MAXIMUM_POINTER, Pointer, parse_pointer, read_pointer, sha256_of
from pmlaunch.git.repository import git_folder
from pmlaunch.git.runner import WITH_LFS, Git
from pmlaunch.support.disk import path_below
from pmlaunch.support.files import read_text


@dataclass(frozen=True)
class LfsFile:
    """A file in Git LFS: its path in the checkout, with slashes, and its pointer."""

    path: str
    pointer: Pointer

    def within(self, root: Path) -> Path:
        """The file's path on disk in the checkout at `root`."""
        return root.joinpath(*self.path.split("/"))

    def target(self, root: Path) -> Path:
        """The same path, to be written. Raises PML143 if it leads out of the checkout."""
        return path_below(root, self.path)


class FileState(Enum):
    """What is on disk at the path of an LFS file."""

    HERE = "here"
    POINTER = "pointer"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """The right file, which git considers changed because it did not come from Git LFS."""
    OTHER = "other"
    """Anything else: an incomplete download, or a file of the user's."""


RIGHT = (FileState.HERE, FileState.UNKNOWN)


def lfs_files(git: Git, *pathspecs: str) -> list[LfsFile]:
    """The files matching `pathspecs` that are pointers in the checkout's index, sorted by path. Raises PML409."""
    names = git.answer("ls-files", "-z", "--", *pathspecs).decode("utf-8", "replace").split("\0")
    small = _small([name for name in names if name and "\n" not in name], git)
    output = _cat_file("--batch", small, git)
    found, at = [], 0
    for name in small:
        end = output.find(b"\n", at)
        size = int(output[at:end].rpartition(b" ")[2])
        pointer = parse_pointer(output[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
        if pointer:
            found.append(LfsFile(name, pointer))
    return found


def _small(names: Sequence[str], git: Git) -> list[str]:
    """Names whose blob is small enough for a pointer. A robot's assets are many megabytes that need not be read."""
    lines = _cat_file("--batch-check", names, git).splitlines()
    sizes = [line.rpartition(b" ")[2] for line in lines]  # "missing" in place of a size for an unknown name
    return [name for name, size in zip(names, sizes, strict=False) if size.isdigit() and int(size) <= MAXIMUM_POINTER]


def _cat_file(mode: str, names: Sequence[str], git: Git) -> bytes:
    stdin = "".join(f":{name}\n" for name in names).encode()
    return git.answer("cat-file", mode, given=stdin) if names else b""


def states_of(git: Git, files: Sequence[LfsFile]) -> dict[str, FileState]:
    """The state of each file of the checkout, by path.

    A file of the right size is compared by git, which remembers the files it has seen. To git, a file that
    did not come from Git LFS has changed; such a file is hashed here. Without a repository, or if git cannot answer, every
    file is hashed.
    """
    states = {file.path: _state_by_size(file, git.folder) for file in files}
    sized = [path for path, state in states.items() if state is FileState.HERE]
    if sized:
        status = ["status", "--porcelain=v1", "-z", "-uno", "--ignore-submodules=all", "--", *sized]
        changed = git.ask(*status, settings=WITH_LFS) if git_folder(git.folder) else None
        suspects = set(sized) if changed is None else {entry[3:] for entry in changed.split("\0")}
        right = FileState.HERE if changed is None else FileState.UNKNOWN
        for file in files:
            if file.path in suspects:
                states[file.path] = right if is_right(file.within(git.folder), file.pointer) else FileState.OTHER
    return states


def _state_by_size(file: LfsFile, root: Path) -> FileState:
    path = file.within(root)
    try:
        if path.stat().st_size == file.pointer.size:
            return FileState.HERE
        return FileState.POINTER if read_pointer(path) else FileState.OTHER
    except OSError:
        return FileState.MISSING


def is_right(path: Path, pointer: Pointer) -> bool:
    """Whether the file at `path` has the pointer's size and sha256."""
    try:
        return path.stat().st_size == pointer.size and sha256_of(path) == pointer.sha256
    except OSError:
        return False


def store_of(git: Git) -> Path:
    """The folder in which Git LFS keeps the checkout's objects. Raises PML401."""
    folder = re.search(r"^LocalMediaDir=(.+)$", git.ask("lfs", "env") or "", re.MULTILINE)
    if folder is None:
        raise PmlaunchError("PML401", "git-lfs does not answer.", fix="git lfs version")
    return Path(folder[1].strip())


def object_of(store: Path, pointer: Pointer) -> Path:
    """The path of an object in the store."""
    return store / pointer.sha256[:2] / pointer.sha256[2:4] / pointer.sha256


def has_object(store: Path, pointer: Pointer) -> bool:
    """Whether the store has the object, judged by its size."""
    try:
        return object_of(store, pointer).stat().st_size == pointer.size
    except OSError:
        return False


def room_for(store: Path, files: Iterable[LfsFile]) -> int:
    """Bytes that the files will take: a copy in the checkout, and one in the store unless it is there already."""
    return sum(file.pointer.size * (1 if has_object(store, file.pointer) else 2) for file in files)


def is_published(git: Git, file: LfsFile) -> bool:
    """Whether the file's pointer is in a commit that came from a remote, so that it can be downloaded again.

    Such a commit is on a remote-tracking branch, or is where a shallow history ends: git creates those only when it
    fetches. A local tag or branch proves nothing, because the user may have made it.
    """
    blob = git.ask("rev-parse", "--verify", "-q", f":{file.path}")
    if not blob:
        return False
    shallow = git.ask("rev-parse", "--git-path", "shallow")
    try:
        # only commits: anything else in the file would be an option of git's
        ends = re.findall(r"^[0-9a-f]{40,64}$", read_text(git.folder / shallow), re.MULTILINE) if shallow else []
    except OSError:  # the history is complete
        ends = []
    settings = ("log.showRoot=true",)
    find = ["log", "-1", "--format=%H", f"--find-object={blob}", "--remotes", *ends, "--", file.path]
    return bool(git.ask(*find, settings=settings))
