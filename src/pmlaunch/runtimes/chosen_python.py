"""Which Python a launcher script will choose, and of which version. Reads files only; starts nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
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
        kit = simulator / "kit" / "python"
        return ChosenPython(str(script), Source(Origin.ISAAC_SIM), version_of_prefix(kit))
    for name in ("python.exe",) if windows else ("python", "python3"):
        found = _on_path(name, environment.get("PATH", ""))
        if found:
            return ChosenPython(str(found), Source(Origin.PATH), version_of_prefix(prefix_of(found)))
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
    names = (
        (prefix.glob("python3*.dll"), r"python(3)(\d+)\.dll"),
        ((prefix / "conda-meta").glob("python-3*.json"), r"python-(3)\.(\d+)"),
        ((prefix / "lib").glob("python3.*"), r"python(3)\.(\d+)$"),
    )
    for found, pattern in names:
        for path in _sorted(found):
            if match := re.match(pattern, path.name, re.IGNORECASE):
                return f"{match[1]}.{match[2]}"
    return None


def _sorted(paths: Iterable[Path]) -> list[Path]:
    try:
        return sorted(paths)
    except OSError:
        return []


def _in_prefix(prefix: Path, variable: str, windows: bool) -> ChosenPython:
    if not windows:
        executable = prefix / "bin" / "python"
    elif variable == "VIRTUAL_ENV":
        executable = prefix / "Scripts" / "python.exe"
    else:
        executable = prefix / "python.exe"
    by = Source(Origin.ACTIVE_ENVIRONMENT, variable)
    return ChosenPython(str(executable), by, version_of_prefix(prefix))


def prefix_of(executable: Path) -> Path:
    """The prefix of an interpreter: one folder above bin/python and Scripts/python.exe, the folder of python.exe."""
    folder = executable.parent
    return folder.parent if folder.name in ("bin", "Scripts") else folder


def _on_path(name: str, path: str) -> Path | None:
    for folder in path.split(os.pathsep):
        if folder and (Path(folder) / name).is_file():
            return Path(folder) / name
    return None
