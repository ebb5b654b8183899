"""The folder beside its place in which a checkout is built: whose it is, and how it is removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.safety import git_folder
from pmlaunch.installing.checkout.location import marker_of, read_marker


def refuse_foreign_stage(stage: Path) -> None:
    """Raise PML406 when the folder in which the checkout would be built holds something that no install put there."""
    if not os.path.lexists(stage) or _is_ours(stage):
        return
    raise PmlaunchError(
        "PML406",
        f"The checkout would be built in {stage}, and that holds something else already. It is left as it is.",
        hint=f"move {stage} away, then the same command",
        subject=str(stage),
    )


def _is_ours(stage: Path) -> bool:
    """Whether the folder is a work tree whose repository has our marker, or is empty, or was left when it was begun."""
    if not stage.is_dir() or stage.is_symlink():
        return False
    gitdir, entries = git_folder(stage), list(stage.iterdir())
    if gitdir is not None and read_marker(gitdir) is not None:
        return True
    # ended before the marker was written: a folder .git in which no repository is yet
    return not entries or (
        gitdir is not None and entries == [gitdir] and not any(entry.is_dir() for entry in gitdir.iterdir())
    )


def discard(stage: Path, gitdir: Path) -> None:
    """Remove what is ours and not finished; killed at any moment, what remains is still known as ours."""
    if stage.is_dir() and _is_ours(stage):
        for entry in stage.iterdir():
            if entry.name != ".git":
                _remove(entry)
        _remove_repository(stage / ".git")
        remove_tree(stage)
    if read_marker(gitdir) is not None:
        _remove_repository(gitdir)


def _remove_repository(gitdir: Path) -> None:
    """Its marker goes last."""
    if gitdir.is_dir():
        for entry in gitdir.iterdir():
            if entry != marker_of(gitdir):
                _remove(entry)
    _remove(gitdir)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        remove_tree(entry)
    else:
        with contextlib.suppress(OSError):
            entry.unlink()


def remove_tree(folder: Path) -> None:
    """Remove a folder with git's read-only files in it; what cannot be removed stays."""

    def writable(function: Callable[..., Any], path: str, _: Any) -> None:
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IWRITE)  # noqa: PTH101
            function(path)

    shutil.rmtree(folder, onerror=writable)
