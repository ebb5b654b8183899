"""Create the project's own .venv with nothing but Python 3.10+: used by demo.py, test.py and lint.py.

Standard library only. A .venv made from the same pyproject.toml and constraints.txt is reused. Each other version of
torch has a .venv-torch-VERSION of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CONSTRAINTS = ROOT / "constraints.txt"
_TORCH = re.compile(r"^torch==(\S+)$", re.MULTILINE)
_STAMP = ".pmlaunch"
_PIP = "pip>=25.1"  # the first with --group


def python_with(
    *,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    torch: str | None = None,
    torch_index: str | None = None,
) -> Path:
    """The interpreter of a .venv with pmlaunch (editable), `extras` and dependency `groups`; created if missing.

    `torch` is a version other than that of constraints.txt, `torch_index` a package index that offers a smaller torch
    than PyPI's. Exits with a message if this Python is too old or has no venv, or if pip fails.
    """
    if sys.version_info < (3, 10):  # noqa: UP036 (this runs before anything is installed)
        sys.exit(f"pmlaunch needs Python 3.10 or newer; this is {sys.version.split()[0]}.")
    torch = None if torch == pinned_torch() else torch
    home = ROOT / (f".venv-torch-{torch}" if torch else ".venv")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / _STAMP
    made_from = stamp.read_text(encoding="utf-8").split() if stamp.is_file() else []
    wanted = _fingerprint(extras, groups)
    if python.is_file() and wanted in made_from:
        return python
    _say(f"creating {home.name} with Python {sys.version.split()[0]} (a few minutes the first time)")
    if not python.is_file():
        _make(home)
    constraints = home / _CONSTRAINTS.name
    constraints.write_text(_pins(torch), encoding="utf-8")
    pip = partial(_pip, python, constraints)
    if groups:
        pip(["--upgrade", _PIP])
    if torch_index and "demo" in extras:
        pip(["--index-url", torch_index, "torch"])
    chosen = [word for group in groups for word in ("--group", group)]
    pip(["-e", f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT), *chosen])
    stamp.write_text("\n".join([*made_from, wanted]), encoding="utf-8")
    return python


def pinned_torch() -> str:
    """The version of torch in constraints.txt."""
    pins: list[str] = _TORCH.findall(_CONSTRAINTS.read_text(encoding="utf-8"))
    return pins[0]


def add_torch_index(parser: argparse.ArgumentParser) -> None:
    """Add the option for `python_with(torch_index=...)`."""
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
        # Debian packages the parts that venv needs separately
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(f"This Python cannot create a virtual environment. On Debian: apt-get install python{version}-venv")


def _pins(torch: str | None) -> str:
    """The constraints, with another version of torch if one is given."""
    text = _CONSTRAINTS.read_text(encoding="utf-8")
    return _TORCH.sub(f"torch=={torch}", text) if torch else text


def _pip(python: Path, constraints: Path, arguments: Sequence[str]) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints)]
    if run([*pip, *arguments]) != 0:
        sys.exit("pip could not install what pmlaunch needs; see its output above.")


def _fingerprint(extras: Sequence[str], groups: Sequence[str]) -> str:
    """A hash of what a .venv is made from: extras, groups, Python version, dependencies and their pins."""
    digest = hashlib.sha256(f"{sorted(extras)} {sorted(groups)} {sys.version_info[:2]}".encode())
    for path in (ROOT / "pyproject.toml", _CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _say(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)
