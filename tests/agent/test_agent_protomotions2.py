"""The subclass that measures, on a stand-in for upstream's agents: the same calls in the same order, few numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

AGENT_HOME = Path(__file__).parents[2] / "src" / "pmlaunch" / "agent"

pytest.importorskip("torch", reason="skipped: the figures of single motions are tensors: pip install pmlaunch[demo]")

UPSTREAM = '''
import os
from types import SimpleNamespace
import torch

LENGTHS, ERRORS = [1.0, 2.0, 0.5], [0.1, 0.7, 0.3]  # s, and the error of every step of each motion in m


class Config(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Fabric:
    """As Lightning's with one process: all_gather adds no dimension to a number."""
    global_rank, world_size = 0, 1
    def __init__(self, folder):
        self.loggers = [SimpleNamespace(root_dir=folder)]
    def seed_everything(self, seed):
        print("seed", seed)
        torch.manual_seed(seed)
    def barrier(self):
        pass
    def all_gather(self, value):
        return torch.tensor(value)


class Env:
    num_envs, dt = 2, 0.1
    def __init__(self):
        self.motions = torch.zeros(2, dtype=torch.long)
        self.config = SimpleNamespace(motion_manager=Config(fixed_motion_id=None))
        self.motion_lib = SimpleNamespace(
            num_motions=lambda: len(LENGTHS),
            get_motion_length=lambda ids: torch.tensor(LENGTHS) if ids is None else torch.tensor(LENGTHS)[ids],
            state=SimpleNamespace(motion_files=["a/walk.npy", "b/fall.npy", "c/sit.npy"]),
        )
    def load_state_dict(self, state):
        raise RuntimeError("The expanded size of the tensor (3) must match the existing size (7)")
    def step(self, actions):
        return None


class PPO:
    def __init__(self, fabric, env, config):
        self.fabric, self.env, self.config, self.motion_lib = fabric, env, config, env.motion_lib
    def load(self, checkpoint):
        self.env.load_state_dict({"motion_weights": 7})
    def env_step(self, actions):
        self.env.step(actions)
        return {}, torch.tensor([1.0, 3.0]), torch.tensor([0, actions % 4 == 3]), None, {}
    def calc_eval_metrics(self):
        return {}, None
    def evaluate_policy(self):
        for step in range(self.config.max_eval_steps):
            self.env_step(step)


class Mimic(PPO):
    def map_motions_to_iterations(self):
        ids = torch.arange(len(LENGTHS))
        return [(ids[i : i + 2], None) for i in range(0, len(ids), 2)], len(ids)

    def calc_eval_metrics(self):
        assert self.config.training_early_termination.early_terminate_success_rate is None, "would save a checkpoint"
        keys, count = self.config.eval_metric_keys, self.motion_lib.num_motions()
        table = {"evaluated": torch.zeros(count, dtype=torch.bool)}
        for key in keys:
            table[key], table[key + "_max"], table[key + "_min"] = torch.zeros(count), torch.zeros(count), 3 * torch.ones(count)
        batches, _ = self.map_motions_to_iterations()
        max(self.fabric.all_gather(len(batches)))
        for ids, _ in batches:
            table["evaluated"][ids] = True
            frames = (self.motion_lib.get_motion_length(ids) / self.env.dt).floor().long()
            length = frames.max().item() if self.config.eval_length is None else self.config.eval_length
            for step in range(length):
                self.env_step(0)
                running = ids[step < frames]
                for key in keys:
                    value = torch.tensor(ERRORS)[running]
                    table[key][running] += value
                    table[key + "_max"][running] = torch.maximum(table[key + "_max"][running], value)
                    table[key + "_min"][running] = torch.minimum(table[key + "_min"][running], value)
        path = os.path.join(self.fabric.loggers[0].root_dir, "0_metrics.pt")
        torch.save(table, path)
        self.fabric.barrier()
        self.fabric.barrier()
        os.unlink(path)
        frames = (torch.tensor(LENGTHS) / self.env.dt).floor().long()
        figures = {}
        for key in keys:
            figures["eval/" + key] = (table[key] / frames).mean().item()
            figures["eval/" + key + "_max"] = table[key + "_max"].mean().item()
            figures["eval/" + key + "_min"] = table[key + "_min"].mean().item()
        figures["eval/tracking_success_rate"] = 1.0 - (table["gt_err_max"] > 0.5).float().mean().item()
        return figures, figures["eval/tracking_success_rate"]
