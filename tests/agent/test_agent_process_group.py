"""Real Lightning and real process groups: gloo where Lightning would use nccl, and every rank runs in the agent."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from agent_run import AgentRun

from wine import NO_GLOO, TWO_RANKS_HANG, has_gloo, two_ranks_hang

# not importorskip: importing both takes seconds of every collection
missing = [name for name in ("torch", "lightning", "hydra") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"skipped: not installed: {missing}")
two_ranks = pytest.mark.skipif(two_ranks_hang(), reason=TWO_RANKS_HANG)
needs_gloo = pytest.mark.skipif(not missing and not has_gloo(), reason=NO_GLOO)

# On a machine with a GPU Lightning uses nccl, which CPU builds lack as Windows does. Here it does so for the CPU.
TORCH = """
import torch, torch.distributed as dist
dist.Backend.default_device_backend_map["cpu"] = "nccl"
"""
FABRIC = (
    TORCH
    + """
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

def work(devices, **options):
    fabric = Fabric(accelerator="cpu", devices=devices, strategy=DDPStrategy(**options))
    fabric.launch()
    total = torch.ones(1)
    dist.all_reduce(total)
    print(f"rank {fabric.global_rank} sum {total.item()}", flush=True)
    return fabric
"""
)
HYDRA = (
    FABRIC
    + """
import hydra

@hydra.main(config_path=None, version_base=None)
def main(cfg):
    fabric = work(cfg.devices)
    if cfg.get("die") == fabric.global_rank:
        raise ValueError("this rank dies")
    fabric.barrier()

if __name__ == "__main__":
    main()
"""
)
GLOO = {"ddp_backend": "gloo"}
HOOK = {"hook": "ddp_backend", "backend": "gloo", "module": "lightning.fabric.strategies.ddp"}


# Strategies first, as they are made; then an explicit backend, which fails; then one process with the default.
ONE_PROCESS = (
    FABRIC
    + """
from lightning.pytorch.strategies import DDPStrategy as TrainerStrategy
for options in {}, {"process_group_backend": "mpi"}:
    print(TrainerStrategy(**options)._process_group_backend)
try:
    work(1, process_group_backend="nccl")
except RuntimeError as error:
    print("NCCL" in str(error))
work(1)
"""
)


def result_of_rank_1(agent: AgentRun) -> dict[str, Any]:
    agent.result_file = agent.folder / "result.rank1.json"
    return agent.result


def assert_gloo(result: dict[str, Any], world_size: int) -> None:
    assert (result["backend"], result["backend_requested"], result["world_size"]) == ("gloo", "gloo", world_size)
    assert HOOK in result["hooks_applied"]


def assert_success(result: dict[str, Any]) -> None:
    assert (result["status"], result["exit_code"]) == ("finished", 0)


@pytest.mark.slow  # checks the premise of the other tests
def test_without_the_hook_nccl_is_missing(agent: AgentRun) -> None:
    agent.write(FABRIC + "work(1)\n").run()
    assert agent.returncode == 1
    assert "NCCL" in agent.result["exception"]["message"]
    assert agent.result["backend"] is None


@needs_gloo
def test_default_backend_of_both_strategies_and_an_explicit_one(agent: AgentRun) -> None:
    agent.write(ONE_PROCESS, hooks=GLOO).run()
    assert agent.stdout == "gloo\nmpi\nTrue\nrank 0 sum 1.0\n", agent.stderr
    assert_success(agent.result)
    assert_gloo(agent.result, 1)
    assert {"backend": "gloo", "hook": "ddp_backend", "module": "lightning.pytorch.strategies.ddp"} in agent.result[
        "hooks_applied"
    ]
    assert len(agent.result["notes"]) == 2, "one for each explicit backend"
    assert "'nccl'" in agent.result["notes"][1]
    assert {"torch", "lightning"} <= set(agent.result["versions"])
    assert [event["module"] for event in agent.events_named("imported")] == ["torch", "lightning"]


@pytest.mark.slow  # the previous test has the same start, but cannot tell which strategy the hook changed
def test_explicit_backend_is_kept(agent: AgentRun) -> None:
    agent.write(FABRIC + "work(1, process_group_backend='nccl')\n", hooks=GLOO).run()
    assert "NCCL" in agent.result["exception"]["message"]
    assert "'nccl'" in agent.result["notes"][0]
    assert HOOK not in agent.result["hooks_applied"]


@two_ranks
@needs_gloo
def test_two_ranks_of_a_plain_script(agent: AgentRun) -> None:
    agent.write(FABRIC + "import sys\nassert sys.argv[1:] == ['a b']\nwork(2).barrier()\n", ["a b"], hooks=GLOO).run()
    assert agent.returncode == 0
    assert sorted(agent.stdout.splitlines()) == ["rank 0 sum 2.0", "rank 1 sum 2.0"]
    for result in (agent.result, result_of_rank_1(agent)):
        assert_success(result)
        assert_gloo(result, 2)
    groups = agent.events_named("process_group")
    assert sorted((group["rank"], group["world_size"], group["backend"]) for group in groups) == [
        (0, 2, "gloo"),
        (1, 2, "gloo"),
    ]


@two_ranks
@pytest.mark.slow  # the next test has the same start
def test_two_ranks_of_a_hydra_script(agent: AgentRun) -> None:
    argv = ["+devices=2", "++name='a=b, c'", f"hydra.run.dir='{agent.folder / 'out'}'"]
    agent.write(HYDRA, argv, hooks=GLOO).run()
    assert agent.returncode == 0, agent.stderr
    assert sorted(agent.stdout.splitlines()) == ["rank 0 sum 2.0", "rank 1 sum 2.0"]
    assert_success(agent.result)
    assert_gloo(agent.result, 2)
    rank_1 = result_of_rank_1(agent)
    assert_success(rank_1)
    assert_gloo(rank_1, 2)
    assert rank_1["argv"] == argv


@two_ranks
@needs_gloo
def test_rank_of_a_hydra_script_that_dies_reports_why(agent: AgentRun) -> None:
    argv = ["+devices=2", "+die=1", "++name='a=b, c'", f"hydra.run.dir='{agent.folder / 'out'}'"]
    agent.write(HYDRA, argv, hooks=GLOO).run()
    assert sorted(agent.stdout.splitlines()) == ["rank 0 sum 2.0", "rank 1 sum 2.0"]
    assert agent.returncode != 0  # some seconds later Lightning kills rank 0, which leaves no result; or gloo fails
    assert agent.result["exit_code"] != 0
    assert_gloo(agent.result, 2)
    rank_1 = result_of_rank_1(agent)
    assert_gloo(rank_1, 2)
    assert (rank_1["status"], rank_1["exit_code"]) == ("finished", 1)
    assert rank_1["exception"]["message"] == "this rank dies"
    # without what Lightning adds: hydra.run.dir again, hydra.job.name=train_ddp_process_1
    assert rank_1["argv"] == argv
    assert any(event.get("rank") == 1 and event["event"] == "finished" for event in agent.events)
