"""Run folders with the files that an evaluation of the demo leaves, as far as `pmlaunch runs` reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def make_run(
    runs: Path, name: str, *, model: str = "demo", errors: Mapping[str, float] | None = None, **more: Any
) -> Path:
    """A finished run in `runs`; `errors` are the mean errors of its motions in m, `more` entries of its record."""
    errors = {"walk": 0.01} if errors is None else errors
    folder = runs / name
    folder.mkdir(parents=True)
    mean = sum(errors.values()) / len(errors) if errors else 0.0
    record = {
        "schema": 1,
        "folder": str(folder),
        "state": "done",
        "exit_code": 0,
        "started": "2026-11-20T10:00:00+00:00",
        "seconds": 20.5,
        "metrics": {"eval/gt_err": mean, "eval/tracking_success_rate": 1.0},
        "units": {"eval/gt_err": "m"},
        "evaluation": {
            "common": {"success_rate": 1.0, "mean_position_error_m": mean, "motions": len(errors)},
            "per_motion": [
                {"motion": motion, "success": error < 0.5, "metrics": {"eval/gt_err": error}}
                for motion, error in errors.items()
            ],
            "comparable": True,
            "notes": [],
        },
        "findings": [],
    }
    provenance = {"seed": {"value": 1, "source": "flag"}, "num_envs": {"value": 1, "source": "default"}}
    plan = {"model": model, "motions": [{"name": motion} for motion in errors], "provenance": provenance}
    write(folder, "record.json", {**record, **more})
    write(folder, "plan.json", plan)
    write(folder, "environment.json", {"pmlaunch": "0.1.0", "checkout_commit": "abc123"})
    (folder / "output.log").write_bytes(b"first line\nlast line\n")
    return folder


def write(folder: Path, name: str, document: object) -> None:
    """Write a JSON document."""
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
