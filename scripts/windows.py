"""Run a Windows Python: the system's own on Windows, one under Wine elsewhere (scripts/windows_python.sh)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workshop import ROOT, pinned_torch, python_with, run

_FOLDER = "PMLAUNCH_WINE"
# Isaac Lab's batch files install 2.7 or 2.8; two processes of 2.11 and later cannot talk to each other under Wine
_TORCH_UNDER_WINE = "2.7.1"
_TIMEOUT = 600  # s for a test: importing torch and Lightning takes half a minute under Wine in each process
_VERSIONS = ((3, 11), (3, 12))  # those that windows_python.sh supports


def run_on_windows(words: Sequence[str], torch: str | None = None) -> int:
    """Run `python words...` in the repository's folder, with a version of torch or without it; return its exit code."""
    if os.name == "nt":
        return run([python_with(extras=["demo"] if torch else [], groups=["test"], torch=torch), *words])
    name, place = ("pmlaunch-wine", "machine") if why_not_torch() else ("pmlaunch-wine10", "chroot")
    folder = Path(os.environ.get(_FOLDER) or Path.home() / ".cache" / name)
    code = run(["bash", ROOT / "scripts" / "windows_python.sh", folder, _host(), place, *([torch] if torch else [])])
    if code != 0:
        return code
    variables = {
        "TORCH": torch or "",
        "PYTHONPATH": windows_path(ROOT / "src"),
        "PYTEST_XDIST_AUTO_NUM_WORKERS": str(os.cpu_count()),  # Wine reports one processor
        # __pycache__ in the repository belongs to the host's Python; this folder lives on and stays compiled
        "PYTHONPYCACHEPREFIX": r"C:\pycache",
    }
    return run([folder / "wpy", *words], **variables)


def why_not_torch() -> str | None:
    """Return why no Windows Python can have torch on this machine; None if it can."""
    if os.name == "nt":
        return None
    if os.geteuid() != 0:
        return "torch for Windows needs Wine 10 in a chroot, and that needs root: sudo -E env PATH=$PATH python ..."
    mount = ["unshare", "--mount", "--propagation", "private", "mount", "--bind", str(ROOT), str(ROOT)]
    if shutil.which("unshare") and subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        return None
    return (
        "torch for Windows needs Wine 10 in a chroot, and that needs the right to mount, which this machine withholds"
    )


def default_torch() -> str:
    """Return the version of torch for tests: that of constraints.txt on Windows, another one under Wine."""
    return pinned_torch() if os.name == "nt" else _TORCH_UNDER_WINE


def pytest_on_windows(words: Sequence[str], torch: str | None) -> int:
    """Run `pytest words...` and return its exit code; 1 if it ended before its report was complete.

    Wine returns 0 for a process that it kills when its server goes down.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        name = str(report) if os.name == "nt" else windows_path(report)
        pytest = ["-m", "pytest", "-p", "no:cacheprovider", f"--timeout={_TIMEOUT}", f"--junitxml={name}"]
        code = run_on_windows([*pytest, *words], torch)
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
