"""Is there room for what will be downloaded?"""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.checks.checkpoint import megabytes
from pmlaunch.errors import PmlaunchError

_MARGIN = 50_000_000  # bytes left over for git's own files


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk that `folder` lies on or will lie on."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_room(folder: Path, needed: int) -> None:
    """Raise PML402 when `needed` bytes do not fit on the disk of `folder`."""
    if needed <= 0:
        return
    free = free_bytes(folder)
    if free < needed + _MARGIN:
        raise PmlaunchError(
            "PML402",
            f"{megabytes(needed)} are needed on the disk of {folder}, and {megabytes(free)} are free.",
            hint="free some space, or another folder with --dir; fewer models with --models",
            subject=str(folder),
        )
