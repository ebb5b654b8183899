"""Runs of a real ProtoMotions checkout through pmlaunch, on a machine that has one. Skipped without it.

    PMLAUNCH_PROTOMOTIONS=DIR python scripts/real_runs.py --checkpoint last.ckpt --motion NAME --python PYTHON

For ProtoMotions 3 (MuJoCo, CPU): the run ends by itself; metrics.json holds what --full-eval printed; nothing is
written beside the checkpoint; two runs keep two results. PYTHON is the simulator's; TORCH_COMPILE_DISABLE=1 saves
25 s of each start. The launcher's share of the wall time is measured by benchmarks/share.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = "PMLAUNCH_PROTOMOTIONS"


@dataclass(frozen=True)
class Real:
    """What the runs are about. `checkpoint` lies in a folder that no run may change."""

    checkout: Path
    checkpoint: Path
    motion: str
    python: str
    runs: Path

    def command(self, *more: str) -> list[str]:
        named = ["--protomotions", str(self.checkout), "--python", self.python, "--runs", str(self.runs)]
        what = ["eval", str(self.checkpoint), "--motion", self.motion, "--simulator", "mujoco", "--headless"]
        return [sys.executable, "-m", "pmlaunch", *what, *named, "--json", *more]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint of the checkout's generation")
    parser.add_argument("--motion", default="walk", help="name or path of a motion of its robot")
    parser.add_argument("--python", default=sys.executable, help="the simulator's Python")
    options = parser.parse_args(arguments)
    checkout = Path(os.environ.get(CHECKOUT) or "")
    if not os.environ.get(CHECKOUT) or options.checkpoint is None:
        print(f"skipped: set {CHECKOUT} to a checkout, and name a --checkpoint")
        return 0
    if not (checkout / "protomotions" / "inference_agent.py").is_file():
        print(f"skipped: {checkout} is not ProtoMotions 3")
        return 0
    with tempfile.TemporaryDirectory() as place:
        real = Real(checkout, options.checkpoint.absolute(), options.motion, options.python, Path(place))
        problems = generation_3(real)
    for problem in problems:
        print(f"FAILED  {problem}")
    return 1 if problems else 0


def generation_3(real: Real) -> list[str]:
    """Two full evaluations and a headless run without metrics; returns what went wrong."""
    problems: list[str] = []
    before = listing(real.checkpoint.parent)
    records = [evaluate(real) for _ in range(2)]
    for record in records:
        if record["exit_code"] != 0:
            return [f"exit code {record['exit_code']}: {record['findings']}"]
        problems += compare(Path(record["folder"]))
    folders = {record["folder"] for record in records}
    kept = [sorted(Path(folder, "checkpoint", "results").iterdir()) for folder in folders]
    print(f"results  {[str(path.relative_to(real.runs)) for paths in kept for path in paths]}")
    if len(folders) != 2 or not all(kept):
        problems.append("two runs did not keep two results")
    endless = evaluate(real, "--no-metrics", "--max-steps", "30")
    print(f"headless without metrics: exit code {endless['exit_code']} after {endless['steps']} steps")
    if endless["exit_code"] != 0 or endless["steps"] != 30:
        problems.append("a headless run without metrics did not end after --max-steps")
    after = listing(real.checkpoint.parent)
    print(
        f"beside the checkpoint: {len(before)} entries before, {len(after)} after, {'the same' if before == after else 'CHANGED'}"
    )
    return problems if before == after else [*problems, "something was written beside the checkpoint"]


def evaluate(real: Real, *more: str) -> dict[str, Any]:
    """The record of one run through pmlaunch."""
    done = subprocess.run(real.command(*more), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    document = json.loads(done.stdout)
    record = document["data"].get("record")
    if record is None:
        raise SystemExit(f"not started: {document['findings']} {document['errors']}")
    print(f"run      exit code {record['exit_code']} in {record['seconds']} s, {record['steps']} steps")
    return dict(record)


def compare(folder: Path) -> list[str]:
    """Every metric of metrics.json against the line that the program printed, to all its digits."""
    document = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    printed = {}
    for line in (folder / "output.log").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.strip().partition(": ")
        if name.startswith("eval/"):
            printed[name] = value
    wrong = [name for name, value in document["metrics"].items() if f"{value:.6f}" != printed.get(name)]
    missing = set(printed) - set(document["metrics"])
    print(
        f"metrics  {len(printed)} printed, {len(document['metrics'])} written, {len(wrong)} differ; {document['common']}"
    )
    return [f"metrics.json and the printed block differ: {wrong or missing}"] if wrong or missing else []


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """(path, size, time of the last change in ns) of everything below `folder`."""
    entries = [(path, path.stat()) for path in folder.rglob("*")]
    return sorted((str(path.relative_to(folder)), info.st_size, info.st_mtime_ns) for path, info in entries)


if __name__ == "__main__":
    sys.exit(main())
