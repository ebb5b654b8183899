"""What a launch needs besides the overrides: the agent's folder, the environment, the folder of the runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pmlaunch.model import Sourced
from pmlaunch.platforms import Platform
from pmlaunch.settings import Settings

AGENT_FOLDER = Path(__file__).parent.parent / "agent"


def agent_environment(platform: Platform, environment: Mapping[str, str]) -> dict[str, str | None]:
    """The variables that a child gets beside the launcher's own; None removes one.

    PYTHONPATH carries the agent's folder in front of the user's own. PMLAUNCH_SPEC is added by the run.
    """
    path = str(AGENT_FOLDER)
    if environment.get("PYTHONPATH"):
        path = f"{path}{platform.path_separator}{environment['PYTHONPATH']}"
    return {**platform.environment, "PYTHONPATH": path}


def runs_folder(settings: Settings, flag: str | None) -> Sourced[str]:
    """Where run folders are made: `runs` where the command was typed, unless said otherwise."""
    return settings.get("runs", flag) or Sourced(str(settings.folder / "runs"), "default")
