"""Several evaluations in one process: each has its files, its steps, its checkpoint and its seed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent_run import AgentRun
from pmlaunch_agent.protomotions3.evaluation import seed_generators
from test_agent_protomotions3 import evaluate

from pmlaunch.generations.v3.checkout import InferenceCheckout, v3_checkout
from pmlaunch.model import UNKNOWN
from standin3 import make_checkout3


@pytest.fixture
def checkout3(tmp_path: Path) -> InferenceCheckout:
    """The stand-in, with a figure that is drawn and one that the checkpoint decides."""
    root = make_checkout3(tmp_path / "three")
    base = root / "protomotions/agents/evaluators/base_evaluator.py"
    text = base.read_text(encoding="utf-8")
    figures = '"eval/draw": __import__("random").random(), "eval/weights": len(self.agent.weights), '
    base.write_text(text.replace('log = {"eval/success_rate"', f'log = {{{figures}"eval/success_rate"'), "utf-8")
    return v3_checkout(root, UNKNOWN)


def further_of(agent: AgentRun, *seeds: int) -> list[dict[str, Any]]:
    """A further evaluation for each seed, with a checkpoint of as many bytes."""
    entries = []
    for seed in seeds:
        folder = agent.folder / f"run{seed}"
        (folder / "checkpoint").mkdir(parents=True)
        checkpoint = folder / "checkpoint" / "last.ckpt"
        checkpoint.write_bytes(bytes(seed))
        entries.append({"run": str(folder), "checkpoint": str(checkpoint), "seed": seed})
    return entries


def read(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text(encoding="utf-8")))


def test_each_evaluation_has_its_own_files(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    agent.spec["further"] = further_of(agent, 7, 5)
    first = evaluate(agent, checkout3, "--full-eval", seed=5, metrics=None)
    assert first == {}, "no metrics were asked for"
    for folder in (agent.folder, agent.folder / "run7", agent.folder / "run5"):
        result = read(folder, "result.json")
        assert (result["status"], result["exit_code"], result["steps"]) == ("finished", 0, 30)
        assert result["run"] == folder.name
        assert result["seconds"]["evaluation_finished"] >= result["seconds"]["evaluation_started"]
        events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        steps = [event["n"] for event in events if event["event"] == "step"]
        assert (steps[0], steps[-1], events[-1]["event"]) == (1, 30, "finished")
    assert (agent.folder / "run7/checkpoint/results").is_dir(), "upstream writes beside the checkpoint"


def test_figures_depend_on_checkpoint_and_seed_only(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    agent.spec["further"] = further_of(agent, 7, 5)
    first = evaluate(agent, checkout3, "--full-eval", seed=5)["metrics"]
    second, third = (read(agent.folder / name, "metrics.json") for name in ("run7", "run5"))
    assert (second["run"], third["run"], third["steps"]) == ("run7", "run5", 30)
    assert (second["metrics"]["eval/weights"], third["metrics"]["eval/weights"]) == (7, 5)
    assert first["eval/draw"] == third["metrics"]["eval/draw"] != second["metrics"]["eval/draw"]
    seeds = [hook for hook in read(agent.folder / "run7", "result.json")["hooks_applied"] if hook["hook"] == "seed"]
    assert seeds == [{"hook": "seed", "seed": 7}]


def test_failure_leaves_earlier_verdicts(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    agent.spec["further"] = further_of(agent, 7, 5)
    (agent.folder / "run7/checkpoint/last.ckpt").unlink()
    evaluate(agent, checkout3, "--full-eval", seed=5)
    assert agent.returncode == 1
    assert read(agent.folder, "result.json")["exception"] is None
    assert read(agent.folder / "run7", "result.json")["exception"]["type"] == "FileNotFoundError"
    assert not (agent.folder / "run5/result.json").exists()


def test_stop_file_of_any_run_stops_all(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    agent.spec["further"] = further_of(agent, 7, 5)
    (agent.folder / "run5/stop").touch()
    env = checkout3.root / "protomotions/envs/base_env/env.py"
    text = env.read_text(encoding="utf-8")
    env.write_text(text.replace("self.steps += 1", "self.steps += 1; __import__('time').sleep(0.1)"), "utf-8")
    agent.spec["limits"] = {"max_seconds": None, "stop_file": str(agent.folder / "stop")}
    evaluate(agent, checkout3, "--full-eval", seed=5)
    assert agent.result["stopped_by"] == "stop_file"
    assert not (agent.folder / "run7/result.json").exists()


def test_generators_of_the_environment_are_seeded() -> None:
    torch = pytest.importorskip("torch", reason="skipped: generators are torch's: pip install pmlaunch[demo]")
    terrain, simulator = SimpleNamespace(spawns=torch.Generator(), size=20), SimpleNamespace(fps=200)
    evaluator = SimpleNamespace(env=SimpleNamespace(terrain=terrain, simulator=simulator, own=torch.Generator()))
    seed_generators(evaluator, 5)
    assert terrain.spawns.initial_seed() == evaluator.env.own.initial_seed() == 5
