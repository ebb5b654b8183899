"""What an evaluation leaves: metrics.json, poses.png and a few printed lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.evaluation import MotionScore, Poses
from pmlaunch.demo.metrics import unit

SCHEMA = 1
RUN_DIR = "PMLAUNCH_RUN_DIR"


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
) -> None:
    """Write both files and print the outcome. `steps` are this rank's."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": SCHEMA,
        "metrics": metrics,
        "motions": [_motion(env, index, entry) for index, entry in enumerate(scores)],
        "steps": steps,
        "ranks": ranks,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "steps_per_second": round(steps / seconds["evaluate"], 2) if steps else 0.0,
        "truncated": not all(entry.completed for entry in scores),
        "units": {name: unit(name) for name in metrics},
    }
    _write_atomically(folder / "metrics.json", json.dumps(document, indent=2) + "\n")
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


def _motion(env: DemoEnv, index: int, entry: MotionScore) -> dict[str, Any]:
    motion = env.motions[index]
    return {
        "name": motion.name,
        "frames": motion.frames,
        "fps": motion.fps,
        "steps": entry.steps,
        "truncated": not entry.completed,
        **entry.metrics,
    }


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _draw(path: Path, env: DemoEnv, scores: list[MotionScore], poses: dict[int, Poses]) -> None:
    from pmlaunch.demo.poses import Row, draw_poses  # matplotlib takes a second to import

    rows = [
        Row(env.motions[index], found.positions, found.reference, env.dt, scores[index].metrics["eval/gt_err"])
        for index, found in sorted(poses.items())
    ]
    if rows:
        draw_poses(path, rows)
