"""Make the project's own .venv, with nothing but Python 3.10+: used by demo.py and test.py.

Standard library only. A .venv that was made for the same files is used as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_STAMP = ".pmlaunch"


def python_with(extras: Sequence[str], *, folder: Path | None = None, torch_index: str | None = None) -> Path:
    """The interpreter of a .venv that has pmlaunch (editable) with `extras`; made when it is not there.

    `torch_index` is a package index that has a smaller torch than PyPI's. Ends the program with a sentence
    when this Python is too old, has no venv, or pip fails.
    """
    if sys.version_info < (3, 10):  # noqa: UP036 (this runs before anything is installed)
        sys.exit(f"pmlaunch needs Python 3.10 or newer; this is {sys.version.split()[0]}.")
    home = folder or ROOT / ".venv"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / _STAMP
    wanted = _fingerprint(extras)
    if python.is_file() and stamp.is_file() and wanted in stamp.read_text(encoding="utf-8").split():
        return python
    _say(f"making {home.name} with Python {sys.version.split()[0]} (some minutes the first time)")
    if not python.is_file():
        _make(home)
    if torch_index and "demo" in extras:
        _pip(python, ["--index-url", torch_index, "torch"])
    _pip(python, ["-e", f"{ROOT}[{','.join(extras)}]"])
    kept = stamp.read_text(encoding="utf-8").split() if stamp.is_file() else []
    stamp.write_text("\n".join([*kept, wanted]), encoding="utf-8")
    return python


def add_torch_index(parser: argparse.ArgumentParser) -> None:
    """The option that both programs have for `python_with`."""
    parser.add_argument(
        "--torch-index",
        default=os.environ.get("PMLAUNCH_TORCH_INDEX"),
        metavar="URL",
        help="index of a smaller torch; on Linux PyPI's is a CUDA build of several GB",
    )


def run(command: Sequence[str | os.PathLike[str]], **variables: str) -> int:
    """Run a command in the repository's folder and return its exit code."""
    return subprocess.call([os.fspath(word) for word in command], cwd=ROOT, env={**os.environ, **variables})


def _make(home: Path) -> None:
    try:
        venv.create(home, with_pip=True)
    except (subprocess.CalledProcessError, ImportError):
        # Debian keeps the parts that venv needs in a package of its own
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(f"This Python cannot make a virtual environment. On Debian: apt-get install python{version}-venv")


def _pip(python: Path, arguments: Sequence[str]) -> None:
    constraints = ROOT / "constraints.txt"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints, *arguments]
    if run(command) != 0:
        sys.exit("pip could not install what pmlaunch needs; its words stand above.")


def _fingerprint(extras: Sequence[str]) -> str:
    """One word for what the .venv was made from: extras, Python, dependencies and their pinned versions."""
    digest = hashlib.sha256(f"{sorted(extras)} {sys.version_info[:2]}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _say(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)
