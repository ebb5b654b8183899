"""Set up and run the tests: `python scripts/test.py [pytest's options]`. Needs nothing but Python 3.10+.

Tests that use a real ProtoMotions checkout are skipped unless PMLAUNCH_PROTOMOTIONS names one.
With --windows: tests/windows instead, with a Windows Python. On Linux that is one under Wine, which is made in
PMLAUNCH_WINE (default ~/.cache/pmlaunch-wine; 900 MB) the first time.
"""

from __future__ import annotations

import argparse
import os
import sys

from windows import run_on_windows
from workshop import ROOT, add_torch_index, python_with, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="ruff and mypy, too")
    parser.add_argument("--windows", action="store_true", help="the tests that need Windows, under Wine elsewhere")
    add_torch_index(parser)
    options, more = parser.parse_known_args()
    if options.windows:
        where = [] if any(word.startswith("tests") for word in more) else ["tests/windows"]
        return run_on_windows(["-m", "pytest", "-p", "no:cacheprovider", *where, *more])
    python = python_with(["demo", "dev"], torch_index=options.torch_index)
    code = run([python, "-m", "pytest", *more])
    if options.lint:
        code = lint(python) or code
    return code


def lint(python: os.PathLike[str]) -> int:
    """ruff over everything; mypy --strict over the package, and over the agent, which is a program of its own."""
    agent = str(ROOT / "src" / "pmlaunch" / "agent")
    strict = [python, "-m", "mypy", "--strict", "--config-file=", "--python-version", "3.10", "-p", "pmlaunch_agent"]
    return max(
        run([python, "-m", "ruff", "check", "."]),
        run([python, "-m", "ruff", "format", "--check", "."]),
        run([python, "-m", "mypy"]),
        run(strict, MYPYPATH=agent),
    )


if __name__ == "__main__":
    sys.exit(main())
