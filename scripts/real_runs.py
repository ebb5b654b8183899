"""Runs of a real ProtoMotions checkout through pmlaunch, on a machine that has one. Skipped without it.

    PMLAUNCH_PROTOMOTIONS=DIR python scripts/real_runs.py --checkpoint last.ckpt --motion NAME --python PYTHON

PYTHON is the simulator's. Which runs these are depends on the checkout's generation.

For ProtoMotions 2.3 (Genesis, CPU): two motions in one start, NAME and a second clip that is cut from it here; the run
ends by itself, and every figure of metrics.json is compared with what a direct call of calc_eval_metrics gives on the
same seed and checkpoint.

For ProtoMotions 3 (MuJoCo, CPU): the run ends by itself; metrics.json holds what --full-eval printed; nothing is
written beside the checkpoint; two runs keep two results. With a display (xvfb-run has one that nobody sees) a window is
recorded without its L key, and what the policy did in it is kept. TORCH_COMPILE_DISABLE=1 saves 25 s of each start. The
launcher's share of the wall time is measured by benchmarks/share.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.motions.poselib_motion import read_motion, write_motion

CHECKOUT = "PMLAUNCH_PROTOMOTIONS"
AGENT = Path(__file__).parents[1] / "src" / "pmlaunch" / "agent"
# eval_agent.py as it is, but that its endless evaluate_policy gives way to the call that training makes. Of the agent
# it has the repair of dataclasses only, without which Python 3.11 and later cannot import 2.3.
DIRECT = """
import json, os, runpy, sys
from pmlaunch_agent.hooks import patches
from pmlaunch_agent.hooks.post_import import PostImportHooks
hooks = PostImportHooks(on_error=print)
patches.repair(["mutable_dataclass_defaults"], hooks, repaired=lambda name: None)
def evaluate_policy(agent):
    agent.fabric.seed_everything(0 + agent.fabric.global_rank)
    metrics, _ = agent.calc_eval_metrics()
    with open(os.environ["DIRECT_METRICS"], "w", encoding="utf-8") as file:
        json.dump({name: float(value) for name, value in metrics.items()}, file)
def patch(module):
    module.PPO.evaluate_policy = evaluate_policy
hooks.when_imported("protomotions.agents.ppo.agent", patch)
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Real:
    """What the runs are about. `checkpoint` lies in a folder that no run may change."""

    checkout: Path
    checkpoint: Path
    motion: str
    python: str
    runs: Path
    simulator: str = "mujoco"

    def command(self, *more: str) -> list[str]:
        """The arguments of pmlaunch for this run."""
        named = ["--protomotions", str(self.checkout), "--python", self.python, "--runs", str(self.runs)]
        what = ["eval", str(self.checkpoint), "--motion", self.motion, "--simulator", self.simulator]
        shown = [] if "--window" in more else ["--headless"]
        return [sys.executable, "-m", "pmlaunch", *what, *shown, *named, "--json", *more]


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
    hydra = (checkout / "protomotions" / "eval_agent.py").is_file()
    if not hydra and not (checkout / "protomotions" / "inference_agent.py").is_file():
        print(f"skipped: {checkout} is no ProtoMotions checkout")
        return 0
    with tempfile.TemporaryDirectory() as place:
        simulator = "genesis" if hydra else "mujoco"
        real = Real(checkout, options.checkpoint.absolute(), options.motion, options.python, Path(place), simulator)
        problems = generation_2(real) if hydra else generation_3(real)
    for problem in problems:
        print(f"FAILED  {problem}")
    return 1 if problems else 0


def generation_2(real: Real) -> list[str]:
    """Two motions in one start, against a direct call of calc_eval_metrics; returns what went wrong."""
    second = cut(real.checkout / "data" / "motions" / f"{real.motion}.npy", real.runs / f"{real.motion}_cut.npy")
    record = evaluate(real, "--motion", str(second), "--device", "cpu")
    if record["exit_code"] != 0:
        return [f"exit code {record['exit_code']}: {record['findings']}"]
    folder = Path(record["folder"])
    document = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for entry in document["per_motion"]:
        print(f"motion   {entry['motion']}: gt_err {entry['metrics'].get('eval/gt_err')}, success {entry['success']}")
    wanted = direct(real, folder)
    apart = {
        name: abs(value - document["metrics"].get(name, float("inf")))
        for name, value in wanted.items()
        if name.startswith("eval/")
    }
    print(f"figures  {len(apart)} compared, the largest difference is {max(apart.values()):g}")
    problems = [f"{name} differs by {value:g}" for name, value in apart.items() if not value <= 1e-6]
    return problems if len(document["per_motion"]) == 2 else [*problems, "not two motions in one start"]


def cut(source: Path, target: Path) -> Path:
    """The middle half of a motion, as a motion of its own."""
    motion = read_motion(source)
    middle = slice(motion.frames // 4, 3 * motion.frames // 4)
    half = replace(
        motion,
        path=target,
        name=target.stem,
        local_rotation=motion.local_rotation[middle],
        root_translation=motion.root_translation[middle],
    )
    write_motion(target, half)
    return target


def direct(real: Real, folder: Path) -> dict[str, float]:
    """The figures of calc_eval_metrics for the arguments of the run in `folder`, less pmlaunch's own agent."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    arguments = [word for word in spec["argv"] if not word.startswith(("++agent._target_=", "++hydra.run.dir="))]
    place = real.runs / "direct"
    (place / "upstream").mkdir(parents=True)
    search = [str(AGENT), *spec["python_path"]]
    variables = {"PYTHONPATH": os.pathsep.join(search), "PMLAUNCH_RUN_DIR": str(place), "PYTHONUTF8": "1"}
    variables["DIRECT_METRICS"] = str(place / "metrics.json")
    command = [real.python, "-c", DIRECT, spec["script"], *arguments, f"++hydra.run.dir='{place}/hydra'"]
    with (place / "log").open("wb") as log:
        done = subprocess.run(
            command, cwd=spec["cwd"], env={**os.environ, **variables}, stdout=log, stderr=log, check=False
        )
    if done.returncode != 0:
        said = (place / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"the direct call ended with {done.returncode}:\n{said}")
    print(f"direct   exit code {done.returncode}")
    return dict(json.loads((place / "metrics.json").read_text(encoding="utf-8")))


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
    if os.environ.get("DISPLAY"):
        problems += recorded(real)
    after = listing(real.checkpoint.parent)
    print(
        f"beside the checkpoint: {len(before)} entries before, {len(after)} after, {'the same' if before == after else 'CHANGED'}"
    )
    return problems if before == after else [*problems, "something was written beside the checkpoint"]


def recorded(real: Real) -> list[str]:
    """A window for 30 steps; returns what it did not leave."""
    record = evaluate(real, "--window", "--record", "--save-motion", "--max-steps", "30")
    left = {path.name: path.stat().st_size for path in Path(record["folder"]).glob("*.*") if path.suffix != ".json"}
    print(f"window   {left}")
    wanted = ("recording*.mp4", "motion.npz", "poses.png")
    return [f"the window left no {name}" for name in wanted if not list(Path(record["folder"]).glob(name))]


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
