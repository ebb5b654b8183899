"""Make the motions that the demo ships: `python scripts/make_demo_motions.py`. The same bytes every time."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from pmlaunch.demo import MOTIONS
from pmlaunch.demo.choreography import Stand, squat, walk, wave
from pmlaunch.demo.gait import Walk
from pmlaunch.demo.skeleton import own_skeleton
from pmlaunch.motionfile import write_motion

FPS = 30


def main(folder: Path) -> None:
    skeleton, times = own_skeleton(), np.arange(5 * FPS + 1) / FPS
    for motion in (
        walk(skeleton, times, FPS, Walk()),
        wave(skeleton, times, FPS, Stand(beat=1.15)),
        squat(skeleton, times, FPS, Stand()),
    ):
        path = folder / motion.path.name
        write_motion(path, replace(motion, path=path))
        print(f"{path.name}: {motion.frames} frames, {motion.seconds:.1f} s, {path.stat().st_size} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=MOTIONS)
    main(parser.parse_args().folder)
