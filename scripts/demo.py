"""Set up and show a real evaluation: `python scripts/demo.py`. Needs nothing but Python 3.10+.

It makes a .venv, installs pmlaunch with the embedded evaluation, and runs `pmlaunch eval demo --motion walk`:
a policy network that makes a humanoid of 24 bodies walk in MuJoCo, on the CPU, with metrics and a picture.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from workshop import ROOT, add_torch_index, python_with, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--motion", default="walk", help="walk, wave, squat, or the path of an SMPL motion (.npy)")
    add_torch_index(parser)
    options = parser.parse_args()
    python = python_with(extras=["demo"], torch_index=options.torch_index)
    code = run([python, "-m", "pmlaunch", "eval", "demo", "--motion", options.motion])
    if code == 0:
        print(next_command(python, Path.cwd()))
    return code


def next_command(python: Path, folder: Path) -> str:
    """Return lines that suggest another motion, as they can be typed in `folder` into PowerShell, cmd or a POSIX shell."""
    program = os.fspath(python.with_name("pmlaunch").relative_to(ROOT))
    change = "" if folder == ROOT else f'  cd "{ROOT}"\n'
    return f"\nAnother motion:\n{change}  {program} eval demo --motion wave"


if __name__ == "__main__":
    sys.exit(main())
