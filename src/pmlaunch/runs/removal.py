"""Remove run folders: only what really is one, never a run in progress, never through a link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunState
from pmlaunch.runs.index import runs_in
from pmlaunch.runs.summary import RunSummary, is_in_progress, plain_size, run_record, summarize


@dataclass(frozen=True)
class Removed:
    """A run folder that was removed, or would be; `size` in bytes."""

    name: str
    folder: Path
    size: int


def remove(folders: Sequence[Path], *, dry_run: bool = False) -> list[Removed]:
    """Remove run folders; with `dry_run` only tell which.

    Raises PML356 before anything is removed if one is in progress, and PML358 for one that cannot be removed.
    """
    for folder in folders:
        if is_in_progress(folder, run_record(folder)):
            message = f"{folder.name} is still in progress."
            raise PmlaunchError("PML356", message, fix=f"pmlaunch stop {folder.name}", subject=str(folder))
    once = {os.path.realpath(folder): folder for folder in folders}
    removed = [Removed(folder.name, folder, size_of(folder)) for folder in once.values()]
    if not dry_run:
        for each in removed:
            _remove(each.folder)
    return removed


def prune(runs: Path, before: datetime, *, keep_failed: bool, dry_run: bool) -> list[Removed]:
    """Remove the runs in `runs` that were started before a time; with `keep_failed` only those that are done.

    Raises PML358 as `remove` does.
    """

    def is_due(run: RunSummary | None) -> bool:
        return (
            run is not None
            and run.start is not None
            and run.start < before
            and run.state is not RunState.RUNNING
            and (run.state is RunState.DONE or not keep_failed)
        )

    # an index is only an index: the record itself is asked before something is removed
    old = [run.folder for run in runs_in(runs) if is_due(run) and is_due(summarize(run.folder))]
    return remove(old, dry_run=dry_run)


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder, links not followed."""
    return sum(plain_size(Path(top, name)) or 0 for top, _, names in os.walk(folder) for name in names)


def _remove(folder: Path) -> None:
    # renamed first: that fails as a whole where a file is in use, and what an interruption leaves is no run any more
    doomed = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.removed")
    try:
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        message = f"{folder} cannot be removed: {error.strerror or error}."
        raise PmlaunchError("PML358", message, hint="close programs that use the run", subject=str(folder)) from error
