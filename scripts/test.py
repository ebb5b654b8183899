"""Set up and run the tests: `python scripts/test.py [pytest's options]`. Needs nothing but Python 3.10+.

Tests that use a real ProtoMotions checkout are skipped unless PMLAUNCH_PROTOMOTIONS names one.
"""

from __future__ import annotations

import argparse
import os
import sys

from workshop import ROOT, python_with, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="ruff and mypy, too")
    parser.add_argument(
        "--torch-index",
        default=os.environ.get("PMLAUNCH_TORCH_INDEX"),
        metavar="URL",
        help="index of a smaller torch; on Linux PyPI's is a CUDA build of several GB",
    )
    options, more = parser.parse_known_args()
    python = python_with(["demo", "dev"], torch_index=options.torch_index)
    code = run([python, "-m", "pytest", *more])
    if options.lint:
        code = lint(python) or code
    return code


def lint(python: os.PathLike[str]) -> int:
    """ruff over everything; mypy --strict over the package, and over the agent for the oldest Python it meets."""
    agent = ROOT / "src" / "pmlaunch" / "agent"
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "mypy", "--strict", "--config-file", os.devnull, agent / "pmlaunch_agent"],
    ]
    return max(run(step, MYPYPATH=str(agent)) if "pmlaunch_agent" in str(step[-1]) else run(step) for step in steps)


if __name__ == "__main__":
    sys.exit(main())
