"""Run something with a Windows Python: this system's own on Windows, Wine's elsewhere (scripts/windows_python.sh)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workshop import ROOT, python_with, run

_FOLDER = "PMLAUNCH_WINE"
_VERSIONS = ((3, 11), (3, 12))  # those that windows_python.sh can make


def run_on_windows(words: Sequence[str]) -> int:
    """Run `python words...` on Windows, in the repository's folder, and return its exit code."""
    if os.name == "nt":
        return run([python_with(groups=["test"]), *words])
    folder = Path(os.environ.get(_FOLDER) or Path.home() / ".cache" / "pmlaunch-wine")
    code = run(["bash", ROOT / "scripts" / "windows_python.sh", folder, _host()])
    if code != 0:
        return code
    variables = {
        "PYTHONPATH": windows_path(ROOT / "src"),
        # the system that owns this folder has compiled files of its own there
        "PYTHONPYCACHEPREFIX": r"C:\pycache",
    }
    return run([folder / "wpy", *words], **variables)


def windows_path(path: Path) -> str:
    """How Wine calls a path of this system: its drive Z: is the root."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def _host() -> str:
    """A Python with pip whose standard library can be used: the .venv's, this one, or another on PATH."""
    candidates = [
        str(ROOT / ".venv/bin/python"),
        sys.executable,
        *(f"python{major}.{minor}" for major, minor in _VERSIONS),
    ]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found and _fits(found):
            return found
    sys.exit("A Windows Python is made from Python 3.11 or 3.12 with pip, and none is here.")


def _fits(python: str) -> bool:
    ask = f"import sys, pip; sys.exit(sys.version_info[:2] not in {_VERSIONS})"
    return subprocess.run([python, "-c", ask], capture_output=True).returncode == 0
