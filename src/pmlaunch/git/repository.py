"""Which repository git would use in a folder, and whether all of it belongs there.

A checkout may come from anywhere. Its .git can be a file, a link or a folder with a file `commondir` that leads into
another repository; its objects can be somebody else's. git would read, and write, whatever it is led to.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.files import read_bytes
from pmlaunch.support.paths import is_remote, real_path

_LARGEST = 4 << 20  # bytes of a small file
_READ = ("HEAD", "index", "shallow", "info/attributes", "info/exclude", "info/grafts")  # by nearly every command


@dataclass(frozen=True)
class Repository:
    """A repository: the folder of its files, its own folder, and the one with its settings, refs and objects.

    `own` and `common` differ in a worktree only. All paths are real ones.
    """

    root: Path
    own: Path
    common: Path

    def settings(self) -> list[Path]:
        """The files with settings that exist."""
        names = (self.common / "config", self.common / "config.worktree", self.own / "config.worktree")
        return [path for path in dict.fromkeys(names) if os.path.lexists(path)]


def git_folder(root: Path) -> Path | None:
    """The repository's own folder: .git, or the folder that the .git file of a submodule or worktree names."""
    place = root / ".git"
    if place.is_dir():
        return place
    named = re.match(r"gitdir:\s*(.+)", small_text(place) or "")
    return root / named[1] if named and not is_remote(named[1]) else None


def common_folder(own: Path) -> Path:
    """The main repository's folder, which holds branches, tags and settings; differs in a worktree."""
    named = small_text(own / "commondir")
    return own / named if named and not is_remote(named) else own


def small_text(path: Path) -> str | None:
    """A small file's text without its last line end; None if it is empty, large, not UTF-8, or no ordinary file."""
    try:
        return read_bytes(path, _LARGEST).decode("utf-8").rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError):
        return None


def find_repository(start: Path, *, above: bool) -> Repository | None:
    """The repository that git uses in `start`; with `above` it may be that of a folder above. None if there is none.

    Raises PML141 if a part of it lies where nothing shows that it belongs to this repository, PML142 for a file on which
    git could hang.
    """
    start = real_path(start)
    for root in (start, *start.parents) if above else (start,):
        own = git_folder(root)
        if own is None and (root / ".git").is_file():
            message = f"{root / '.git'} does not lead to a repository on this computer."
            raise PmlaunchError("PML141", message, hint=f'delete "{root / ".git"}"', subject=str(root / ".git"))
        if own is not None and _is_repository(own):
            found = Repository(root, real_path(own), real_path(common_folder(own)))
            _refuse_elsewhere(found)
            _refuse_odd_files(found)
            return found
        if _is_repository(root):
            message = f"{root} itself has the layout of a git repository, and git would read its settings from there."
            raise PmlaunchError("PML141", message, hint=f'delete "{root / "HEAD"}"', subject=str(root))
    return None


def refuse_links(root: Path) -> None:
    """Raise PML141 if anything in the repository of `root` is a link: git would write to where it leads."""
    own = git_folder(root)
    folders = [real_path(own), real_path(common_folder(own))] if own else []
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if _is_link(entry):
                    message = (
                        f"{entry.path} is a link, and git would write to its target: {os.path.realpath(entry.path)}."
                    )
                    hint = f'replace the link with its target: "{entry.path}"'
                    raise PmlaunchError("PML141", message, hint=hint, subject=entry.path)
                if entry.is_dir():
                    folders.append(Path(entry.path))


def _refuse_elsewhere(repository: Repository) -> None:
    """Raise PML141 for a folder that belongs to another repository; core.worktree is compared with the settings."""
    root, own, common = repository.root, repository.own, repository.common
    commondir = own / "commondir"
    if os.path.lexists(commondir) and (own.parent.name, own.parent.parent) != ("worktrees", common):
        message = f"{commondir} leads to another repository, but {root} is not one of its worktrees."
        raise PmlaunchError("PML141", message, hint=f'delete "{commondir}"', subject=str(commondir))
    back = small_text(own / "gitdir")
    if common != own and (back is None or os.path.realpath(own / back) != os.path.realpath(root / ".git")):
        message = f"{root / '.git'} leads to {own}, which is the worktree of another folder."
        raise PmlaunchError("PML141", message, fix=f'git -C "{root}" worktree repair', subject=str(root / ".git"))
    alternates = common / "objects" / "info" / "alternates"
    if os.path.lexists(alternates):
        message = f"{alternates} makes git read objects from another folder, which may belong to anyone."
        hint = f'git -C "{root}" repack -a -d, then delete "{alternates}"'
        raise PmlaunchError("PML141", message, hint=hint, subject=str(alternates))


def _is_repository(folder: Path) -> bool:
    """Whether git takes the folder for a repository, at least."""
    common = common_folder(folder)
    return all(map(os.path.lexists, (folder / "HEAD", common / "objects", common / "refs")))


def _refuse_odd_files(repository: Repository) -> None:
    """Raise PML142 if a file that every command reads is a pipe or device, and for huge settings."""
    places = {folder / name for folder in (repository.own, repository.common) for name in _READ}
    for path in [*sorted(places), *repository.settings()]:
        if os.path.lexists(path) and not (path.is_file() and (path.name == "index" or path.stat().st_size <= _LARGEST)):
            message = f"{path} is not a regular file, so git is not started in {repository.root}."
            raise PmlaunchError("PML142", message, hint=f'replace the file: "{path}"', subject=str(path))


def _is_link(entry: os.DirEntry[str]) -> bool:
    """Whether it is a symbolic link or, on Windows, a junction."""
    return entry.is_symlink() or (os.name == "nt" and entry.is_dir() and real_path(entry.path) != Path(entry.path))
