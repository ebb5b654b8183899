"""Writes the results of an evaluation: metrics.json, poses.png and, on request, motion.npz."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig

from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.scores import COMMON, FAILED_ABOVE, MotionScore, Poses, unit
from pmlaunch.motions.recorded_motion import FILE, SavedMotion, padded, write_saved
from pmlaunch.support.atomic import write_text
from pmlaunch.support.json import dumps

SCHEMA = 1
RUN_DIR = "PMLAUNCH_RUN_DIR"
_NOTES = ["a root force assists the humanoid's balance; demo/root_force_* report its size"]
_CUT = (
    "motions were cut short, so the success rate is not comparable: a policy rarely loses a motion in its first steps"
)


def run_folder() -> Path:
    """Return the folder for results, made if need be: the one that pmlaunch names, else Hydra's."""
    named = os.environ.get(RUN_DIR)
    if not named and HydraConfig.initialized():
        named = HydraConfig.get().runtime.output_dir
    folder = Path(named) if named else Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of an evaluation."""

    scores: Sequence[MotionScore]  # of each motion, over all ranks
    metrics: Mapping[str, float]  # of the evaluation, by their flat names
    poses: Mapping[int, Poses]  # what this rank's humanoids did, by motion
    steps: int  # control steps that this rank took
    limit: int | None  # control steps after which it was told to stop a motion
    ranks: int  # number of processes
    seconds: Mapping[str, float]  # s of the phases "start", "load" and "evaluation"


def write_motion(env: DemoEnv, outcome: Outcome) -> None:
    """Write motion.npz, the first run through each motion as a column, if this rank took any step."""
    if not outcome.poses:
        return
    motions, poses = zip(*((env.motions[index], found) for index, found in sorted(outcome.poses.items())), strict=True)
    saved = SavedMotion(
        positions=padded([found.positions for found in poses]),
        rotations=padded([found.rotations for found in poses]),
        reference=padded([found.reference for found in poses]),
        fps=1.0 / env.dt,
        body_names=motions[0].node_names,
        parents=motions[0].parents,
        motions=tuple(motion.name for motion in motions),
        frames=np.array([len(found.positions) for found in poses]),
        reference_rotations=padded([found.reference_rotations for found in poses]),
    )
    write_saved(run_folder() / FILE, saved)


def write_metrics(env: DemoEnv, outcome: Outcome) -> None:
    """Write metrics.json and poses.png, and print a summary."""
    folder, metrics, scores = run_folder(), outcome.metrics, outcome.scores
    per_motion = [_motion(motion.name, entry) for motion, entry in zip(env.motions, scores, strict=True)]
    whole = all(entry.completed for entry in scores)
    document = {
        "schema": SCHEMA,
        "run": folder.resolve().name,
        "generation": "demo",
        "metrics": dict(metrics),
        "units": {name: unit(name) for name in metrics},
        "common": {
            **{name: metrics.get(source) for name, source in COMMON.items()},
            "motions": sum(entry.steps > 0 for entry in scores),
            "failed": [entry["motion"] for entry in per_motion if entry["success"] is False],
        },
        "per_motion": per_motion,
        "definition": {
            "figure": "eval/gt_err_max",
            "limit": FAILED_ABOVE,
            "max_steps": None if whole else outcome.limit,
        },
        "comparable": whole,
        "notes": _NOTES if whole else [*_NOTES, _CUT],
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
        "steps": outcome.steps,
        "steps_per_second": round(outcome.steps / outcome.seconds["evaluation"], 2) if outcome.steps else 0.0,
        "ranks": outcome.ranks,
    }
    write_text(folder / "metrics.json", dumps(document, indent=2) + "\n")
    _draw(folder / "poses.png", env, outcome)
    if not outcome.steps:
        print("Done: no steps were requested.", flush=True)
        return
    print(
        f"Done: {outcome.steps} steps, gt_err {metrics['eval/gt_err']:.4f} m, "
        f"gr_err {metrics['eval/gr_err_degrees']:.2f} deg, success {metrics['eval/tracking_success_rate']:.2f}, "
        f"root force {metrics['demo/root_force_mean']:.0f} N on average.",
        flush=True,
    )


def _motion(name: str, entry: MotionScore) -> dict[str, Any]:
    """One motion's figures, named as in the totals; `success` is None if no step was taken."""
    figures = dict(entry.metrics)
    success = figures.pop("eval/tracking_success_rate", None)
    return {
        "motion": name,
        "success": None if success is None else success == 1.0,
        "metrics": figures,
        "steps": entry.steps,
        "completed": entry.completed,
    }


def _draw(path: Path, env: DemoEnv, outcome: Outcome) -> None:
    from pmlaunch.motions.pose_strip import Row, draw_poses  # matplotlib takes a second to import

    rows = []
    for index, found in sorted(outcome.poses.items()):
        motion, error = env.motions[index], outcome.scores[index].metrics["eval/gt_err"]
        bodies = motion.node_names, motion.parents
        rows.append(Row(motion.name, *bodies, found.positions, found.reference, env.dt, error))
    if rows:
        draw_poses(path, rows)
