"""Create folders that act like a release of Isaac Lab, with a Python where that release looks for it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isaac_standin import make_isaac_sim

STANDINS = Path(__file__).parent / "standins"
RELEASES = {"2.1": "2.1.0", "2.2": "2.2.1", "2.3": "2.3.0", "3.0": "3.0.0"}
# "release place": the place is where the batch file finds its Python
LABS = (
    "2.1 conda", "2.1 python.bat", "2.2 conda", "2.2 python.bat", "2.3 conda", "2.3 python.bat",
    "3.0 conda", "3.0 venv", "3.0 python.bat",
)  # fmt: skip
DIRECT = "python.exe"
"""The runtime without a batch file: the interpreter itself."""

# variables that decide which Python a batch file takes, or that break it
_DECIDING = ("CONDA_PREFIX", "VIRTUAL_ENV", "SKIP", "ISAACLAB_PATH")


@dataclass(frozen=True)
class Lab:
    """A runtime under test: pmlaunch's `options` for it, and the `environment` in which it finds its Python."""

    name: str
    folder: Path
    script: Path
    options: Mapping[str, Any]
    environment: Mapping[str, str]

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs a script with this Python."""
        return [str(self.script), *([] if self.name == DIRECT else ["-p"]), *words]

    def surroundings(self) -> dict[str, str]:
        """Return this process's environment with the variables of this runtime and of no other."""
        kept = {name: value for name, value in os.environ.items() if name.upper() not in _DECIDING}
        return {**kept, **self.environment}

    @contextmanager
    def entered(self, folder: Path) -> Iterator[None]:
        """Act as if this process had been started in `folder` with `surroundings`."""
        before, place = dict(os.environ), Path.cwd()
        try:
            surroundings = self.surroundings()
            os.environ.clear()
            os.environ.update(surroundings)
            os.chdir(folder)
            yield
        finally:
            os.chdir(place)
            os.environ.clear()
            os.environ.update(before)


def make_lab(name: str, root: Path) -> Lab:
    """Create the runtime `name` (one of `LABS`, or `DIRECT`) below `root`."""
    folder = root / name.replace(" ", "-")
    folder.mkdir(parents=True)
    if name == DIRECT:
        return Lab(name, folder, Path(sys.executable), {"via": "python", "python": sys.executable}, {})
    release, place = name.split()
    _write(folder / "VERSION", RELEASES[release] + "\n")
    _write(folder / "isaaclab.bat", (STANDINS / f"isaaclab_{release.replace('.', '_')}.bat").read_text("utf-8"))
    if release == "3.0":
        _write(folder / "source" / "standin_cli.py", (STANDINS / "standin_cli.py").read_text("utf-8"))
    environment = {}
    if place == "conda":
        environment["CONDA_PREFIX"] = str(make_python(root / f"conda-{release}"))
    elif place == "venv":
        environment["VIRTUAL_ENV"] = str(make_python(root / f"venv-{release}", "Scripts"))
    else:
        sim = folder / "_isaac_sim"
        make_python(sim / "kit" / "python")
        make_isaac_sim(sim)
        _write(sim / "python.bat", (STANDINS / "python.bat").read_text("utf-8"))
    return Lab(name, folder, folder / "isaaclab.bat", {"via": "isaaclab", "isaaclab": str(folder)}, environment)


def make_python(folder: Path, programs: str = ".") -> Path:
    """Create a Python in `folder` with the packages of this one; python.exe is in its subfolder `programs`.

    It consists of copies of python.exe and its DLLs and a pyvenv.cfg that names the standard library's home, which is
    enough for an interpreter on Windows and under Wine.
    """
    base = Path(getattr(sys, "_base_executable", sys.executable)).parent
    (folder / programs).mkdir(parents=True)
    for pattern in ("python.exe", "python3*.dll", "vcruntime*.dll"):
        for file in base.glob(pattern):
            shutil.copy(file, folder / programs)
    version = sys.version.split()[0]
    _write(folder / "pyvenv.cfg", f"home = {base}\ninclude-system-site-packages = true\nversion = {version}\n")
    packages = [entry for entry in sys.path if Path(entry).name == "site-packages"]
    _write(folder / "Lib" / "site-packages" / "packages.pth", "\n".join(packages) + "\n")
    return folder


def _write(path: Path, text: str) -> None:
    """Write a file; a batch file gets CRLF, without which cmd.exe loses its place among labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\r\n" if path.suffix == ".bat" else "\n")
