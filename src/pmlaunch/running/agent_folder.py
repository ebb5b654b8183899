"""Put the agent where PYTHONPATH says: its own folder, or a copy in a place whose name no batch file can break."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.model import LaunchPlan
from pmlaunch.planning.launch import AGENT_FOLDER
from pmlaunch.running.run_folder import cannot_write

_PACKAGE = "pmlaunch_agent"


def provide_agent(plan: LaunchPlan) -> None:
    """Copy the agent to the folder that the plan names, unless it is the agent's own or already the same.

    Raises PML204 when the copy cannot be made.
    """
    provide_agent_in(Path(str(plan.env["PYTHONPATH"])))


def provide_agent_in(folder: Path) -> None:
    """Make sure that `folder` holds the agent. Raises PML204 when the copy cannot be made."""
    if folder == AGENT_FOLDER:
        return
    source, target = AGENT_FOLDER / _PACKAGE, folder / _PACKAGE
    try:
        target.mkdir(parents=True, exist_ok=True)
        for module in source.glob("*.py"):
            copy = target / module.name
            if not copy.is_file() or copy.read_bytes() != module.read_bytes():
                shutil.copyfile(module, copy)
    except OSError as error:
        raise cannot_write(folder, error) from error
