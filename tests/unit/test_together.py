"""Which runs can share a start of the simulator, and what the launcher makes of the evaluations of one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from unit_help import Plan

from pmlaunch.agent.pmlaunch_agent.contract import from_document
from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.values import ConfigReport
from pmlaunch.model import RunState
from pmlaunch.processes.supervise import ChildResult, Ending, Stage
from pmlaunch.running.run_watcher import RunWatcher
from pmlaunch.running.spec import spec_document
from pmlaunch.running.started_run import PreparedRun, StartedRun
from pmlaunch.running.together import run_together, why_not_together


@pytest.fixture(autouse=True)
def _composed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    report = ConfigReport(control_hz=30.0, num_envs=1, agent="protomotions.agents.mimic.agent.Mimic")
    monkeypatch.setattr("pmlaunch.generations.v2.program.config_report", lambda *_: report)


@pytest.mark.parametrize(
    ("options", "overrides", "reason"),
    [
        ({"seed": 7}, (), None),
        ({}, ("seed=7",), None),
        ({"num_envs": 3}, (), "Their number of environments differs."),
        ({"simulator": "genesis"}, (), "Their simulator differs."),
        ({"terrain": "complex"}, (), "Their terrain differs."),
        ({"timeout": 5.0}, (), "Their time limit differs."),
        ({"max_steps": 5}, (), "Their number of control steps differs."),
        ({"constraints": ("vr",)}, (), "Their constraint differs."),
        ({"save_motion": False}, (), "Their choice whether the motion is kept differs."),
        ({}, ("agent.config.width=3",), "Their argument ++agent.config.width=3 differs."),
        ({"metrics": False}, (), "A run that is not measured does not end by itself."),
        ({"record": True}, (), "A video is recorded for one run of the simulator only."),
    ],
)
def test_what_may_differ(plan: Plan, options: dict[str, Any], overrides: tuple[str, ...], reason: str | None) -> None:
    first = plan("tracker", headless=True).plan
    second = plan("tracker", *overrides, headless=True, **options).plan
    assert why_not_together(first, second) == why_not_together(second, first) == reason


@pytest.fixture
def another(checkout: Path) -> Path:
    """Another training of the tracker."""
    own = checkout / "data/pretrained_models/motion_tracker/smpl"
    return Path(shutil.copytree(own, checkout / "results/another"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("seed: 0", "seed: 5\nexperiment_name: another", None),
        ("width:", "depth: 2\n    width:", "Their trainings differ in agent.config.depth."),
        ("eval_num_episodes: 1", "eval_num_episodes: 2", "Their trainings differ in agent.config.eval_num_episodes."),
    ],
)
def test_other_checkpoints_need_the_same_network(
    plan: Plan, another: Path, old: str, new: str, reason: str | None
) -> None:
    config = another / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    first = plan("tracker", headless=True).plan
    second = plan("tracker", headless=True, checkpoint=str(another / "last.ckpt")).plan
    assert second.checkpoint != first.checkpoint
    assert why_not_together(first, second) == reason


def test_checkpoints_of_one_training_of_generation_3(plan: Plan, checkout3: Path) -> None:
    home = checkout3 / "results/g1_mlp"
    shutil.copyfile(home / "last.ckpt", home / "epoch_10.ckpt")
    named = {"protomotions": str(checkout3), "motions": ("walk",), "headless": True, "simulator": "mujoco"}
    first, second = (plan(str(home / name), **named).plan for name in ("last.ckpt", "epoch_10.ckpt"))
    assert why_not_together(first, second) is None
    (home / "resolved_configs_inference.yaml").unlink()
    reason = why_not_together(first, second)
    assert reason is not None
    assert "no readable config" in reason


def test_refusal(plan: Plan) -> None:
    runs = [PreparedRun(plan("tracker", headless=True, num_envs=count).plan) for count in (1, 2)]
    with pytest.raises(PmlaunchError) as caught:
        run_together(runs, RunDisplay(runs[0].plan))
    assert caught.value.code == "PML390"


@pytest.fixture
def three(plan: Plan) -> list[StartedRun]:
    """Three runs that differ in their seed."""
    limits = {"timeout": 3.0, "silence": 3.0}
    plans = [plan("tracker", headless=True, seed=seed, **limits).plan for seed in (4, 5, 6)]
    return [StartedRun.create(PreparedRun(plan)) for plan in plans]


def test_spec_lists_the_further_evaluations(three: list[StartedRun]) -> None:
    first, *others = three
    spec = from_document(spec_document(first.plan, first.folder, [(other.plan, other.folder) for other in others]))
    assert [(entry.run, entry.checkpoint, entry.seed) for entry in spec.further] == [
        (str(other.folder.path), str(other.plan.checkpoint), seed) for other, seed in zip(others, (5, 6), strict=True)
    ]


def leave(run: StartedRun, **changes: Any) -> None:
    """Write what the agent leaves of a measured run of 30 steps."""
    result = {"status": "finished", "exit_code": 0, "steps": 30, "seconds": {"evaluation_finished": 3.0}}
    run.folder.write("result.json", {**result, "run": run.folder.path.name, **changes})
    metrics = {"metrics": {"eval/gt_err": 0.25}, "common": {"motions": 1, "failed": []}, "steps": 30}
    run.folder.write("metrics.json", {**metrics, "run": run.folder.path.name})


def test_runs_are_concluded_as_they_end(three: list[StartedRun]) -> None:
    watcher = RunWatcher(three, RunDisplay(three[0].plan))
    leave(three[0])
    watcher.poll()
    assert (three[0].record.state, watcher.stage()) == (RunState.RUNNING, Stage.CONCLUDED), "it may be the last"
    leave(three[1], status="running")
    watcher.poll()
    assert watcher.stage() is Stage.STARTING, "nothing told that the simulator is ready"
    assert [run.record.state.value for run in three] == ["done", "running", "running"]
    assert json.loads(three[0].folder.file("record.json").read_text(encoding="utf-8"))["metrics"] == {
        "eval/gt_err": 0.25
    }
    leave(three[1], exit_code=1, exception={"type": "ValueError", "message": "no"})
    watcher.poll()
    assert watcher.stage() is Stage.CONCLUDED, "a program that failed and hangs is ended"
    watcher.conclude(ChildResult(1, (), three[0].folder.file("output.log"), seconds=9.0))
    assert [run.record.state.value for run in three] == ["done", "failed", "abnormal"]
    (finding,) = three[2].record.findings
    assert (finding.code, three[2].record.exit_code) == ("PML391", 8)
    assert three[1].folder.path.name in finding.message


@pytest.mark.parametrize(
    ("ending", "state"),
    [(Ending.INTERRUPTED, "interrupted"), (Ending.TIME_LIMIT, "time_limit"), (Ending.SILENT, "silent")],
)
def test_what_stops_one_stops_the_rest(three: list[StartedRun], ending: Ending, state: str) -> None:
    watcher = RunWatcher(three, RunDisplay(three[0].plan))
    leave(three[0])
    leave(three[1], status="running")
    watcher.poll()
    watcher.stopping(ending, None)
    assert three[1].folder.file("stop").exists()
    watcher.conclude(ChildResult(None, (), three[0].folder.file("output.log"), ending, 9.0))
    assert [run.record.state.value for run in three] == ["done", state, state]
    assert three[1].record.exit_code == three[2].record.exit_code


def test_forged_verdict_of_an_earlier_run_is_no_success(three: list[StartedRun]) -> None:
    watcher = RunWatcher(three, RunDisplay(three[0].plan))
    leave(three[0])
    leave(three[1], status="running")
    three[0].folder.write("metrics.json", {"metrics": {}, "run": three[0].folder.path.name})
    watcher.poll()
    assert [finding.code for finding in three[0].record.findings] == ["PML325"]
    assert three[0].record.state is RunState.FAILED
