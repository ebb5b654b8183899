"""ProtoMotions 3 through pmlaunch, on the stand-in: results in the run folder, none beside the checkpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from standin3 import make_checkout3
from started import Done, Pmlaunch


@pytest.fixture
def checkout3(workspace: Path) -> Path:
    return make_checkout3(workspace / "three")


def evaluate(pmlaunch: Pmlaunch, checkout: Path, *arguments: str) -> Done:
    named = ("--protomotions", checkout, "--python", sys.executable, "--headless", "--json")
    return pmlaunch("eval", "g1_mlp", "-m", "walk", *named, *arguments)


def test_runs_leave_separate_results_and_nothing_beside_the_checkpoint(pmlaunch: Pmlaunch, checkout3: Path) -> None:
    home = checkout3 / "results/g1_mlp"
    before = sorted((path.name, path.stat().st_mtime_ns) for path in home.rglob("*"))
    runs = []
    for _ in range(2):
        done = evaluate(pmlaunch, checkout3)
        assert (done.code, done.codes) == (0, []), done.err
        runs.append(Path(done.record["folder"]))
    assert sorted((path.name, path.stat().st_mtime_ns) for path in home.rglob("*")) == before
    first, second = (run / "checkpoint/results/predicted_motion_lib_epoch_0.pt" for run in runs)
    assert first.read_bytes() == second.read_bytes() == b"motions"
    assert first != second
    record, document = done.record, json.loads((runs[1] / "metrics.json").read_text(encoding="utf-8"))
    assert record["metrics"] == document["metrics"]
    assert record["metrics"]["eval/gt_error/mean"] == 0.4
    assert document["common"]["failed"] == ["second"]


def test_headless_without_metrics_ends_by_itself(pmlaunch: Pmlaunch, checkout3: Path) -> None:
    done = evaluate(pmlaunch, checkout3, "--no-metrics")
    assert done.code == 0, done.err
    assert (done.record["steps"], done.record["metrics"]) == (84, {})


def test_overrides_reach_the_program(pmlaunch: Pmlaunch, checkout3: Path) -> None:
    done = evaluate(
        pmlaunch, checkout3, "--max-steps", "5", "env.max_episode_length=7", "scene_lib.x='a b'", "--no-check", "PML003"
    )
    assert done.code == 0, done.err
    log = (Path(done.record["folder"]) / "output.log").read_text(encoding="utf-8")
    assert "[('agent.evaluator.max_eval_steps', 5), ('env.max_episode_length', 7), ('scene_lib.x', 'a b')]" in log
    assert done.codes.count("PML003") == 1


def test_list_commands_with_generation_3(pmlaunch: Pmlaunch, checkout3: Path) -> None:
    done = pmlaunch("list", "robots", "--protomotions", checkout3, "--json")
    assert [row["name"] for row in done.document["data"]["robots"]] == ["g1", "smpl"]
    done = pmlaunch("list", "models", "--protomotions", checkout3, "--json")
    assert "g1_mlp" in [row["name"] for row in done.document["data"]["models"]]


def test_a_video_of_a_window(pmlaunch: Pmlaunch, checkout3: Path) -> None:
    (checkout3 / "moviepy").mkdir()
    (checkout3 / "moviepy" / "__init__.py").write_text("ImageSequenceClip = 'by a stand-in'\n", encoding="utf-8")
    named = ("--protomotions", checkout3, "--python", sys.executable, "--json")
    window = ("--window", "--record", "--max-steps", "12")
    done = pmlaunch("eval", "g1_mlp", "-m", "walk", *named, *window, DISPLAY=":0")
    assert done.code == 0, done.err
    (video,) = Path(done.record["folder"]).glob("recording*.mp4")
    assert video.read_text(encoding="utf-8") == "a video by a stand-in"
    pictures = video.with_suffix(".pictures").read_text(encoding="utf-8")
    assert pictures == "p" * (10 + 12), "one for each step of the stand-in's two motions"
    assert "PML314" not in done.codes
    if sys.platform != "linux":
        return  # a window needs no variable there
    refused = pmlaunch("eval", "g1_mlp", "-m", "walk", *named, *window, DISPLAY="", WAYLAND_DISPLAY="")
    assert (refused.code, refused.codes[0]) == (4, "PML133")