'''

SCRIPT = """
import sys
from pathlib import Path
import pmlaunch_agent.protomotions2.target as hook
from upstream import Config, Env, Fabric
stopping = Config(early_terminate_cart_err=None, early_terminate_success_rate=0.1)
config = Config(eval_metric_keys=KEYS, eval_length=None, eval_num_episodes=1, max_eval_steps=10,
                training_early_termination=stopping)
agent = hook.agent(fabric=Fabric(sys.argv[1]), env=Env(), config=config)
agent.load("last.ckpt")
agent.evaluate_policy()
assert config.eval_length is None and stopping.early_terminate_success_rate == 0.1
assert "load_state_dict" not in vars(agent.env) and "barrier" not in vars(agent.fabric)
"""


@pytest.fixture
def evaluate(agent):
    def run_it(base: str = "Mimic", keys: str = "['gt_err']", **metrics: Any) -> dict[str, Any]:
        (agent.folder / "upstream.py").write_text(UPSTREAM)
        entry = {
            "file": str(agent.folder / "metrics.json"),
            "units": {"gt_err": "m"},
            "common": {"success_rate": "eval/tracking_success_rate", "mean_position_error_m": "eval/gt_err"},
            "failed_when": ["gt_err_max", 0.5],
            **metrics,
        }
        hooks = {"agent": f"upstream.{base}", "metrics": entry,
                 "watch": [{"event": "step", "module": "upstream", "attribute": "Env.step"}]}  # fmt: skip
        agent.write(SCRIPT.replace("KEYS", keys), [str(agent.folder)], hooks=hooks).run()
        assert agent.returncode == 0, agent.stderr
        return dict(json.loads((agent.folder / "metrics.json").read_text(encoding="utf-8")))

    return run_it


def test_every_motion_once(evaluate: Evaluate, agent: AgentRun) -> None:
    found = evaluate(seed=5)
    assert "seed 5" in agent.stdout
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
    assert found["steps"] == agent.result["steps"] == 20 + 5, "two side by side for the longer, then the third"
    assert set(found["seconds"]) == {"start", "load", "evaluation"}
    assert list(agent.folder.glob("*_metrics.pt")) == []


def test_how_far_it_is(evaluate: Evaluate, agent: AgentRun) -> None:
    evaluate()
    told = [{key: event[key] for key in ("done", "of", "steps")} for event in agent.events_named("motion")]
    assert told == [{"done": done, "of": 3, "steps": 25} for done in (0, 2, 3)]
    said = [event for event in agent.events if event["event"] in ("step", "motion")]
    assert [said[said.index(event) - 1].get("n") for event in said if event.get("done")] == [20, 25]
    order = [event["event"] for event in agent.events if event["event"].startswith(("evaluation", "metric"))]
    assert order == ["evaluation_started", "metric", "evaluation_finished"]
    assert "evaluation_finished" in agent.result["seconds"]


def test_cut_short_is_not_comparable(evaluate: Evaluate) -> None:
    found = evaluate(max_steps=6)
    assert found["comparable"] is False
    assert "not comparable" in found["notes"][0]
    assert found["metrics"]["eval/gt_err"] == pytest.approx(1.1 / 3), "means over the steps that ran, not the length"
    assert [entry["metrics"]["eval/gt_err"] for entry in found["per_motion"]] == pytest.approx([0.1, 0.7, 0.3])
    assert found["steps"] == 6 + 6


def test_a_limit_beyond_the_longest_motion_cuts_nothing(evaluate: Evaluate) -> None:
    found = evaluate(max_steps=20)
    assert (found["comparable"], found["steps"]) == (True, 25)


def test_names_that_the_launcher_knows(evaluate: Evaluate) -> None:
    found = evaluate(motions=["one", "two", "three"])
    assert found["common"]["failed"] == ["two"]


@pytest.mark.parametrize("base", ["Mimic", "PPO"])
def test_agent_without_metrics(evaluate: Evaluate, agent: AgentRun, base: str) -> None:
    found = evaluate(base, "[]")
    assert found["metrics"] == {
        "info/episode_reward": pytest.approx((10 * 1.0 + 4 * 3.0 + 4 * 3.0 + 2 * 3.0) / 4),
        "info/episode_length": pytest.approx((10 + 4 + 4 + 2) / 4),
        "info/reward": 2.0,
        "info/resets": 2.0,
    }
    assert found["per_motion"] == []
    assert found["common"]["success_rate"] is None
    assert "no metrics of its own" in found["notes"][0]
    assert found["steps"] == 10


def test_state_of_another_training_does_not_stop_the_run(evaluate: Evaluate, agent: AgentRun) -> None:
    evaluate()
    assert any("must match the existing size" in note for note in agent.result["notes"])


def test_tables_of_two_ranks_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rank fills the rows of its own motions; the others' are zeros there."""
    import torch

    monkeypatch.syspath_prepend(str(AGENT_HOME))
    from pmlaunch_agent.protomotions2.rank_tables import RankTables

    class Fabric:
        def barrier(self) -> None:
            pass

        def all_gather(self, value: Any) -> Any:
            return value

    fabric, tables = Fabric(), RankTables(str(tmp_path), 2)
    with tables.watching(fabric):
        for rank, (rows, errors) in enumerate([([0, 1], [2.0, 4.0, 0.0]), ([2], [0.0, 0.0, 9.0])]):
            evaluated = torch.zeros(3, dtype=torch.bool)
            evaluated[rows] = True
            values = torch.tensor(errors)
            table = {"evaluated": evaluated, "gt_err": values, "gt_err_max": values, "gt_err_min": values}
            torch.save(table, tmp_path / f"{rank}_metrics.pt")
            fabric.barrier()  # at the first there is one table only
    assert [entry["gt_err"] for entry in tables.per_motion(["gt_err"], [2, 2, 3], 1, None)] == [1.0, 2.0, 3.0]
    assert [entry["gt_err_max"] for entry in tables.per_motion(["gt_err"], [2, 2, 3], 1, None)] == [2.0, 4.0, 9.0]
    assert tables.per_motion(["gr_err"], [2, 2, 3], 1, None) == [], "a figure that is not there"
    assert tables.per_motion(["gt_err"], [2, 2], 1, None) == [], "another number of motions"


def test_a_table_that_holds_code_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import torch

    monkeypatch.syspath_prepend(str(AGENT_HOME))
    from pmlaunch_agent.protomotions2.rank_tables import RankTables

    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "executed"), "w")

    assert torch
    (tmp_path / "0_metrics.pt").write_bytes(pickle.dumps(Evil()))

    class Fabric:
        def barrier(self) -> None:
            pass

        all_gather = barrier

    fabric, tables = Fabric(), RankTables(str(tmp_path), 1)
    with tables.watching(fabric):
        fabric.barrier()
    assert not (tmp_path / "executed").exists()
    assert tables.per_motion(["gt_err"], [1], 1, None) == []
