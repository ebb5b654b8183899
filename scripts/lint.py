"""Check style, types and spelling: `python scripts/lint.py [ruff|format|mypy|spelling ...]`, all by default.

mypy --strict covers the package, the agent (a program of its own), tests, scripts and benchmarks.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from workshop import ROOT, python_with, run

AGENT = ROOT / "src" / "pmlaunch" / "agent"
# Test folders are not packages: each is checked alone, because their conftest.py share one name.
FOLDERS = ("scripts", "benchmarks", "tests", *(f"tests/{path.name}" for path in sorted((ROOT / "tests").iterdir())))


def ruff(python: Path) -> int:
    return run([python, "-m", "ruff", "check", "."])


def formatting(python: Path) -> int:
    return run([python, "-m", "ruff", "format", "--check", "."])


def mypy(python: Path) -> int:
    strict = [python, "-m", "mypy", "--strict", "--config-file=", "--python-version", "3.10", "-p", "pmlaunch_agent"]
    codes = [run([python, "-m", "mypy"]), run(strict, MYPYPATH=str(AGENT))]
    for folder in FOLDERS:
        files = sorted((ROOT / folder).glob("*.py"))
        if files:
            where = os.pathsep.join(("src", "tests", "scripts", folder))
            codes.append(run([python, "-m", "mypy", "--no-error-summary", *files], MYPYPATH=where))
    return max(codes)


def spelling(python: Path) -> int:
    return run([python.with_name("codespell")])


CHECKS: Mapping[str, Callable[[Path], int]] = {"ruff": ruff, "format": formatting, "mypy": mypy, "spelling": spelling}


def lint(python: Path, names: list[str] | None = None) -> int:
    """Run the named checks, all by default; 0 if every one of them passed."""
    return max(CHECKS[name](python) for name in names or CHECKS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", choices=[[], *CHECKS], help="which checks to run")
    options = parser.parse_args()
    return lint(python_with(groups=["dev"]), options.checks)


if __name__ == "__main__":
    sys.exit(main())
