"""The subclass that measures, on a stand-in for upstream's agents."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip(
    "torch", reason="skipped: the figures of single motions are tensors: pip install pmlaunch[demo]"
)

from pmlaunch_agent import protomotions2  # noqa: E402
from pmlaunch_agent.contract import (  # noqa: E402
    AGENT_TARGET,
    RUN_VARIABLE,
    FurtherEvaluation,
    Hooks,
    MetricsRequest,
    RunLimits,
    Spec,
)
from pmlaunch_agent.hooks.evaluations import Evaluations  # noqa: E402
from pmlaunch_agent.hooks.watch import StepMeter  # noqa: E402
from pmlaunch_agent.protomotions2.figures import RankTables  # noqa: E402
from reported import Events, new_journal  # noqa: E402
from upstream2 import Config, Env, Fabric, Mimic  # noqa: E402

REQUEST = MetricsRequest(
    file="",
    generation="2",
    units={"gt_err": "m"},
    common={"success_rate": "eval/tracking_success_rate", "mean_position_error_m": "eval/gt_err"},
    failed_when=("gt_err_max", 0.5),
)


class Evaluated:
    """One evaluation of the stand-in's agent, made by the factory that Hydra calls."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, base: str, keys: list[str], **metrics: Any
    ) -> None:
        further: list[FurtherEvaluation] = metrics.pop("further", [])
        self.file = folder / "metrics.json"
        self.journal, self.events = new_journal()
        self.fabric = Fabric(folder)
        monkeypatch.setattr(Env, "step", self._metered(Env.step))
        module = AGENT_TARGET.rpartition(".")[0]
        monkeypatch.setitem(sys.modules, module, None)  # restored after the test
        request = REQUEST._replace(file=str(self.file), **metrics)
        hooks = Hooks(agent=f"upstream2.{base}", metrics=request)
        self.spec = Spec(None, "m", (), "", (), (), {}, hooks, RunLimits(), "", None, tuple(further))
        self.evaluations = Evaluations(self.spec, self.journal)
        monkeypatch.setattr(Mimic, "load", self.evaluations.noting_load(Mimic.load))
        monkeypatch.setenv(RUN_VARIABLE, str(folder))
        protomotions2.install(hooks, self.journal, self.evaluations)
        self._evaluate(importlib.import_module(module), keys)
        self.metrics: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))

    def _metered(self, step: Any) -> Any:
        meter = StepMeter(self.journal, None, reporting=True)
        self.journal.add(meter)
        return meter.counting(step, "after")

    def _evaluate(self, target: Any, keys: list[str]) -> None:
        stopping = Config(early_terminate_cart_err=None, early_terminate_success_rate=0.1)
        config = Config(
            eval_metric_keys=keys,
            eval_length=None,
            eval_num_episodes=1,
            max_eval_steps=10,
            training_early_termination=stopping,
        )
        agent = target.agent(fabric=self.fabric, env=Env(), config=config)
        agent.load("last.ckpt")
        agent.evaluate_policy()
        assert not any(agent.env.self_obs_cb.first_seen), "every evaluation begins with the same observations"
        assert config["eval_length"] is None, "the config is as before"
        assert stopping["early_terminate_success_rate"] == 0.1
        assert "load_state_dict" not in vars(agent.env)
        assert "barrier" not in vars(self.fabric)


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Evaluate with an agent of the given base class and keys; keyword arguments change the request."""

    def run(base: str = "Mimic", keys: tuple[str, ...] = ("gt_err",), **metrics: Any) -> Evaluated:
        return Evaluated(tmp_path, monkeypatch, base, list(keys), **metrics)

    return run


def test_every_motion_once(evaluate: Any, tmp_path: Path) -> None:
    run = evaluate(seed=5)
    found = run.metrics
    assert run.fabric.seeds == [5]
    assert found["metrics"]["eval/gt_err"] == pytest.approx((0.1 + 0.7 + 0.3) / 3)
    assert found["metrics"]["eval/tracking_success_rate"] == pytest.approx(2 / 3)
    assert [(entry["motion"], entry["success"]) for entry in found["per_motion"]] == [
        ("walk", True), ("fall", False), ("sit", True)]  # fmt: skip
    assert [entry["metrics"]["eval/gt_err"] for entry in found["per_motion"]] == pytest.approx([0.1, 0.7, 0.3])
    assert found["common"] == {
        "success_rate": pytest.approx(2 / 3), "mean_position_error_m": pytest.approx(1.1 / 3),
        "motions": 3, "failed": ["fall"]}  # fmt: skip
    assert found["units"] == {"eval/gt_err": "m", "eval/gt_err_max": "m", "eval/gt_err_min": "m",
                              "eval/tracking_success_rate": ""}  # fmt: skip
    assert (found["comparable"], found["notes"], found["schema"], found["generation"]) == (True, [], 1, "2")
    assert found["definition"] == {"figure": "eval/gt_err_max", "limit": 0.5, "max_steps": None}
    assert found["steps"] == run.journal.result.steps == 20 + 5, "two in parallel for the longer one, then the third"
    assert set(found["seconds"]) == {"start", "load", "evaluation"}
    assert list(tmp_path.glob("*_metrics.pt")) == []


def test_progress_is_reported(evaluate: Any) -> None:
    run = evaluate()
    events: Events = run.events
    told = [{key: event[key] for key in ("done", "of", "steps")} for event in events.named("motion")]
    assert told == [{"done": done, "of": 3, "steps": 25} for done in (0, 2, 3)]
    said = events.named("step", "motion")
    assert [said[said.index(event) - 1].get("n") for event in said if event.get("done")] == [20, 25]
    assert [event["event"] for event in events.all if event["event"].startswith(("evaluation", "metric"))] == [
        "evaluation_started",
        "metric",
        "evaluation_finished",
    ]
    assert "evaluation_finished" in run.journal.result.seconds


def test_cut_short_is_not_comparable(evaluate: Any) -> None:
    found = evaluate(max_steps=6).metrics
    assert found["comparable"] is False
    assert found["definition"]["max_steps"] == 6
    assert "not comparable" in found["notes"][0]
    assert found["metrics"]["eval/gt_err"] == pytest.approx(1.1 / 3), "means over the steps that ran, not the length"
    assert [entry["metrics"]["eval/gt_err"] for entry in found["per_motion"]] == pytest.approx([0.1, 0.7, 0.3])
    assert found["steps"] == 6 + 6


def test_limit_beyond_the_longest_motion_cuts_nothing(evaluate: Any) -> None:
    found = evaluate(max_steps=20).metrics
    assert (found["comparable"], found["steps"], found["definition"]["max_steps"]) == (True, 25, None)


def test_motion_that_was_never_measured_counts_nowhere(evaluate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upstream2.LENGTHS", [1.0, 2.0, 0.01])
    found = evaluate().metrics
    assert found["metrics"] == {
        "eval/gt_err": pytest.approx(0.4),
        "eval/gt_err_max": pytest.approx(0.4),
        "eval/gt_err_min": pytest.approx(0.4),
        "eval/tracking_success_rate": 0.5,
    }
    assert (found["per_motion"][2]["success"], found["per_motion"][2]["metrics"]) == (None, {})
    assert found["common"]["motions"] == 2
    assert found["common"]["success_rate"] == 0.5
    assert found["notes"] == ["1 of 3 motions were too short to be measured"]


def test_no_figures_if_nothing_was_measured(evaluate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upstream2.LENGTHS", [0.01, 0.01, 0.01])
    found = evaluate().metrics
    assert (found["metrics"], found["common"]["motions"], found["common"]["success_rate"]) == ({}, 0, None)


def test_names_from_the_launcher_win(evaluate: Any) -> None:
    assert evaluate(motions=("one", "two", "three")).metrics["common"]["failed"] == ["two"]


@pytest.mark.parametrize("base", ["Mimic", "PPO"])
def test_agent_without_metrics(evaluate: Any, base: str) -> None:
    found = evaluate(base, ()).metrics
    assert found["metrics"] == {
        "info/episode_reward": pytest.approx((10 * 1.0 + 4 * 3.0 + 4 * 3.0 + 2 * 3.0) / 4),
        "info/episode_length": pytest.approx((10 + 4 + 4 + 2) / 4),
        "info/reward": 2.0,
        "info/resets": 2.0,
    }
    assert found["per_motion"] == []
    assert found["common"]["success_rate"] is None
    assert "computes no metrics for this agent" in found["notes"][0]
    assert found["steps"] == 10


def test_state_of_another_training_does_not_stop_the_run(evaluate: Any) -> None:
    assert any("must match the existing size" in note for note in evaluate().journal.result.notes)


SCRIPT = f"""
import importlib
module, _, name = "{AGENT_TARGET}".rpartition(".")
made = getattr(importlib.import_module(module), name)(1, key=2)
assert type(made).__name__ == "MeasuredAgent" and made.given == (1, 2) and made.evaluate_policy() == "played"
"""


def test_factory_in_a_run_of_the_agent(agent: Any) -> None:
    """Without metrics to measure, upstream's own evaluation runs."""
    (agent.folder / "plain.py").write_text(
        "from types import SimpleNamespace\n"
        "class Agent:\n"
        "    fabric, env, motion_lib = SimpleNamespace(global_rank=0), None, None\n"
        "    def __init__(self, one, key): self.given = one, key\n"
        "    def evaluate_policy(self): return 'played'\n",
        encoding="utf-8",
    )
    agent.write(SCRIPT, hooks={"agent": "plain.Agent"}).run()
    assert (agent.returncode, agent.stderr) == (0, "")
    assert {"hook": "agent", "target": "plain.Agent"} in agent.result["hooks_applied"]


