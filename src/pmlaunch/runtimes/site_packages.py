"""Where an interpreter keeps its packages, told from files: nothing is started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.runtimes.chosen_python import prefix_of
from pmlaunch.runtimes.interface import Runtime


def lacks(runtime: Runtime, module: str) -> bool:
    """Whether `module` is nowhere among the packages of a runtime's Python; False where that cannot be told.

    It cannot where they are not found, or are not all: a virtual environment may use those of the system.
    """
    python = runtime.facts.python
    if python is None or _uses_others(path := Path(python.path)):
        return False
    folders = site_packages(path, python.version)
    return bool(folders) and not any((folder / module).is_dir() for folder in folders)


def site_packages(executable: Path, version: str | None) -> list[Path]:
    """The folders in which an interpreter's packages lie, as its layout has them; those that are there."""
    prefix = prefix_of(executable)
    places = [prefix / "Lib" / "site-packages"]
    for name in ("lib", "lib64"):
        places += [prefix / name / f"python{version}" / kind for kind in ("site-packages", "dist-packages")]
    if executable.name in ("python.sh", "python.bat"):
        places += [prefix / "kit" / "python" / place.relative_to(prefix) for place in places]
    here = [place for place in dict.fromkeys(places) if place.is_dir()]
    return list(dict.fromkeys([*here, *(folder for place in here for folder in _of_pth_files(place))]))


def _uses_others(executable: Path) -> bool:
    """Whether an interpreter is the system's own, or a virtual environment that uses its packages."""
    try:
        settings = (prefix_of(executable) / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return prefix_of(executable) in (Path("/usr"), Path("/usr/local"))
    return re.search(r"^include-system-site-packages\s*=\s*true", settings, re.MULTILINE | re.IGNORECASE) is not None


def _of_pth_files(place: Path) -> Iterator[Path]:
    """Folders that .pth files add. Their lines of code are not executed: those of editable installs need not be."""
    for path in sorted(place.glob("*.pth")):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.strip() and not line.startswith(("#", "import ", "import\t")) and (place / line.strip()).is_dir():
                yield place / line.strip()
