"""Set up and show a real evaluation: `python scripts/demo.py`. Needs nothing but Python 3.10+.

It makes a .venv, installs pmlaunch with the embedded evaluation, and runs `pmlaunch eval demo --motion walk`:
a policy network that makes a humanoid of 24 bodies walk in MuJoCo, on the CPU, with metrics and a picture.
"""

from __future__ import annotations

import argparse
import os
import sys

from workshop import python_with, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--motion", default="walk", help="walk, wave, squat, or the path of an SMPL motion (.npy)")
    parser.add_argument(
        "--torch-index",
        default=os.environ.get("PMLAUNCH_TORCH_INDEX"),
        metavar="URL",
        help="index of a smaller torch; on Linux PyPI's is a CUDA build of several GB",
    )
    options = parser.parse_args()
    python = python_with(["demo"], torch_index=options.torch_index)
    return run([python, "-m", "pmlaunch", "eval", "demo", "--motion", options.motion])


if __name__ == "__main__":
    sys.exit(main())
