"""ProtoMotions 3, which evaluates by itself: metrics, progress, motion, and keyword arguments without an option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agent_run import AgentRun

from pmlaunch.agent.pmlaunch_agent.contract import ArgumentPoint
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v3.checkout import InferenceCheckout, v3_checkout
from pmlaunch.model import UNKNOWN, Generation
from standin3 import make_checkout3


@pytest.fixture
def checkout3(tmp_path: Path) -> InferenceCheckout:
    return v3_checkout(make_checkout3(tmp_path / "three"), UNKNOWN)


def evaluate(agent: AgentRun, checkout: InferenceCheckout, *arguments: str, **hooks: Any) -> dict[str, Any]:
    """Run the stand-in's program as the launcher does; returns metrics.json."""
    measures, home = GENERATIONS[Generation.V3].metrics, checkout.root / "results/g1_mlp"
    metrics = {
        "file": str(agent.folder / "metrics.json"),
        "generation": "3",
        "units": dict(measures.units),
        "common": dict(measures.common),
        "factors": dict(measures.factors),
    }
    argv = [f"--checkpoint={home / 'last.ckpt'}", "--simulator=mujoco", f"--motion-file={home / 'config.yaml'}"]
    agent.write(
        "",
        [*argv, "--headless", *arguments],
        script=str(checkout.script),
        cwd=str(checkout.root),
        python_path=[str(checkout.root)],
        hooks={"metrics": metrics, "watch": [point._asdict() for point in checkout.watch], **hooks},
    ).run()
    path = agent.folder / "metrics.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def test_metrics_of_a_full_evaluation(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    document = evaluate(agent, checkout3, "--full-eval")
    assert agent.returncode == 0, agent.stderr
    printed = dict(line.split(": ") for line in agent.stdout.splitlines() if line.startswith("  eval/"))
    assert {f"  {name}": f"{value:.6f}" for name, value in document["metrics"].items()} == {
        name: value for name, value in printed.items() if value != "nan"
    }
    assert document["common"] == {
        "success_rate": 0.5,
        "mean_position_error_m": 0.4,
        "mean_rotation_error_deg": pytest.approx(5.729578),
        "motions": 2,
        "failed": ["second"],
    }
    assert document["units"]["eval/gt_error/max"] == "m"
    assert document["units"]["eval/gr_error/mean"] == "rad"
    first, second = document["per_motion"]
    assert (first["motion"], first["success"], second["success"]) == ("first", True, False)
    assert second["metrics"]["eval/gt_error/mean"] == pytest.approx(0.7)
    assert second["metrics"]["eval/gt_error/max"] == 0.9
    assert set(second["metrics"]) <= set(document["units"])
    assert (document["comparable"], document["steps"], document["generation"]) == (True, 30, "3")
    assert document["definition"] == {"figure": "eval/gt_error/max", "limit": 0.5, "max_steps": None}
    assert document["notes"] == ["not a finite number, so left out: eval/normalized_jerk_mean"]


