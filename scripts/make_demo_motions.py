"""Make the motions that the demo ships, reproducibly: `python scripts/make_demo_motions.py`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from pmlaunch.demo import MOTIONS
from pmlaunch.motions.generated.choreography import OWN_MOTIONS, own_motion
from pmlaunch.motions.generated.skeleton import own_skeleton
from pmlaunch.motions.poselib_motion import write_motion


def main(folder: Path) -> None:
    for name in OWN_MOTIONS:
        motion = own_motion(name, own_skeleton())
        path = folder / motion.path.name
        write_motion(path, replace(motion, path=path))
        print(f"{path.name}: {motion.frames} frames, {motion.seconds:.1f} s, {path.stat().st_size} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=MOTIONS)
    main(parser.parse_args().folder)
