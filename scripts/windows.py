"""Run a Windows Python: the system's own on Windows, one under Wine elsewhere (scripts/windows_python.sh)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workshop import ROOT, python_with, run

_FOLDER = "PMLAUNCH_WINE"
_VERSIONS = ((3, 11), (3, 12))  # those that windows_python.sh supports


def run_on_windows(words: Sequence[str]) -> int:
    """Run `python words...` in the repository's folder and return its exit code."""
    if os.name == "nt":
        return run([python_with(groups=["test"]), *words])
    folder = Path(os.environ.get(_FOLDER) or Path.home() / ".cache" / "pmlaunch-wine")
    code = run(["bash", ROOT / "scripts" / "windows_python.sh", folder, _host()])
    if code != 0:
        return code
    variables = {
        "PYTHONPATH": windows_path(ROOT / "src"),
        # __pycache__ in the repository belongs to the host's Python; this folder lives on and stays compiled
        "PYTHONPYCACHEPREFIX": r"C:\pycache",
    }
    return run([folder / "wpy", *words], **variables)


def pytest_on_windows(words: Sequence[str]) -> int:
    """Run `pytest words...` and return its exit code; 1 if it ended before its report was complete.

    Wine returns 0 for a process that it kills when its server goes down.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        name = str(report) if os.name == "nt" else windows_path(report)
        code = run_on_windows(["-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={name}", *words])
        complete = report.is_file() and "</testsuites>" in report.read_text(encoding="utf-8")
    if code == 0 and not complete:
        print("-- The Windows Python ended before pytest did.", file=sys.stderr)
    return code if complete else code or 1


def windows_path(path: Path) -> str:
    """Return the path under Wine, whose drive Z: is the root folder."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def _host() -> str:
    """Return a Python with pip whose standard library fits: the .venv's, this one, or another on PATH."""
    candidates = [
        str(ROOT / ".venv/bin/python"),
        sys.executable,
        *(f"python{major}.{minor}" for major, minor in _VERSIONS),
    ]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found and _fits(found):
            return found
    sys.exit("A Windows Python needs the standard library of Python 3.11 or 3.12 with pip; neither was found.")


def _fits(python: str) -> bool:
    ask = f"import sys, pip; sys.exit(sys.version_info[:2] not in {_VERSIONS})"
    return subprocess.run([python, "-c", ask], check=False, capture_output=True).returncode == 0
