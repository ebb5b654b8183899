"""The agent's folder, the environment and the runs folder of a launch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pmlaunch import __version__
from pmlaunch.model import DEFAULT, Sourced
from pmlaunch.runtimes.batch_rules import is_harmless
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

AGENT_FOLDER = Path(__file__).parent.parent / "agent"


def agent_folder(platform: Platform, environment: Mapping[str, str]) -> Path:
    """The folder for PYTHONPATH, at a path that no batch file can break.

    isaaclab.bat expands PYTHONPATH. If pmlaunch is installed below a folder such as `R&D (old)`, the agent is copied to
    a harmless path before the run. If no path is harmless, the first one is returned.
    """
    if platform.foreign or not platform.windows or is_harmless(str(AGENT_FOLDER)):
        return AGENT_FOLDER
    names = [environment.get(variable) for variable in ("LOCALAPPDATA", "PROGRAMDATA", "PUBLIC", "SYSTEMDRIVE")]
    places = [Path(name + os.sep, "pmlaunch", f"agent-{__version__}") for name in names if name]
    harmless = [place for place in places if is_harmless(str(place))]
    return (harmless or places or [AGENT_FOLDER])[0]


def agent_environment(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> dict[str, str | None]:
    """The variables that a child gets in addition to the launcher's own; None removes one.

    PYTHONPATH contains only the agent's folder: the user's own entries travel in spec.json, where no batch file expands
    them. The run adds PMLAUNCH_SPEC.
    """
    folder = str(agent_folder(platform, environment))
    return {**platform.environment, **runtime.environment, "PYTHONPATH": folder}


def import_path(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Folders that the program imports from before all others: the user's PYTHONPATH and the runtime's own."""
    typed = environment.get("PYTHONPATH", "") if not platform.foreign else ""
    return (*(entry for entry in typed.split(os.pathsep) if entry), *runtime.import_path)


def runs_folder(settings: Settings, flag: str | None) -> Sourced[str]:
    """The folder for run folders, by default `runs` in the current folder."""
    return settings.get("runs", flag) or Sourced(str(settings.folder / "runs"), DEFAULT)