def test_tables_of_two_ranks_are_joined(tmp_path: Path) -> None:
    """Each rank fills the rows of its own motions; the other rows are zero."""
    fabric, tables = Fabric(tmp_path), RankTables(str(tmp_path), 2)
    with tables.watching(fabric):
        for rank, (rows, errors) in enumerate([([0, 1], [2.0, 4.0, 0.0]), ([2], [0.0, 0.0, 9.0])]):
            evaluated = torch.zeros(3, dtype=torch.bool)
            evaluated[rows] = True
            values = torch.tensor(errors)
            table = {"evaluated": evaluated, "gt_err": values, "gt_err_max": values, "gt_err_min": values}
            torch.save(table, tmp_path / f"{rank}_metrics.pt")
            fabric.barrier()  # at the first one there is one table only
    assert [entry["gt_err"] for entry in tables.per_motion(["gt_err"], [2, 2, 3], 1, None)] == [1.0, 2.0, 3.0]
    assert [entry["gt_err_max"] for entry in tables.per_motion(["gt_err"], [2, 2, 3], 1, None)] == [2.0, 4.0, 9.0]
    assert tables.per_motion(["gr_err"], [2, 2, 3], 1, None) == [], "a missing figure"
    assert tables.per_motion(["gt_err"], [2, 2], 1, None) == [], "another number of motions"


