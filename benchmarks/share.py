"""The launcher's own share of a run: the wall time through pmlaunch beside the same command typed without it.

    python benchmarks/share.py [-n 5] -- demo --motion walk
    python benchmarks/share.py -n 3 -- results/g1/last.ckpt --simulator mujoco --headless --protomotions DIR

What stands behind `--` is what one would type behind `pmlaunch eval`. The command without pmlaunch is the one that
`--dry-run` prints, pasted into bash as a person would. The two are run in turn, each first in every second pair, so
that both meet the same weather; the figure is the median of the pairs' ratios.
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
from pathlib import Path

LIMIT = 1.03


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, help="pairs")
    parser.add_argument("words", nargs="+", help="what is typed behind `pmlaunch eval`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        eval_command = [sys.executable, "-m", "pmlaunch", "eval", *options.words, "--runs", f"{folder}/runs"]
        planned = subprocess.run([*eval_command, "--dry-run", "--json"], check=True, capture_output=True, text=True)
        plain = json.loads(planned.stdout)["data"]["plan"]["plain_command"]["bash"]
        environment = {**os.environ, "PYTHONUTF8": "1", "PMLAUNCH_RUN_DIR": f"{folder}/plain"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        Path(folder, "plain").mkdir()
        print(plain)
        ours, theirs = [*eval_command, "--quiet"], ["bash", "-c", plain]
        pairs = [_pair(ours, theirs, environment, first=number % 2 == 0) for number in range(options.n)]
    for mine, other in pairs:
        print(f"  through pmlaunch {mine:8.3f} s   without {other:8.3f} s   {mine / other:.3f} x")
    ratio = statistics.median(mine / other for mine, other in pairs)
    middle = [statistics.median(column) for column in zip(*pairs, strict=True)]
    verdict = "ok" if ratio <= LIMIT else "OVER"
    print(f"medians: {middle[0]:.3f} s and {middle[1]:.3f} s; ratio {ratio:.3f} x (limit {LIMIT} x) {verdict}")
    return 0 if ratio <= LIMIT else 1


def _pair(ours: list[str], theirs: list[str], environment: dict[str, str], *, first: bool) -> tuple[float, float]:
    if first:
        mine = _seconds(ours, environment)
        return mine, _seconds(theirs, environment)
    other = _seconds(theirs, environment)
    return _seconds(ours, environment), other


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, env=environment, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
