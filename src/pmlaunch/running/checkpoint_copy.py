"""A run's own copy of the checkpoint, because upstream writes its results beside the checkpoint.

ProtoMotions 3 creates results/ and failed_motions/ in the checkpoint's folder, with the same names in every run. In the
run folder they stay separate, and the original folder is not modified.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pmlaunch.model import LaunchPlan
from pmlaunch.running.run_folder import RunFolder, cannot_write

_FOLDER = "checkpoint"
_SMALL = 1 << 20  # bytes; smaller files are copied, as the program could write into the original through a link


def provide_checkpoint(plan: LaunchPlan, folder: RunFolder) -> None:
    """Link the files of `plan.staged` into the run folder, or copy them if that is impossible.

    A checkpoint has hundreds of megabytes; a hard link takes no space. Missing files are skipped: the checks have
    reported them. Raises PML204 if a file can be neither linked nor copied.
    """
    if plan.staged is None:
        return
    for source in plan.staged.files:
        target = staged_path(folder, source)
        try:
            if not source.is_file():
                continue
            target.parent.mkdir(exist_ok=True)
            _link_or_copy(source, target)
        except OSError as error:
            raise cannot_write(target, error) from error


def staged_path(folder: RunFolder, source: Path) -> Path:
    """Return the path of a staged file in the run folder."""
    return folder.file(_FOLDER) / source.name


def _link_or_copy(source: Path, target: Path) -> None:
    if source.stat().st_size > _SMALL:
        try:
            # the target of a symbolic link: results must not end up beside it either
            os.link(os.path.realpath(source), target)
            return
        except OSError:  # another drive, or no hard links on this file system
            pass
    shutil.copyfile(source, target)