def test_table_that_holds_code_is_not_loaded(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "executed"), "w")

    (tmp_path / "0_metrics.pt").write_bytes(pickle.dumps(Evil()))
    fabric, tables = Fabric(tmp_path), RankTables(str(tmp_path), 1)
    with tables.watching(fabric):
        fabric.barrier()
    assert not (tmp_path / "executed").exists()
    assert tables.per_motion(["gt_err"], [1], 1, None) == []


def test_further_evaluations_are_as_the_first(evaluate: Any, tmp_path: Path) -> None:
    loaded: list[str] = []
    original = Mimic.load

    def load(self: Any, checkpoint: str) -> None:
        loaded.append(checkpoint)
        original(self, checkpoint)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Mimic, "load", load)
        for name in ("second", "third"):
            (tmp_path / name).mkdir()
        further = [FurtherEvaluation(str(tmp_path / name), f"{name}.ckpt", 7) for name in ("second", "third")]
        run = evaluate(seed=5, further=further)
    assert (loaded, run.fabric.seeds) == (["last.ckpt", "second.ckpt", "third.ckpt"], [5, 7, 7])
    first, *others = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("", "second", "third"))
    assert [other["run"] for other in others] == ["second", "third"]
    for other in others:
        same = ("metrics", "common", "per_motion", "steps", "comparable")
        assert {name: other[name] for name in same} == {name: first[name] for name in same}
    assert first["steps"] == 25
    assert os.environ[RUN_VARIABLE] == str(tmp_path / "third")
