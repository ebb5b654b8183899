"""Set up and run the tests: `python scripts/test.py [options of pytest]`. Needs nothing but Python 3.10+.

Tests run on all cores. Those that use a real ProtoMotions checkout are skipped unless PMLAUNCH_PROTOMOTIONS names one,
and exhaustive variants unless --slow is given.

With --windows a Windows Python with torch runs the tests of unit, property, agent, demo, windows and sweeps. On Linux it
runs under Wine, as root with the right to mount, and is created in PMLAUNCH_WINE (default ~/.cache/pmlaunch-wine10; 4 GB)
the first time. Where that is not possible, and no version of torch is given, tests/windows alone runs, without torch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lint import lint
from windows import default_torch, pytest_on_windows, why_not_torch
from workshop import add_torch_index, python_with, run

_LIGHT = ("tests/unit", "tests/property")
_SWEEPS = tuple(f"tests/integration/test_sweep_{part}.py" for part in ("executor", "faults", "cluster"))
_WINDOWS = (*_LIGHT, "tests/agent", "tests/demo", "tests/windows", *_SWEEPS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="also check style, types and spelling")
    parser.add_argument("--light", action="store_true", help="unit and property tests only, without torch")
    parser.add_argument("--windows", action="store_true", help="by a Windows Python; under Wine elsewhere")
    parser.add_argument("--torch", metavar="VERSION", help=f"that of --windows; default {default_torch()}")
    add_torch_index(parser)
    options, more = parser.parse_known_args()
    named = any(word.startswith("tests") for word in more)
    if options.windows:
        return _on_windows([*_parallel(more), *more], named, options.torch)
    extras = [] if options.light else ["demo"]
    python = python_with(extras=extras, groups=["dev"], torch_index=options.torch_index)
    where = list(_LIGHT) if options.light and not named else []
    code = run([python, "-m", "pytest", *_parallel(more), *where, *more])
    return (lint(python) or code) if options.lint else code


def _on_windows(words: Sequence[str], named: bool, torch: str | None) -> int:
    """Run the tests by a Windows Python with torch; without it where none can be and no version was asked for."""
    reason = why_not_torch()
    if reason and torch:
        sys.exit(reason)
    if not reason:
        return pytest_on_windows([*words, *(() if named else _WINDOWS)], torch or default_torch())
    warning = f"\n!! WITHOUT TORCH, tests/windows only: {reason}\n"
    print(warning, file=sys.stderr)
    code = pytest_on_windows([*words, *(() if named else ["tests/windows"])], None)
    print(warning, file=sys.stderr)
    return code


def _parallel(words: Sequence[str]) -> Sequence[str]:
    """Options that spread the tests over all cores, unless the user chose otherwise or debugs."""
    alone = {"--numprocesses", "--pdb", "--collect-only", "--co", "--version", "-h", "--help"}
    chosen = any(word.startswith("-n") or word.partition("=")[0] in alone for word in words)
    return () if chosen else ("-n", "auto", "--dist", "worksteal")


if __name__ == "__main__":
    sys.exit(main())
