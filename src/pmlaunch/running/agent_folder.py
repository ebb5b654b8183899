"""Put the agent where PYTHONPATH points: its own folder, or a copy at a path that no batch file can break."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.model import LaunchPlan
from pmlaunch.planning.launch import AGENT_FOLDER
from pmlaunch.running.run_folder import cannot_write

_PACKAGE = "pmlaunch_agent"


def provide_agent(plan: LaunchPlan) -> None:
    """Make sure that the folder in the plan's PYTHONPATH contains the agent. Raises PML204 if it cannot be copied."""
    provide_agent_in(Path(str(plan.env["PYTHONPATH"])))


def provide_agent_in(folder: Path) -> None:
    """Make sure that `folder` contains the agent. Raises PML204 if it cannot be copied."""
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
        raise cannot_write(folder, error) from error
