"""The program as a process, with the command line that pmlaunch gives it."""

# ruff: noqa: E402
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

for _package in ("torch", "mujoco", "lightning", "hydra", "matplotlib"):
    pytest.importorskip(_package, reason=f"skipped: the demo needs {_package}: pip install pmlaunch[demo]")

from pmlaunch.demo import CHECKPOINT, EVAL_AGENT, MOTIONS
from pmlaunch.motions.recorded_motion import read_saved

pytestmark = pytest.mark.slow
OWN = ("smpl_humanoid_squat", "smpl_humanoid_walk", "smpl_humanoid_wave")
WALK = MOTIONS / "smpl_humanoid_walk.npy"


def run(folder: Path, motion_file: Path, *overrides: str, drawn: bool = True, measured: bool = True) -> Any:
    """Run the script and return its metrics.json; None if nothing is measured."""
    done = subprocess.run(
        [
            sys.executable,
            str(EVAL_AGENT),
            "+robot=smpl",
            "+simulator=mujoco",
            "+terrain=flat",
            f"++checkpoint='{CHECKPOINT.as_posix()}'",
            f"++motion_file='{motion_file.as_posix()}'",
            "++fabric.accelerator=cpu",
            "++fabric.strategy.process_group_backend=gloo",
            f"++hydra.run.dir='{(folder / 'hydra').as_posix()}'",
            *overrides,
        ],
        env=os.environ | {"PMLAUNCH_RUN_DIR": str(folder), "PYTHONPATH": str(EVAL_AGENT.parents[2])},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "assists the humanoid's balance" in done.stdout
    if not measured:
        return None
    assert not drawn or (folder / "poses.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def all_three(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("run")
    (folder / "all.yaml").write_text(
        yaml.safe_dump({"motions": [{"file": str(MOTIONS / f"{name}.npy")} for name in OWN]})
    )
    return run(folder, folder / "all.yaml", "++num_envs=2")


@pytest.mark.parametrize("index", range(3), ids=OWN)
def test_shipped_motions_are_tracked(all_three: Any, index: int) -> None:
    motion = all_three["per_motion"][index]
    assert motion["motion"] == OWN[index]
    assert motion["metrics"]["eval/gt_err"] < 0.05
    assert motion["metrics"]["eval/gr_err_degrees"] < 6.0
    assert motion["success"] is True
    assert (motion["steps"], motion["completed"]) == (150, True)
    assert 0.0 < motion["metrics"]["demo/root_force_mean"] < 150.0


def test_figures_of_the_whole_document(all_three: Any) -> None:
    metrics = all_three["metrics"]
    assert all_three["schema"] == 1
    assert all_three["steps"] == 300, "two motions side by side, then the third"
    assert (all_three["generation"], all_three["comparable"]) == ("demo", True)
    assert all_three["definition"] == {"figure": "eval/gt_err_max", "limit": 0.5, "max_steps": None}
    assert all_three["common"] == {
        "success_rate": 1.0,
        "mean_position_error_m": metrics["eval/gt_err"],
        "mean_rotation_error_deg": metrics["eval/gr_err_degrees"],
        "motions": 3,
        "failed": [],
    }
    mean = sum(motion["metrics"]["eval/gt_err"] for motion in all_three["per_motion"]) / 3
    assert metrics["eval/gt_err"] == pytest.approx(mean)
    for name in ("gt_err", "gr_err", "gr_err_degrees", "cartesian_err"):
        assert metrics[f"eval/{name}_min"] <= metrics[f"eval/{name}"] <= metrics[f"eval/{name}_max"]
    assert all_three["units"].keys() == metrics.keys()
    assert all_three["per_motion"][0]["metrics"].keys() == metrics.keys() - {
        "eval/tracking_success_rate", "demo/body_weight"}, "the same names and units"  # fmt: skip
    assert all_three["seconds"].keys() == {"start", "load", "evaluation"}
    assert all_three["seconds"]["start"] > all_three["seconds"]["load"]
    assert all_three["steps_per_second"] > 0


def test_single_motion_runs_exactly_the_given_steps(tmp_path: Path) -> None:
    folder = tmp_path / "über den Hügel"  # a folder name that is not ASCII
    folder.mkdir()
    document = run(folder, WALK, "++agent.config.max_eval_steps=200")
    assert document["steps"] == document["per_motion"][0]["steps"] == 200, "150 steps, then 50 from the start again"
    assert document["comparable"] is True


def three(folder: Path) -> Path:
    listing = folder / "all.yaml"
    listing.write_text(yaml.safe_dump({"motions": [{"file": str(MOTIONS / f"{name}.npy")} for name in OWN]}))
    return listing


def test_limit_applies_to_each_motion(tmp_path: Path) -> None:
    """As in ProtoMotions 2 and 3: the second batch gets its 20 steps as well."""
    document = run(tmp_path, three(tmp_path), "++num_envs=2", "++agent.config.max_eval_steps=20")
    assert [entry["steps"] for entry in document["per_motion"]] == [20, 20, 20]
    assert (document["steps"], document["common"]["motions"], document["comparable"]) == (40, 3, False)
    assert document["definition"]["max_steps"] == 20


def test_motions_without_steps_are_not_counted(tmp_path: Path) -> None:
    document = run(tmp_path, three(tmp_path), "++agent.config.max_eval_steps=0", drawn=False)
    assert (document["steps"], document["common"]["motions"]) == (0, 0)
    assert document["common"]["success_rate"] is None


def test_without_metrics_no_files_are_written(tmp_path: Path) -> None:
    run(tmp_path, WALK, "++agent.config.max_eval_steps=2", "++agent.config.metrics=false", measured=False)
    assert not list(tmp_path.glob("*.json"))
    assert not list(tmp_path.glob("*.png"))


def test_cut_short_on_two_ranks(tmp_path: Path) -> None:
    """Lightning starts the second rank by itself: `python eval_agent.py ...` with a rank in its environment."""
    document = run(tmp_path, WALK, "++ngpu=2", "++agent.config.max_eval_steps=20")
    assert document["ranks"] == 2
    assert document["steps"] == 20
    assert document["per_motion"][0]["steps"] == 40, "both ranks evaluate the one motion, from different starts"
    assert document["comparable"] is False
    assert "not comparable" in document["notes"][-1]


def test_saved_motion(tmp_path: Path) -> None:
    """Two motions in turn in one environment: a column for each, as long as the motion."""
    listing = tmp_path / "two.yaml"
    pieces = [{"timings": {"start": 0.0, "end": 1.0}}, {"timings": {"start": 0.0, "end": 0.5}}]
    listing.write_text(yaml.safe_dump({"motions": [{"file": str(WALK), "sub_motions": pieces}]}))
    document = run(tmp_path, listing, "++agent.config.save_motion=true")
    saved = read_saved(tmp_path / "motion.npz")
    assert saved.motions == ("smpl_humanoid_walk", "smpl_humanoid_walk (2)")
    assert list(saved.frames) == [entry["steps"] for entry in document["per_motion"]] == [29, 14]
    assert saved.positions.shape == (29, 2, 24, 3)
    assert saved.rotations.shape == (29, 2, 24, 4)
    assert np.isnan(saved.positions[14:, 1]).all()
    assert np.isfinite(saved.positions[:14]).all()
    np.testing.assert_allclose(np.linalg.norm(saved.rotations[:14], axis=-1), 1.0, atol=1e-5)
    assert saved.reference is not None
    error = np.linalg.norm(saved.positions[:, 0] - saved.reference[:, 0], axis=-1).mean()
    assert error == pytest.approx(document["per_motion"][0]["metrics"]["eval/gt_err"], rel=1e-3)
    assert saved.fps == pytest.approx(30.0)
    assert (saved.body_names[0], saved.parents[0]) == ("Pelvis", -1)


def test_upstreams_walk_is_tracked_without_training(tmp_path: Path, upstream: Path) -> None:
    """A motion with other proportions that was not in the training."""
    document = run(tmp_path, upstream / "data" / "motions" / "smpl_humanoid_walk.npy")
    assert document["metrics"]["eval/gt_err"] < 0.10
    assert document["metrics"]["eval/tracking_success_rate"] == 1.0
