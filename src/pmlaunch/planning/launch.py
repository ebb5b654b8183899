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
from pmlaunch.support.ranks import sets_rank

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

    PYTHONPATH begins with the agent's folder. Entries that a batch file could misread are left out: see `import_path`.
    Ranks that another launcher gave this shell are removed: a run is one machine's, and starts its own.
    The run adds PMLAUNCH_SPEC.
    """
    ranks = [] if platform.foreign else filter(sets_rank, sorted(environment))
    left_out = import_path(platform, runtime, environment)
    folders = [str(agent_folder(platform, environment)), *_search_path(platform, runtime, environment)]
    search_path = platform.path_separator.join(folder for folder in folders if folder not in left_out)
    return {**platform.environment, **runtime.environment, **dict.fromkeys(ranks), "PYTHONPATH": search_path}


def set_by_agent(changes: Mapping[str, str | None]) -> dict[str, str | None]:
    """The changes that the agent repeats in every rank, since a launcher script may undo them.

    PYTHONPATH only leads to the agent. Ranks must not be removed again, because Lightning sets them for rank 1 and up.
    """
    return {name: value for name, value in changes.items() if name != "PYTHONPATH" and not sets_rank(name)}


def import_path(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Folders to import from that travel in spec.json, where no batch file expands them.

    The others have to be in PYTHONPATH when Python starts: only then does it run a `sitecustomize` there, which is how
    Isaac Sim makes itself importable. For these the agent does so.
    """
    search_path = _search_path(platform, runtime, environment)
    return tuple(folder for folder in search_path if runtime.uses_batch_file and not is_harmless(folder))


def _search_path(platform: Platform, runtime: Runtime, environment: Mapping[str, str]) -> list[str]:
    """The user's PYTHONPATH, and the runtime's own folders. They are absolute: the program runs in another folder."""
    typed = environment.get("PYTHONPATH", "") if not platform.foreign else ""
    return [*(str(Path(entry).absolute()) for entry in typed.split(os.pathsep) if entry), *runtime.import_path]


def runs_folder(settings: Settings, flag: str | None) -> Sourced[str]:
    """The folder for run folders, by default `runs` in the current folder."""
    return settings.get("runs", flag) or Sourced(str(settings.folder / "runs"), DEFAULT)
