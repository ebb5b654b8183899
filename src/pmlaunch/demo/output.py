"""What an evaluation leaves: metrics.json, poses.png, motion.npz where it is wanted, and a few printed lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig

from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.evaluation import MotionScore, Poses
from pmlaunch.demo.metrics import COMMON, unit
from pmlaunch.motions.recorded_motion import FILE, SavedMotion, padded, write_saved
from pmlaunch.support.atomic import write_text

SCHEMA = 1
RUN_DIR = "PMLAUNCH_RUN_DIR"
_NOTES = ["the humanoid's balance is helped: demo/root_force_* say how much that took"]
_CUT = "motions were cut short: one that is hardly begun is hardly ever lost, so the success rate is not comparable"


def run_folder() -> Path:
    """Where results go: the folder that pmlaunch names, else Hydra's."""
    named = os.environ.get(RUN_DIR)
    if named:
        return Path(named)
    return Path(HydraConfig.get().runtime.output_dir) if HydraConfig.initialized() else Path.cwd()


def write(
    folder: Path,
    env: DemoEnv,
    scores: list[MotionScore],
    metrics: dict[str, float],
    poses: dict[int, Poses],
    *,
    steps: int,
    ranks: int,
    seconds: dict[str, float],
    keep: bool = False,
    measure: bool = True,
) -> None:
    """Write the files and print the outcome. `steps` are this rank's; `keep` asks for motion.npz.

    Without `measure` there is no metrics.json and no picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if keep and poses:
        write_saved(folder / FILE, _saved(env, poses))
    if not measure:
        print(f"Done: {steps} steps, without metrics.", flush=True)
        return
    per_motion = [_motion(env.motions[index].name, entry) for index, entry in enumerate(scores)]
    whole = all(entry.completed for entry in scores)
    document = {
        "schema": SCHEMA,
        "generation": "demo",
        "metrics": metrics,
        "units": {name: unit(name) for name in metrics},
        "common": {
            **{name: metrics.get(source) for name, source in COMMON.items()},
            "motions": sum(entry.steps > 0 for entry in scores),
            "failed": [entry["motion"] for entry in per_motion if entry["success"] is False],
        },
        "per_motion": per_motion,
        "comparable": whole,
        "notes": _NOTES if whole else [*_NOTES, _CUT],
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "steps": steps,
        "steps_per_second": round(steps / seconds["evaluation"], 2) if steps else 0.0,
        "ranks": ranks,
    }
    write_text(folder / "metrics.json", json.dumps(document, indent=2) + "\n")
    _draw(folder / "poses.png", env, scores, poses)
    print(_summary(steps, metrics), flush=True)


def _summary(steps: int, metrics: dict[str, float]) -> str:
    if not steps:
        return "Done: no steps were asked for."
    return (
        f"Done: {steps} steps, gt_err {metrics['eval/gt_err']:.4f} m, gr_err {metrics['eval/gr_err_degrees']:.2f} deg, "
        f"success {metrics['eval/tracking_success_rate']:.2f}, "
        f"root force {metrics['demo/root_force_mean']:.0f} N on average."
    )


def _motion(name: str, entry: MotionScore) -> dict[str, Any]:
    """One motion's figures by the names that the totals have; `success` is None where no step was taken."""
    figures = dict(entry.metrics)
    success = figures.pop("eval/tracking_success_rate", None)
    return {
        "motion": name,
        "success": None if success is None else success == 1.0,
        "metrics": figures,
        "steps": entry.steps,
        "completed": entry.completed,
    }


def _saved(env: DemoEnv, poses: dict[int, Poses]) -> SavedMotion:
    """The first run through each motion, side by side."""
    shown = sorted(poses)
    first = env.motions[shown[0]]
    return SavedMotion(
        positions=padded([poses[index].positions for index in shown]),
        rotations=padded([poses[index].rotations for index in shown]),
        reference=padded([poses[index].reference for index in shown]),
        fps=1.0 / env.dt,
        body_names=first.node_names,
        parents=first.parents,
        motions=tuple(env.motions[index].name for index in shown),
        frames=np.array([len(poses[index].positions) for index in shown]),
    )


def _draw(path: Path, env: DemoEnv, scores: list[MotionScore], poses: dict[int, Poses]) -> None:
    from pmlaunch.motions.pose_strip import Row, draw_poses  # matplotlib takes a second to import

    rows = []
    for index, found in sorted(poses.items()):
        motion, error = env.motions[index], scores[index].metrics["eval/gt_err"]
        rows.append(
            Row(motion.name, motion.node_names, motion.parents, found.positions, found.reference, env.dt, error)
        )
    if rows:
        draw_poses(path, rows)
