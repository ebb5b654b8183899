"""What one start for many motions saves: N motions of the demo in one start against N starts, for N = 1, 2, 4, 8.

    python benchmarks/many_motions.py [--repeat N] [--most N]

Run it with the Python of an environment that has pmlaunch[demo]. The clips are one second long and cut from the demo's
own motions, so that the start weighs against the evaluation as it does in a simulator. Each pair is run N times in turn,
so that both meet the same weather; figures are medians of the wall time from the command to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pmlaunch.demo import MOTIONS
from pmlaunch.motions.poselib_motion import read_motion, write_motion

FRAMES = 31
ISAACLAB_START = (30.0, 90.0)  # s, what people report of Isaac Sim from its start to the first step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most", type=int, default=8)
    options = parser.parse_args()
    counts = [count for count in (1, 2, 4, 8) if count <= options.most]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = make_clips(folder, max(counts))
        evaluate(clips[:1], folder)  # what the first run of all pays is not counted
        print(f"{'motions':>7} {'one start':>10} {'N starts':>10} {'ratio':>6} {'saved a motion':>15}")
        saved = []
        for count in counts:
            together, apart = [], []
            for _ in range(options.repeat):
                together.append(evaluate(clips[:count], folder))
                apart.append(sum(evaluate([clip], folder) for clip in clips[:count]))
            one, many = statistics.median(together), statistics.median(apart)
            if count > 1:
                saved.append((many - one) / (count - 1))
            each = f"{saved[-1]:.2f} s" if count > 1 else "-"
            print(f"{count:>7} {one:>8.2f} s {many:>8.2f} s {many / one:>5.2f}x {each:>15}", flush=True)
        start = statistics.median(saved) if saved else 0.0
        print(f"\nEvery motion after the first saves a whole start: {start:.2f} s here.")
        low, high = (7 * seconds / 60 for seconds in ISAACLAB_START)
        print(f"With Isaac Lab's start of {ISAACLAB_START[0]:.0f} to {ISAACLAB_START[1]:.0f} s that is "
              f"{low:.1f} to {high:.1f} minutes for eight motions (computed, not measured).")  # fmt: skip


def make_clips(folder: Path, count: int) -> list[Path]:
    """`count` clips of a second, cut from the demo's motions at different places."""
    motions = [read_motion(path) for path in sorted(MOTIONS.glob("*.npy"))]
    paths = []
    for index in range(count):
        motion, first = motions[index % len(motions)], 30 * (index // len(motions))
        piece = slice(first, first + FRAMES)
        path = folder / f"clip{index}.npy"
        rotation, root = motion.local_rotation[piece], motion.root_translation[piece]
        write_motion(path, replace(motion, path=path, name=path.stem, local_rotation=rotation, root_translation=root))
        paths.append(path)
    return paths


def evaluate(clips: list[Path], folder: Path) -> float:
    """Seconds of one command that evaluates `clips`, each to its end."""
    command = [sys.executable, "-m", "pmlaunch", "eval", "demo", "--json", "--runs", str(folder / "runs")]
    command += [word for clip in clips for word in ("--motion", str(clip))]
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"})
    seconds = time.perf_counter() - begin
    evaluation = json.loads(done.stdout)["data"]["record"]["evaluation"]
    if len(evaluation["per_motion"]) != len(clips) or not evaluation["comparable"]:
        raise SystemExit(f"not every motion was evaluated to its end: {evaluation}")
    return seconds


if __name__ == "__main__":
    main()
