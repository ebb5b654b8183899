"""Run folders with a recorded motion, made from the demo's clips, as an evaluation leaves them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pmlaunch.demo import MOTIONS
from pmlaunch.motions.kinematics import about, forward_kinematics, multiply
from pmlaunch.motions.poselib_motion import read_motion
from pmlaunch.motions.recorded_motion import SavedMotion, padded, write_saved

SHARED = next(
    (found for parent in Path(__file__).parents if (found := parent / "shared" / "data" / "real-v3-newton").is_dir()),
    None,
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _BROWSERS if os.path.exists(path := f"/usr/bin/{name}")), None)


def saved_motion(names: Sequence[str], *, falls: Sequence[str] = (), frames: int = 150) -> SavedMotion:
    """Motions that follow the demo's walk within some centimetres; those in `falls` sink and drift away from 1 s on."""
    clip = read_motion(MOTIONS / "smpl_humanoid_walk.npy")
    local, root = (np.resize(part, (frames, *part.shape[1:])) for part in (clip.local_rotation, clip.root_translation))
    reference, turned = forward_kinematics(clip.parents, clip.local_translation, local, root)
    time = np.arange(frames) / 30
    columns, turns = [], []
    for index, name in enumerate(names):
        wobble = 0.02 * np.sin(3 * time[:, None] + np.arange(24) + index)
        drift = np.clip(time - 1, 0, None)[:, None] * np.array([-0.8, 0.1 * index, -0.1]) if name in falls else 0.0
        moved = root + 0.01 * np.sin(3 * time + index)[:, None] + drift
        made = forward_kinematics(clip.parents, clip.local_translation, multiply(local, about("x", wobble)), moved)
        columns.append(list(made[0]))
        turns.append(list(made[1]))
    positions = padded(columns)
    return SavedMotion(
        positions=positions,
        rotations=padded(turns),
        reference=padded([list(reference)] * len(names)),
        fps=30.0,
        body_names=clip.node_names,
        parents=clip.parents,
        motions=tuple(names),
        frames=np.full(len(names), frames),
        reference_rotations=padded([list(turned)] * len(names)),
    )


def metrics_of(saved: SavedMotion, falls: Sequence[str] = ()) -> dict[str, Any]:
    """metrics.json for these motions, in the names of ProtoMotions 2."""
    assert saved.reference is not None
    errors = np.linalg.norm(saved.positions - saved.reference, axis=-1).mean(axis=2)
    entries = [
        {
            "motion": name,
            "success": name not in falls,
            "metrics": {
                "eval/gt_err": float(errors[:, index].mean()),
                "eval/gt_err_max": float(errors[:, index].max()),
                "eval/gr_err_degrees": 2.0 + index,
            },
        }
        for index, name in enumerate(saved.motions)
    ]
    common = {
        "success_rate": 1 - len(falls) / len(entries),
        "mean_position_error_m": float(errors.mean()),
        "mean_rotation_error_deg": 2.3,
        "motions": len(entries),
        "failed": list(falls),
    }
    return {
        "schema": 1,
        "generation": "2",
        "metrics": {"eval/gt_err": float(errors.mean()), "eval/tracking_success_rate": common["success_rate"]},
        "units": {"eval/gt_err": "m", "eval/tracking_success_rate": "share of motions"},
        "common": common,
        "per_motion": entries,
        "comparable": True,
        "notes": [],
        "seconds": {},
    }


def write_run(folder: Path, names: Sequence[str], falls: Sequence[str] = (), **documents: Mapping[str, Any]) -> Path:
    """A run folder; `documents` are merged over record, plan, environment, result and metrics."""
    folder.mkdir(parents=True)
    saved = saved_motion(names, falls=falls)
    write_saved(folder / "motion.npz", saved)
    own: dict[str, dict[str, Any]] = {
        "record": {
            "schema": 1,
            "state": "done",
            "exit_code": 0,
            "started": "2026-07-28T10:15:00+00:00",
            "seconds": 42.0,
        },
        "plan": {"model": "tracker", "robot": "smpl", "simulator": "newton", "motions": [{"name": n} for n in names]},
        "environment": {"pmlaunch": "0.1.0", "system": "Linux"},
        "result": {"versions": {"torch": "2.7.1"}},
        "metrics": metrics_of(saved, falls),
    }
    for name, document in own.items():
        content = json.dumps({**document, **documents.get(name, {})})
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    (folder / "output.log").write_bytes(b"first line\nlast line\n")
    return folder
