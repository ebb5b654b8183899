"""Where an interpreter keeps its packages. Reads files only; starts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.runtimes.chosen_python import prefix_of
from pmlaunch.runtimes.interface import Runtime


def lacks(runtime: Runtime, module: str) -> bool:
    """Whether `module` is missing from the packages of a runtime's Python; False if that cannot be determined.

    It cannot if the packages are not found, or if a virtual environment also uses the system's.
    """
    python = runtime.facts.python
    if python is None or _uses_others(path := Path(python.path)):
        return False
    folders = site_packages(path, python.version)
    return bool(folders) and not any((folder / module).is_dir() for folder in folders)


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


def _uses_others(executable: Path) -> bool:
    """Whether an interpreter is the system's own, or a virtual environment that includes the system's packages."""
    try:
        settings = (prefix_of(executable) / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return prefix_of(executable) in (Path("/usr"), Path("/usr/local"))
    return re.search(r"^include-system-site-packages\s*=\s*true", settings, re.MULTILINE | re.IGNORECASE) is not None


def _of_pth_files(place: Path) -> Iterator[Path]:
    """Folders that .pth files add. Their `import` lines are not executed; editable installations do not need them."""
    for path in sorted(place.glob("*.pth")):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.strip() and not line.startswith(("#", "import ", "import\t")) and (place / line.strip()).is_dir():
                yield place / line.strip()
