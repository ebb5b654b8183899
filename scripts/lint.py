"""Check style, types, spelling and the site: `python scripts/lint.py [ruff|format|mypy|spelling|site ...]`; default: all.

mypy --strict covers the package, the agent (a program of its own), tests, scripts and benchmarks.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from workshop import ROOT, python_with, run

AGENT = ROOT / "src" / "pmlaunch" / "agent"
STANDINS = {ROOT / "tests" / "windows" / "standins"}  # they only run on Windows, inside a run of the agent
# Test folders are not packages: each is checked alone, because their conftest.py share one name.
FOLDERS = sorted(
    {path.parent for name in ("scripts", "benchmarks", "tests") for path in (ROOT / name).rglob("*.py")} - STANDINS
)


def ruff(python: Path) -> int:
    return run([python, "-m", "ruff", "check", "."])


def formatting(python: Path) -> int:
    return run([python, "-m", "ruff", "format", "--check", "."])


def mypy(python: Path) -> int:
    program: list[str | Path] = [python, "-m", "mypy", "--no-error-summary"]
    strict = ["--strict", "--config-file=", "--python-version", "3.10", "-p", "pmlaunch_agent"]
    codes = [run(program), run([*program, *strict], MYPYPATH=str(AGENT))]
    for folder in FOLDERS:
        # scripts/make_windows_doc.py uses the trials of tests/windows
        where = ("src", "tests", "scripts", "tests/unit", "tests/windows", folder)
        codes.append(run([*program, *sorted(folder.glob("*.py"))], MYPYPATH=os.pathsep.join(map(str, where))))
    return int(any(codes))  # a process ended by a signal has a negative code


def spelling(python: Path) -> int:
    return run([python.with_name("codespell")])


def site(python: Path) -> int:
    """Build the documentation site: a broken link, anchor or navigation entry is an error."""
    with tempfile.TemporaryDirectory() as folder:
        return run([python, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", folder], NO_MKDOCS_2_WARNING="1")


CHECKS: Mapping[str, Callable[[Path], int]] = {
    "ruff": ruff,
    "format": formatting,
    "mypy": mypy,
    "spelling": spelling,
    "site": site,
}


def lint(python: Path, names: list[str] | None = None) -> int:
    """Run the named checks, all by default; 0 if every one of them passed. The others are named at the end."""
    failed = [name for name in names or CHECKS if CHECKS[name](python) != 0]
    for name in failed:
        print(f"FAILED {name}", flush=True)
    return int(bool(failed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", choices=[[], *CHECKS], help="which checks to run")
    options = parser.parse_args()
    return lint(python_with(groups=["dev"]), options.checks)


if __name__ == "__main__":
    sys.exit(main())
