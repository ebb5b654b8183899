"""Sweep folders as `pmlaunch sweep` leaves them, made from recorded runs: two trackers, conditions, seeds and motions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.json import dumps
from pmlaunch.sweeping.journal import RESULTS, RUNS
from pmlaunch.sweeping.manifest import write_manifest
from pmlaunch.sweeping.model import CellResult, Evaluation, Job, Suite, SweepPlan
from recorded_runs import metrics_of, saved_motion, write_run

MOTIONS = ("walk", "turn", "fall", "kick", "sit")
DEFINITION: Mapping[str, object] = {"figure": "eval/gt_err_max", "limit": 0.5}


def make_sweep(
    folder: Path,
    axes: Mapping[str, Sequence[str]],
    *,
    motions: Sequence[str] = MOTIONS,
    with_runs: bool = True,
    limits: Mapping[str, float] | None = None,
    suite: Suite | None = None,
) -> Path:
    """A finished sweep over `axes`. Some evaluations lose their last motions; number 3 failed.

    `limits` are the limits of success of some models; `suite` has the published values.
    """
    evaluations, results = [], []
    made: dict[tuple[str, ...], Path] = {}
    for number, values in enumerate(product(*axes.values())):
        labels = dict(zip(axes, values, strict=True))
        each = Evaluation(f"{number:012x}", EvalRequest(labels.get("model", "m")), labels, tuple(motions))
        evaluations.append(each)
        run, falls = f"run-{number}", tuple(motions[len(motions) - 5 * number // 7 % 4 :])
        if number == 3:
            results += [CellResult(each.id, motion, run, "failed", None, {}, {}, "PML301") for motion in motions]
            continue
        if with_runs and falls in made:
            shutil.copytree(made[falls], folder / RUNS / run)
        elif with_runs:
            made[falls] = write_run(folder / RUNS / run, motions, falls)
        definition = {**DEFINITION, "limit": (limits or {}).get(labels.get("model", ""), 0.5)}
        for entry in metrics_of(saved_motion(motions, falls=falls, frames=60), falls)["per_motion"]:
            figures = {name: value * (1 + number / 20) for name, value in entry["metrics"].items()}
            results.append(CellResult(each.id, entry["motion"], run, "done", entry["success"], figures, definition))
    folder.mkdir(parents=True, exist_ok=True)
    plan = SweepPlan(folder, (Job("0" * 12, tuple(evaluations)),), suite or Suite())
    write_manifest(plan, Settings(folder))
    (folder / RESULTS).write_text("".join(f"{dumps(result)}\n" for result in results), encoding="utf-8")
    return folder
