"""Which Python a launcher script will choose, and of which version. Reads files only; starts nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pmlaunch.model import ChosenPython, Origin, Source


def python_of_isaaclab(root: Path, major: int, environment: Mapping[str, str], windows: bool) -> ChosenPython | None:
    """The Python that Isaac Lab's script will start; None if it will find none.

    2.x looks at CONDA_PREFIX, `_isaac_sim`, then PATH; 3.x at VIRTUAL_ENV before these. Like the scripts, this takes
    a prefix that is set without looking for a Python in it.
    """
    prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"] if major >= 3 else ["CONDA_PREFIX"]
    for variable in prefixes:
        prefix = environment.get(variable)
        if prefix:
            return _in_prefix(Path(prefix), variable, windows)
    simulator = root / "_isaac_sim"
    script = simulator / ("python.bat" if windows else "python.sh")
    if script.is_file():
        version = version_of_prefix(simulator / "kit" / "python")
        return ChosenPython(str(script), Source(Origin.ISAAC_SIM), version)
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    for name in ("python.exe",) if windows else ("python", "python3"):
        found = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if found:
            return ChosenPython(str(found), Source(Origin.PATH), version_of(found))
    return None


def version_of(executable: Path) -> str | None:
    """The version of an interpreter, from the files around it."""
    return version_of_prefix(prefix_of(executable))


def version_of_prefix(prefix: Path) -> str | None:
    """The version of the Python installed in `prefix`: from pyvenv.cfg, its DLL, conda's record or its library."""
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        settings = ""
    stated = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", settings, re.MULTILINE)
    if stated:
        return stated[1]
    for names, pattern in (
        ("python3*.dll", r"python3(\d+)\.dll"),
        ("conda-meta/python-3*.json", r"python-3\.(\d+)"),
        ("lib/python3.*", r"python3\.(\d+)$"),
    ):
        for path in sorted(prefix.glob(names)):
            if match := re.match(pattern, path.name, re.IGNORECASE):
                return f"3.{match[1]}"
    return None


def _in_prefix(prefix: Path, variable: str, windows: bool) -> ChosenPython:
    place = "bin/python" if not windows else "Scripts/python.exe" if variable == "VIRTUAL_ENV" else "python.exe"
    by = Source(Origin.ACTIVE_ENVIRONMENT, variable)
    return ChosenPython(str(prefix / place), by, version_of_prefix(prefix))


def prefix_of(executable: Path) -> Path:
    """The prefix of an interpreter: one folder above bin/python and Scripts/python.exe, the folder of python.exe."""
    folder = executable.parent
    return folder.parent if folder.name in ("bin", "Scripts") else folder