def test_metrics_that_cannot_be_written_leave_no_draft(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    (agent.folder / "folder.json").mkdir(parents=True)
    document = evaluate(agent, checkout3, "--full-eval", metrics={"file": str(agent.folder / "folder.json")})
    assert (agent.returncode, document) == (0, {})
    assert any("could not be written" in note for note in agent.result["notes"])
    assert not list(agent.folder.glob("*.tmp"))


def test_motions_cut_short_by_the_checkpoint_are_comparable(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    limit = ["--full-eval", "--overrides", "agent.evaluator.max_eval_steps=15"]
    document = evaluate(agent, checkout3, *limit)
    assert document["comparable"] is True  # the checkpoint's own limit is upstream's way to measure
    assert document["definition"]["max_steps"] == 15
    assert document["notes"][0].startswith("1 of 2 motions were cut short after 15 steps by the checkpoint's own")


def test_motions_cut_short_by_the_user_are_not_comparable(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    original = GENERATIONS[Generation.V3].metrics
    metrics = {"file": str(agent.folder / "metrics.json"), "max_steps": 15, "common": dict(original.common)}
    limit = ["--full-eval", "--overrides", "agent.evaluator.max_eval_steps=15"]
    document = evaluate(agent, checkout3, *limit, metrics=metrics)
    assert document["comparable"] is False
    assert "--max-steps" in document["notes"][0]


def test_success_rate_needs_a_threshold(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    evaluator = checkout3.root / "protomotions/agents/evaluators/base_evaluator.py"
    evaluator.write_text(evaluator.read_text(encoding="utf-8").replace("threshold=0.5", ""), encoding="utf-8")
    document = evaluate(agent, checkout3, "--full-eval")
    assert (document["common"]["success_rate"], document["common"]["failed"]) == (None, [])
    assert document["comparable"] is False
    assert document["definition"] == {"figure": None, "limit": None, "max_steps": None}
    assert "threshold" in document["notes"][-1] + document["notes"][0]


def test_motions_that_were_never_measured_count_nowhere(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    evaluator = checkout3.root / "protomotions/agents/evaluators/base_evaluator.py"
    text = evaluator.read_text(encoding="utf-8").replace("Numbers([True, True])", "Numbers([False, False])")
    evaluator.write_text(text.replace("Numbers([10, 20])", "Numbers([0, 0])"), encoding="utf-8")
    document = evaluate(agent, checkout3, "--full-eval")
    assert (document["common"]["success_rate"], document["common"]["motions"], document["common"]["failed"]) == (
        None,
        0,
        [],
    )
    assert not [name for name in document["metrics"] if name.endswith("_rate")]
    assert "2 of 2 motions were too short to be measured." in document["notes"]


RANDOM = """
import random
before = random.random()
import numpy
print(before, numpy.random.rand())
"""


def test_seed_of_a_script_that_sets_none(agent: AgentRun) -> None:
    pytest.importorskip("numpy")
    numbers = []
    for seed in (5, 5, 6):
        agent.write(RANDOM, hooks={"seed": seed}).run()
        assert agent.returncode == 0, agent.stderr
        numbers.append(agent.stdout)
        assert {"hook": "seed", "seed": seed} in agent.result["hooks_applied"]
    assert numbers[0] == numbers[1] != numbers[2]


def test_motions_are_counted_when_their_batch_ends(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    evaluate(agent, checkout3, "--full-eval")
    reported = [event for event in agent.events if event["event"] in ("motion", "evaluation_finished")]
    assert [(event.get("done"), event.get("of"), event.get("steps")) for event in reported] == [
        (0, 2, 30),
        (1, 2, 30),
        (2, 2, 30),
        (None, None, None),
    ]
    steps = [event["n"] for event in agent.events if event["event"] == "step"]
    assert {10, 30} <= set(steps), "the last step of a batch is reported before its motion"


def test_evaluator_without_batches_counts_no_motions(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    evaluator = checkout3.root / "protomotions/agents/evaluators/mimic_evaluator.py"
    text = evaluator.read_text(encoding="utf-8").replace("_build_eval_batches", "_batches")
    evaluator.write_text(text, encoding="utf-8")
    base = evaluator.with_name("base_evaluator.py")
    base.write_text(base.read_text(encoding="utf-8").replace("_build_eval_batches", "_batches"), encoding="utf-8")
    assert evaluate(agent, checkout3, "--full-eval")["steps"] == 30
    assert not [event for event in agent.events if event["event"] == "motion"]
    assert any(note.startswith("batches is not watched") for note in agent.result["notes"])


def test_bodies_that_cannot_be_read_do_not_end_the_run(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    document = evaluate(agent, checkout3, "--full-eval", save_motion={"file": str(agent.folder / "motion.npz")})
    assert (agent.returncode, document["steps"]) == (0, 30)
    assert any(note.startswith("motion.npz ends early: AttributeError") for note in agent.result["notes"])


def test_evaluator_without_motion_figures_still_gives_the_summary(
    agent: AgentRun, checkout3: InferenceCheckout
) -> None:
    evaluator = checkout3.root / "protomotions/agents/evaluators/base_evaluator.py"
    text = evaluator.read_text(encoding="utf-8").replace("_component_step_count", "_counts")
    evaluator.write_text(text, encoding="utf-8")
    document = evaluate(agent, checkout3, "--full-eval")
    assert document["metrics"]["eval/success_rate"] == 0.5
    assert document["per_motion"] == []
    assert agent.result["notes"][0].startswith("no metrics for each motion: AttributeError")


def test_endless_evaluation_is_ended_by_the_agent(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    document = evaluate(agent, checkout3, max_steps=25, metrics=None)
    assert (agent.returncode, agent.result["steps"], agent.result["stopped_by"]) == (0, 25, "max_steps")
    assert document == {}


def test_keyword_arguments_override_the_scripts(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    point = ArgumentPoint("protomotions.utils.fabric_config", "FabricConfig.__init__", {"devices": 2})
    evaluate(agent, checkout3, "--full-eval", arguments=[point._asdict()])
    assert "fabric [('accelerator', 'cpu'), ('devices', 2)]" in agent.stdout
    (applied,) = [hook for hook in agent.result["hooks_applied"] if hook["hook"] == "arguments"]
    assert applied["values"] == {"devices": 2}


def test_rank_1_writes_no_metrics(agent: AgentRun, checkout3: InferenceCheckout) -> None:
    agent.environ["LOCAL_RANK"] = "1"
    assert evaluate(agent, checkout3, "--full-eval") == {}
    assert json.loads((agent.folder / "result.rank1.json").read_text(encoding="utf-8"))["exit_code"] == 0
