"""Provide what a run reads: the agent, the run's own copy of the checkpoint, and the documents in the run folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from pmlaunch.model import LaunchPlan
from pmlaunch.planning.launch import AGENT_FOLDER
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.running.run_folder import RunFolder, run_write_error
from pmlaunch.running.spec import environment_document, spec_document, staged_path

_PACKAGE = "pmlaunch_agent"
_SMALL = 1 << 20  # bytes; smaller files are copied, as the program could write into the original through a link


def write_inputs(plan: LaunchPlan, folder: RunFolder, further: Iterable[tuple[LaunchPlan, RunFolder]] = ()) -> None:
    """Write what the program reads, and what documents the run. Raises PML204 if that fails.

    `further` are evaluated in the same process.
    """
    provide_agent(plan.env)
    provide_checkpoint(plan, folder)
    folder.write("plan.json", plan)
    folder.write("spec.json", spec_document(plan, folder, further), exact=True)
    if plan.measuring.library is not None:
        folder.write_text(LIBRARY_FILE, plan.measuring.library)
    folder.write("environment.json", environment_document(plan))


def provide_agent(environment: Mapping[str, str | None]) -> None:
    """Make sure that the first folder in PYTHONPATH has the agent. Raises PML204 if it cannot be copied there."""
    folder = Path(str(environment["PYTHONPATH"]).split(os.pathsep)[0])
    if folder == AGENT_FOLDER:
        return
    source, target = AGENT_FOLDER / _PACKAGE, folder / _PACKAGE
    try:
        for module in source.rglob("*.py"):
            copy = target / module.relative_to(source)
            if not copy.is_file() or copy.read_bytes() != module.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(module, copy)
    except OSError as error:
        raise run_write_error(folder, error) from error


def provide_checkpoint(plan: LaunchPlan, folder: RunFolder) -> None:
    """Link the files of `plan.staged` into the run folder, or copy them if that is impossible.

    ProtoMotions 3 creates results/ and failed_motions/ beside the checkpoint, with the same names in every run: in the
    run folder they stay separate. A checkpoint has hundreds of megabytes, and a hard link takes no space. Missing files
    are skipped: the checks have reported them. Raises PML204 if a file can be neither linked nor copied.
    """
    for source in plan.staged.files if plan.staged else ():
        target = staged_path(folder, source)
        try:
            if source.is_file():
                target.parent.mkdir(exist_ok=True)
                _link_or_copy(source, target)
        except OSError as error:
            raise run_write_error(target, error) from error


def _link_or_copy(source: Path, target: Path) -> None:
    if source.stat().st_size > _SMALL:
        try:
            # the target of a symbolic link: results must not end up beside it either
            os.link(os.path.realpath(source), target)
            return
        except OSError:  # another drive, or no hard links on this file system
            pass
    shutil.copyfile(source, target)
