"""Evaluations with metrics on the stand-in: several motions, an agent without metrics, saved motions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from standin import smpl_motion
from started import TRACKER, Pmlaunch

CONFIG = "protomotions/data/pretrained_models/motion_tracker/smpl/config.yaml"


@pytest.fixture
def clips(workspace: Path) -> Path:
    for name in ("走路", "it's a run"):
        smpl_motion(workspace / "my clips" / f"{name}.npy")
    return workspace / "my clips"


def test_several_motions(pmlaunch: Pmlaunch, clips: Path) -> None:
    done = pmlaunch(*TRACKER, "-m", clips)
    record = done.record
    assert done.code == 0, done.err
    assert record["metrics"] == {"eval/gt_err": 0.25, "eval/gr_err_degrees": 0.25, "eval/tracking_success_rate": 1.0}
    assert record["units"]["eval/gr_err_degrees"] == "deg"
    assert record["steps"] == 30, "three motions of one second each, side by side"
    assert record["evaluation"]["common"]["motions"] == 3
    folder = Path(record["folder"])
    document = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert (document["generation"], document["comparable"], document["steps"]) == ("2", True, 30)
    assert document["seconds"]["evaluation"] > 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [(item["done"], item["of"]) for item in events if item["event"] == "motion"] == [(0, 3), (3, 3)]
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert any("sampling weights" in note for note in result["notes"]), "sampling weights of the training are ignored"
    assert "3 of 3 motions, 30 of 30 steps" in done.err
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Tracked 3 of 3 motions. Mean error 25.0 cm" in report
    assert "--no-save-motion" in report, "how to see them move next time"


def test_figures_of_a_motion_do_not_depend_on_the_number_of_environments(pmlaunch: Pmlaunch, clips: Path) -> None:
    alone, together = (pmlaunch(*TRACKER, "-m", clips, *more).record for more in (("--num-envs", "1"), ()))
    assert (alone["steps"], together["steps"]) == (90, 30)
    assert alone["evaluation"]["per_motion"] == together["evaluation"]["per_motion"]


def test_cut_short(pmlaunch: Pmlaunch) -> None:
    done = pmlaunch(*TRACKER, "--max-steps", "7", "--no-report")
    assert (done.code, done.record["steps"]) == (0, 7)
    assert not (Path(done.record["folder"]) / "report.html").exists()
    assert done.record["evaluation"]["comparable"] is False
    assert "PML311" in done.codes


def test_agent_without_metrics(pmlaunch: Pmlaunch, workspace: Path) -> None:
    config = workspace / CONFIG
    text = config.read_text(encoding="utf-8").replace("mimic.agent.Mimic", "ppo.agent.PPO")
    config.write_text(text.replace("[gt_err, gr_err_degrees]", "[]"), encoding="utf-8")
    done = pmlaunch(*TRACKER)
    assert (done.code, done.record["steps"]) == (0, 30)
    assert done.record["metrics"] == {
        "info/episode_reward": 5.0,
        "info/episode_length": 10.0,
        "info/reward": 0.5,
        "info/resets": 3.0,
    }
    assert done.record["units"]["info/episode_length"] == "steps"
    assert "PML014" in done.codes


def test_motion_that_cannot_be_saved_is_a_warning(pmlaunch: Pmlaunch) -> None:
    done = pmlaunch(*TRACKER, "--save-motion")  # the stand-in's simulator has no bodies
    assert (done.code, done.record["state"], done.record["steps"]) == (0, "done", 30)
    (finding,) = [finding for finding in done.record["findings"] if finding["code"] == "PML313"]
    assert "motion.npz" in finding["message"]


def test_without_metrics(pmlaunch: Pmlaunch) -> None:
    done = pmlaunch(*TRACKER, "--no-metrics")
    assert (done.code, done.record["steps"], done.record["metrics"]) == (0, 30, {})
    assert not {"metrics.json", "report.html"} & {path.name for path in Path(done.record["folder"]).iterdir()}


def test_no_recording_without_a_window(pmlaunch: Pmlaunch, workspace: Path) -> None:
    done = pmlaunch(*TRACKER, "--record")
    assert (done.code, done.codes[0]) == (4, "PML119")
    assert not (workspace / "runs").exists(), "reported before the start"
