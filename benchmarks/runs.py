"""How long `pmlaunch runs list` takes with 10, 1,000 and 10,000 runs, with its index and after that was deleted.

    python benchmarks/runs.py [--counts 10 1000 10000] [--repeat N]

The figures are seconds of the whole command: start of Python, listing and table; medians of N with the index, and the
first call without it. In brackets the seconds of CPU, which a busy machine does not change (0 on Windows).
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.runs.index import FILE

WITH_INDEX, WITHOUT_INDEX = 0.5, 5.0  # seconds allowed for the largest number of runs
METRICS = {f"eval/metric_{number}": number / 7 for number in range(18)}


def make_runs(runs: Path, count: int) -> None:
    """Make run folders as large as those of an evaluation of one motion."""
    for number in range(count):
        day, second = divmod(number, 86400)
        clock = f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
        folder = runs / f"202601{day + 1:02}-{clock}-demo-walk"
        folder.mkdir(parents=True)
        record = {
            "schema": 1,
            "folder": str(folder),
            "state": "failed" if number % 10 == 0 else "done",
            "exit_code": 0,
            "started": f"2026-01-{day + 1:02}T{clock[:2]}:{clock[2:4]}:{clock[4:]}+00:00",
            "seconds": 20.0 + number % 60,
            "metrics": METRICS,
            "units": dict.fromkeys(METRICS, "m"),
            "evaluation": {
                "common": {"success_rate": 1.0, "mean_position_error_m": 0.01, "motions": 1},
                "per_motion": [{"motion": "walk", "success": True, "metrics": METRICS}],
            },
        }
        provenance = {f"value_{item}": {"value": item, "source": "default"} for item in range(24)}
        plan = {"model": "demo", "motions": [{"name": "walk"}], "provenance": provenance, "overrides": ["a=b"] * 20}
        for name, document in (("record.json", record), ("plan.json", plan)):
            (folder / name).write_text(json.dumps(document, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class Taken:
    """Seconds that a command took, and seconds of CPU."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f})"


def taken(runs: Path, *options: str) -> Taken:
    """Run `pmlaunch runs list` once."""
    command = [sys.executable, "-m", "pmlaunch", "runs", "list", "--runs", str(runs), *options]
    start, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Taken(time.perf_counter() - start, cpu)


def median(runs: Path, options: Sequence[str], repeat: int) -> Taken:
    """The medians of several calls."""
    found = [taken(runs, *options) for _ in range(repeat)]
    return Taken(statistics.median(each.wall for each in found), statistics.median(each.cpu for each in found))


def measure(count: int, repeat: int) -> bool:
    """Print the figures for `count` runs; whether they are within the limits."""
    with tempfile.TemporaryDirectory() as place:
        runs = Path(place)
        make_runs(runs, count)
        taken(runs / "nothing-here")  # warms the disk's cache
        first = taken(runs)
        size = (runs / FILE).stat().st_size
        choices: Sequence[tuple[str, ...]] = ((), ("-q",), ("--since", "1d"), ("--json",))
        medians = [median(runs, options, repeat) for options in choices]
        texts = [f"{' '.join(options) or 'table'} {found}" for options, found in zip(choices, medians, strict=True)]
        sys.stdout.write(f"{count:>6} runs  no index {first}  {', '.join(texts)}  index {size / 1000:.0f} kB\n")
        sys.stdout.flush()
        return first.wall <= WITHOUT_INDEX and medians[0].wall <= WITH_INDEX


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[10, 1000, 10000])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    within = [measure(count, options.repeat) for count in options.counts]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
