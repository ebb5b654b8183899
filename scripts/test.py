"""Set up and run the tests: `python scripts/test.py [options of pytest]`. Needs nothing but Python 3.10+.

Tests run on all cores. Those that use a real ProtoMotions checkout are skipped unless PMLAUNCH_PROTOMOTIONS names one,
and exhaustive variants unless --slow is given. With --windows a Windows Python runs tests/windows; on Linux it runs
under Wine and is created in PMLAUNCH_WINE (default ~/.cache/pmlaunch-wine; 900 MB) the first time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lint import lint
from windows import pytest_on_windows
from workshop import add_torch_index, python_with, run

_LIGHT = ("tests/unit", "tests/property")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="also check style, types and spelling")
    parser.add_argument("--light", action="store_true", help="unit and property tests only, without torch")
    parser.add_argument("--windows", action="store_true", help="the tests that need Windows; under Wine elsewhere")
    add_torch_index(parser)
    options, more = parser.parse_known_args()
    named = any(word.startswith("tests") for word in more)
    if options.windows:
        where = [] if named else ["tests/windows"]
        return pytest_on_windows([*_parallel(more), *where, *more])
    extras = [] if options.light else ["demo"]
    python = python_with(extras=extras, groups=["dev"], torch_index=options.torch_index)
    where = list(_LIGHT) if options.light and not named else []
    code = run([python, "-m", "pytest", *_parallel(more), *where, *more])
    return (lint(python) or code) if options.lint else code


def _parallel(words: Sequence[str]) -> Sequence[str]:
    """Options that spread the tests over all cores, unless the user chose otherwise or debugs."""
    alone = ("-n", "--numprocesses", "--pdb", "--collect-only", "--co", "--version", "-h", "--help")
    return () if any(word.startswith(alone) for word in words) else ("-n", "auto", "--dist", "worksteal")


if __name__ == "__main__":
    sys.exit(main())
