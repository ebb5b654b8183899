"""Several runs in one start of the simulator: what each leaves, and what is left if the process ends early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import RunRecord, RunState
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.run import run_plan
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.started_run import PreparedRun
from pmlaunch.running.together import run_together
from pmlaunch.runs.comparison import compare_runs
from pmlaunch.runs.details import load
from pmlaunch.settings import Settings
from started import survivors, wait_for

AGENT = "protomotions/protomotions/agents/ppo/agent.py"
Prepare = Callable[..., PreparedRun]


@pytest.fixture
def prepare(workspace: Path) -> Prepare:
    """A run of the stand-in, whose motion takes 30 steps."""

    def make(seed: int, *overrides: str, **options: Any) -> PreparedRun:
        given = {"motions": ("walk",), "headless": True, "simulator": "genesis", "via": "python", **options}
        request = EvalRequest("motion_tracker", seed=seed, overrides=overrides, python=sys.executable, **given)
        return PreparedRun(make_plan(request, Settings(workspace, dict(os.environ))).plan)

    return make


def misbehave_in_the_second(workspace: Path) -> None:
    """Let the stand-in's `++standin` take effect in the second evaluation."""
    agent = workspace / AGENT
    agent.write_text(agent.read_text("utf-8").replace("self.steps == 3", "self.steps == 33"), "utf-8")


class Told(RunDisplay):
    """Keeps the run folders of the evaluations that began, and may act when one does."""

    def __init__(self, run: PreparedRun, act: Callable[[int], None] = lambda _: None) -> None:
        super().__init__(run.plan)
        self.folders: list[Path] = []
        self.names: list[str] = []
        self._act = act

    def started(self, folder: RunFolder, pid: int) -> None:
        self.folders.append(folder.path)
        self._act(len(self.folders))

    def event(self, event: Mapping[str, Any]) -> None:
        self.names.append(str(event["event"]))


def states(records: list[RunRecord]) -> list[tuple[str, list[str]]]:
    return [(record.state.value, [finding.code for finding in record.findings]) for record in records]


def test_each_run_is_as_if_alone(prepare: Prepare, workspace: Path) -> None:
    runs = [prepare(seed) for seed in (0, 1, 2)]
    told = Told(runs[0])
    records = run_together(runs, told)
    alone = run_plan(runs[1].plan, (), RunDisplay(runs[1].plan))
    assert told.folders == [record.folder for record in records]
    assert told.names.count("started") == 1
    assert told.names.count("evaluation_finished") == told.names.count("finished") == 3
    for record in records:
        assert (record.state, record.exit_code, record.steps) == (RunState.DONE, 0, 30)
        assert (record.metrics, record.units) == (alone.metrics, alone.units)
        assert json.loads((record.folder / "record.json").read_text("utf-8"))["state"] == "done"
        files = {path.name for path in record.folder.iterdir()}
        assert files >= {path.name for path in alone.folder.iterdir()} - {"hydra", "upstream"}
        assert (record.folder / "output.log").read_bytes() == (records[0].folder / "output.log").read_bytes()
    assert [json.loads((it.folder / "plan.json").read_text("utf-8"))["measuring"]["seed"] for it in records] == [
        0,
        1,
        2,
    ]
    compared = compare_runs([load(records[1].folder), load(alone.folder)])
    assert (len(compared.figures), compared.lost) == (3, {})
    assert records[2].stages["evaluation_started"] > records[1].stages["evaluation_started"]
    assert sum(record.seconds or 0.0 for record in records[1:]) < (alone.seconds or 0.0)
    assert survivors(workspace) == []


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("raise", [("done", []), ("failed", ["PML301"]), ("abnormal", ["PML391"])]),
        ("vanish", [("done", []), ("abnormal", ["PML330"]), ("abnormal", ["PML391"])]),
    ],
)
def test_process_that_ends_early(
    prepare: Prepare, workspace: Path, mode: str, expected: list[tuple[str, list[str]]]
) -> None:
    misbehave_in_the_second(workspace)
    runs = [prepare(seed, f"++standin={mode}") for seed in (0, 1, 2)]
    records = run_together(runs, RunDisplay(runs[0].plan))
    assert states(records) == expected
    assert [record.exit_code for record in records][2] == 8
    assert not list((workspace / "runs").glob("*/*.reserve"))


