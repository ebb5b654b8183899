"""Determine whether the checkout's folder is empty, a checkout, an unfinished one, or has other files.

A checkout is cloned in a temporary folder beside its final path. Its repository contains a marker until the checkout is
in place and registered, so a later install can tell our leftovers from a user's files.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.repository import git_folder
from pmlaunch.model import Generation
from pmlaunch.processes.child import is_running
from pmlaunch.support.atomic import write_text
from pmlaunch.support.disk import remove_tree
from pmlaunch.support.json import dumps, read_mapping

_MARKER = "pmlaunch-install.json"


@dataclass(frozen=True)
class Marker:
    """The install that works on a repository: its process, and the submodule that the checkout is to become, if any."""

    pid: int
    created: float
    url: str = ""
    name: str | None = None


@dataclass(frozen=True)
class Location:
    """The contents of a folder: a checkout's generation and repository; `marker` is that of an unfinished install."""

    empty: bool = False
    generation: Generation | None = None
    gitdir: Path | None = None
    marker: Marker | None = None


def look_at(folder: Path) -> Location:
    """Inspect the files in `folder`."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return Location(empty=True)
    generation = generation_of(folder) if folder.is_dir() else None
    gitdir = git_folder(folder) if generation else None
    return Location(False, generation, gitdir, read_marker(gitdir) if gitdir else None)


def read_marker(gitdir: Path) -> Marker | None:
    """The marker in a repository; None if there is none."""
    document = read_mapping(gitdir / _MARKER)
    name = document.get("name")
    try:
        process = int(document["pid"]), float(document["created"])
        return Marker(*process, str(document.get("url", "")), str(name) if name else None)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def write_marker(gitdir: Path, marker: Marker) -> None:
    """Write the marker into a repository. Raises OSError."""
    write_text(gitdir / _MARKER, dumps(marker) + "\n")


def remove_marker(gitdir: Path) -> None:
    """Declare the install finished. Raises OSError."""
    (gitdir / _MARKER).unlink(missing_ok=True)


def refuse_if_at_work(gitdir: Path, folder: Path) -> None:
    """Raise PML408 if another install, still running, works on this repository."""
    marker = read_marker(gitdir)
    if marker and marker.pid != os.getpid() and is_running(marker.pid, marker.created):
        message = f"Another pmlaunch install (pid {marker.pid}) is building {folder}."
        raise PmlaunchError("PML408", message, hint="wait until it ends, then: pmlaunch install", subject=str(folder))


def refuse_foreign(temporary: Path) -> None:
    """Raise PML406 if the folder for a new clone contains files that no install put there."""
    if os.path.lexists(temporary) and not _is_ours(temporary):
        message = (
            f"The checkout would be built in {temporary}, which contains something else. pmlaunch left it unchanged."
        )
        hint = f"move {temporary} away, then repeat the command"
        raise PmlaunchError("PML406", message, hint=hint, subject=str(temporary))


def remove_leftover(temporary: Path) -> None:
    """Remove an unfinished clone of ours. If this is killed, the rest is still recognised: the marker goes last."""
    if not temporary.is_dir() or not _is_ours(temporary):
        return
    gitdir = temporary / ".git"
    for entry in [*temporary.iterdir(), *(gitdir.iterdir() if gitdir.is_dir() else ())]:
        if entry in (gitdir, gitdir / _MARKER):
            continue
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()
    remove_tree(temporary)


def _is_ours(folder: Path) -> bool:
    """Whether the folder is a repository with our marker, or was left before the marker was written or after it went."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    gitdir = git_folder(folder)
    if gitdir is not None and read_marker(gitdir) is not None:
        return True
    entries = list(folder.iterdir())
    if gitdir is not None and entries == [gitdir]:
        entries = [entry for entry in gitdir.iterdir() if not entry.name.startswith(f".{_MARKER}.")]
    return not entries
