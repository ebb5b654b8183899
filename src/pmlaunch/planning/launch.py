"""What a launch needs besides the overrides: the agent's folder, the environment, the folder of the runs."""

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
    """The folder that PYTHONPATH names: one that no batch file can break.

    isaaclab.bat expands PYTHONPATH, so where pmlaunch is installed below a folder such as `R&D (old)` the
    agent is copied to a harmless place before the run. When no place is harmless the first one is returned.
    """
    if platform.foreign or platform.name != "windows" or is_harmless(str(AGENT_FOLDER)):
        return AGENT_FOLDER
    names = [environment.get(variable) for variable in ("LOCALAPPDATA", "PROGRAMDATA", "PUBLIC", "SYSTEMDRIVE")]
    places = [Path(name + os.sep, "pmlaunch", f"agent-{__version__}") for name in names if name]
    harmless = [place for place in places if is_harmless(str(place))]
    return (harmless or places or [AGENT_FOLDER])[0]


def agent_environment(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> dict[str, str | None]:
    """The variables that a child gets beside the launcher's own; None removes one.

    PYTHONPATH carries the agent's folder and nothing else: the user's own entries travel in spec.json, where
    no batch file expands them. PMLAUNCH_SPEC is added by the run.
    """
    folder = str(agent_folder(platform, environment))
    return {**platform.environment, **runtime.environment, "PYTHONPATH": folder}


def import_path(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Folders that the program imports from before all others: the runtime's own and the user's PYTHONPATH."""
    typed = environment.get("PYTHONPATH", "") if not platform.foreign else ""
    return (*(entry for entry in typed.split(os.pathsep) if entry), *runtime.import_path)


def runs_folder(settings: Settings, flag: str | None) -> Sourced[str]:
    """Where run folders are made: `runs` where the command was typed, unless said otherwise."""
    return settings.get("runs", flag) or Sourced(str(settings.folder / "runs"), DEFAULT)