def test_interrupt_keeps_what_is_finished(prepare: Prepare, workspace: Path) -> None:
    runs = [prepare(seed, "++pause=0.05") for seed in (0, 1, 2)]
    told = Told(runs[0], lambda number: os.kill(os.getpid(), signal.SIGINT) if number == 2 else None)
    records = run_together(runs, told)
    assert states(records) == [("done", []), ("interrupted", ["PML340"]), ("interrupted", ["PML391"])]
    assert survivors(workspace) == []


def test_time_limit_is_that_of_each_run(prepare: Prepare, workspace: Path) -> None:
    misbehave_in_the_second(workspace)
    runs = [prepare(seed, "++standin=sleep", timeout=2.5) for seed in (0, 1)]
    begun = time.monotonic()
    records = run_together(runs, RunDisplay(runs[0].plan))
    assert states(records) == [("done", []), ("time_limit", ["PML320"])]
    assert time.monotonic() - begun > 5.0


LAUNCH = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from pmlaunch.cli.live.run_display import RunDisplay
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.running.started_run import PreparedRun
from pmlaunch.running.together import run_together
from pmlaunch.settings import Settings
class Told(RunDisplay):
    def started(self, folder, pid):
        print(folder.path, flush=True)
given = dict(motions=("walk",), headless=True, simulator="genesis", via="python", python=sys.executable)
plans = [
    make_plan(EvalRequest("motion_tracker", seed=seed, overrides=("++pause=0.05",), **given), Settings.here()).plan
    for seed in (0, 1, 2)
]
run_together([PreparedRun(plan) for plan in plans], Told(plans[0]))
"""


@pytest.mark.skipif(os.name == "nt", reason="tests/windows kills launchers there")
def test_killed_launcher_leaves_no_run_in_progress(workspace: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LAUNCH, "."], cwd=workspace, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        folders = [process.stdout.readline(), process.stdout.readline()]
        assert all(folders)
        process.kill()

    def found() -> list[str]:
        return sorted(
            json.loads(path.read_text("utf-8"))["state"] for path in (workspace / "runs").glob("*/record.json")
        )

    wait_for(lambda: found() == ["abnormal", "abnormal", "done"], "the records", 10.0)
    assert survivors(workspace) == []


def test_runs_that_differ_are_refused(prepare: Prepare, workspace: Path) -> None:
    with pytest.raises(PmlaunchError, match="number of environments") as caught:
        run_together([prepare(0), prepare(1, num_envs=2)], RunDisplay(prepare(0).plan))
    assert caught.value.code == "PML390"
    assert not (workspace / "runs").exists()


@pytest.mark.slow
def test_the_demo_bit_for_bit(tmp_path: Path) -> None:
    for package in ("torch", "mujoco", "lightning", "hydra"):
        pytest.importorskip(package, reason=f"skipped: the demo needs {package}: pip install pmlaunch[demo]")
    import torch

    from pmlaunch.demo import CHECKPOINT

    content = torch.load(CHECKPOINT, weights_only=True)
    content["model"]["linear.bias"] += 0.01
    other = tmp_path / "last.ckpt"
    torch.save(content, other)
    (tmp_path / "config.yaml").write_bytes((CHECKPOINT.parent / "config.yaml").read_bytes())

    def prepared(checkpoint: Path, seed: int) -> PreparedRun:
        request = EvalRequest("demo", ("walk", "wave"), str(checkpoint), seed=seed, max_steps=10)
        return PreparedRun(make_plan(request, Settings(tmp_path, dict(os.environ))).plan)

    runs = [prepared(checkpoint, seed) for checkpoint in (CHECKPOINT, other) for seed in (0, 3)]
    together = run_together(runs, RunDisplay(runs[0].plan))
    for run, record in zip(runs[1:], together[1:], strict=True):
        alone = run_plan(run.plan, (), RunDisplay(run.plan))
        assert record.state is RunState.DONE
        assert (record.metrics, record.steps) == (alone.metrics, alone.steps)
        assert record.evaluation["per_motion"] == alone.evaluation["per_motion"]
        arrays, expected = np.load(record.folder / "motion.npz"), np.load(alone.folder / "motion.npz")
        assert all(np.array_equal(arrays[name], expected[name]) for name in expected.files)
    assert len({record.metrics["eval/gt_err"] for record in together}) == 4
