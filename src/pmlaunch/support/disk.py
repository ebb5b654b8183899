"""Free space on a disk, and the removal of read-only folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.paths import real_path
from pmlaunch.support.text import megabytes

_MARGIN = 50_000_000  # bytes for git's own files


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of `folder`, which need not exist yet."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_room(folder: Path, needed: int) -> None:
    """Raise PML402 if `needed` bytes do not fit on the disk of `folder`."""
    if needed <= 0:
        return
    free = free_bytes(folder)
    if free < needed + _MARGIN:
        raise PmlaunchError(
            "PML402",
            f"{megabytes(needed)} are needed on the disk of {folder}, but only {megabytes(free)} are free.",
            hint="free some space, choose another folder with --dir, or fewer models with --models",
            subject=str(folder),
        )


def path_below(root: Path, name: str) -> Path:
    """The path of the file `name` below `root`, to be written; `name` comes from a repository or a server.

    Raises PML143 if it leads out of `root`: it is absolute, has a .. in it, or a link is on the way.
    """
    parts = name.replace("\\", "/").split("/")
    windows = PureWindowsPath(name)
    why = (
        "its name is not a plain path"
        if windows.drive or any(part in ("", ".", "..", ".git") for part in parts)
        else None
    )
    path, place = root.joinpath(*parts), real_path(root)
    for part in parts if why is None else ():
        place = place / part
        if _is_link(place):
            why = f"{place} is a link"
            break
    if why is not None:
        message = f"{name!r} is not written below {root}, because {why}."
        raise PmlaunchError(
            "PML143", message, hint=(f'replace links with ordinary folders: "{path.parent}"'), subject=name
        )
    return path


def _is_link(place: Path) -> bool:
    """Whether a path leads elsewhere, though its parent does not. Windows has other kinds than symbolic links."""
    return real_path(place) != place if os.name == "nt" else place.is_symlink()


def remove_tree(folder: Path) -> None:
    """Remove a folder, including git's read-only files. What cannot be removed stays; nothing is raised."""

    def make_writable(function: Callable[[str], object], path: str, _: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IWRITE)  # noqa: PTH101
            function(path)

    shutil.rmtree(folder, onerror=make_writable)
