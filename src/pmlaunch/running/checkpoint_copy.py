"""A run's own copy of the checkpoint: upstream writes its results beside the file that it is given.

ProtoMotions 3 makes results/ and failed_motions/ in the checkpoint's folder, with the same names in every run. In
the run folder they are kept apart, and the checkpoint's folder stays as it was.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pmlaunch.model import LaunchPlan
from pmlaunch.running.run_folder import RunFolder, cannot_write

_FOLDER = "checkpoint"
_SMALL = 1 << 20  # bytes; what is smaller is copied: a link would let the program write into the original


def stage(plan: LaunchPlan, folder: RunFolder) -> None:
    """Link, or copy where no link can be made, what `plan.staged` names into the run folder.

    A hard link costs no space: a checkpoint has hundreds of megabytes. Files that are not there are left out; the
    checks have said so. Raises PML204 when a file can be neither linked nor copied.
    """
    if plan.staged is None:
        return
    for source in plan.staged.files:
        target = staged_path(folder, source)
        try:
            if not source.is_file():
                continue
            target.parent.mkdir(exist_ok=True)
            _provide(source, target)
        except OSError as error:
            raise cannot_write(target, error) from error


def staged_path(folder: RunFolder, source: Path) -> Path:
    """Where a staged file lies in the run folder."""
    return folder.file(_FOLDER) / source.name


def _provide(source: Path, target: Path) -> None:
    if source.stat().st_size > _SMALL:
        try:
            # what a symbolic link points to: results must not go beside that either
            os.link(os.path.realpath(source), target)
            return
        except OSError:  # another drive, or a file system without hard links
            pass
    shutil.copyfile(source, target)
