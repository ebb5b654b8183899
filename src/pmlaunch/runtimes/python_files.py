"""Read an interpreter's version and the folders of its packages from the files around it, without starting it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.probe.distributions import normalised
from pmlaunch.model import ChosenPython
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.support.files import read_text
from pmlaunch.support.paths import is_remote


def prefix_of(executable: Path) -> Path:
    """The prefix of an interpreter: one folder above bin/python and Scripts/python.exe, the folder of python.exe."""
    folder = executable.parent
    return folder.parent if folder.name in ("bin", "Scripts") else folder


def version_of_prefix(prefix: Path) -> str | None:
    """The version of the Python installed in `prefix`: from pyvenv.cfg, its DLL, conda's record or its library."""
    stated = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", text_of(prefix / "pyvenv.cfg"), re.MULTILINE)
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


def missing_distributions(runtime: Runtime, names: Sequence[str]) -> list[str] | None:
    """Those of `names`, normalised, that are not installed in a runtime's Python; None if its files do not tell."""
    folders = all_packages(runtime)
    found = {
        normalised(entry.name.rpartition(".")[0].split("-")[0])
        for folder in (*folders, *map(Path, runtime.import_path))
        for ending in ("dist-info", "egg-info")
        for entry in folder.glob(f"*.{ending}")
    }
    return [name for name in names if name not in found] if folders else None


def all_packages(runtime: Runtime) -> list[Path]:
    """The folders of the packages of a runtime's Python; none if there may be others.

    There may be if they are not found, or if the Python is the system's or a virtual environment that uses those.
    """
    python = runtime.facts.python
    if python is None:
        return []
    prefix = prefix_of(Path(python.path))
    settings = text_of(prefix / "pyvenv.cfg")
    if re.search(r"^include-system-site-packages\s*=\s*true", settings, re.MULTILINE | re.IGNORECASE):
        return []
    if not settings and prefix in (Path("/usr"), Path("/usr/local")):
        return []
    return site_packages(Path(python.path), python.version)


def site_packages(executable: Path, version: str | None) -> list[Path]:
    """The existing folders of an interpreter's packages, by its layout and its .pth files."""
    prefix = prefix_of(executable)
    places = [prefix / "Lib" / "site-packages"]
    for name in ("lib", "lib64"):
        places += [prefix / name / f"python{version}" / kind for kind in ("site-packages", "dist-packages")]
    if executable.name in ("python.sh", "python.bat"):
        places += [prefix / "kit" / "python" / place.relative_to(prefix) for place in places]
    here = [place for place in dict.fromkeys(places) if place.is_dir()]
    return list(dict.fromkeys([*here, *(folder for place in here for folder in _of_pth_files(place))]))


def made_by(executable: Path) -> str | None:
    """What made the environment of an interpreter, as its files tell: uv, venv or conda; None for another one."""
    prefix = prefix_of(executable)
    settings = text_of(prefix / "pyvenv.cfg")
    if settings:
        return "uv" if re.search(r"^uv\s*=", settings, re.MULTILINE) else "venv"
    return "conda" if (prefix / "conda-meta").is_dir() else None


def pip_install(python: ChosenPython | None) -> str:
    """The start of a command that installs into `python`: uv's for a virtual environment without pip, as uv makes them."""
    if python is None:
        return "python -m pip install"
    path = Path(python.path)
    with_pip = any((folder / "pip").is_dir() for folder in site_packages(path, python.version))
    if made_by(path) in ("uv", "venv") and not with_pip:
        return f'uv pip install --python "{path}"'
    return f'"{path}" -m pip install'


def _of_pth_files(place: Path) -> Iterator[Path]:
    """Folders that .pth files add. Their `import` lines are not executed; editable installations do not need them."""
    for path in sorted(place.glob("*.pth")):
        for line in text_of(path).splitlines():
            named = line.strip()
            if not named or line.startswith(("#", "import ", "import\t")) or is_remote(named):
                continue
            if (place / named).is_dir():
                yield place / named


def text_of(path: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        return read_text(path)
    except OSError:
        return ""
