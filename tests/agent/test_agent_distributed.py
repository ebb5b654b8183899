"""Real Lightning, real process groups: gloo where Lightning would take nccl, and every rank through the agent."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("lightning", reason="lightning is not installed")
pytestmark = pytest.mark.slow

# What device.type == "cuda" means on a machine with a GPU, and nccl is missing on CPU builds as on Windows.
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


def result_of_rank_1(agent):
    agent.result_file = agent.folder / "result.rank1.json"
    return agent.result


def assert_gloo(result, world_size):
    assert (result["status"], result["exit_code"]) == ("finished", 0)
    assert (result["backend"], result["backend_requested"], result["world_size"]) == ("gloo", "gloo", world_size)
    assert HOOK in result["hooks_applied"]


def test_without_the_hook_nccl_is_missing(agent):
    agent.write(FABRIC + "work(1)\n").run()
    assert agent.returncode == 1
    assert "NCCL" in agent.result["exception"]["message"]
    assert agent.result["backend"] is None


def test_one_device(agent):
    agent.write(FABRIC + "work(1)\n", hooks=GLOO).run()
    assert agent.stdout == "rank 0 sum 1.0\n"
    assert_gloo(agent.result, 1)
    assert {"torch", "lightning"} <= set(agent.result["versions"])
    assert [event["module"] for event in agent.events_named("imported")] == ["torch", "lightning"]


def test_explicit_backend_wins(agent):
    agent.write(FABRIC + "work(1, process_group_backend='nccl')\n", hooks=GLOO).run()
    assert "NCCL" in agent.result["exception"]["message"]
    assert "'nccl'" in agent.result["notes"][0]
    assert HOOK not in agent.result["hooks_applied"]


def test_trainer_strategy(agent):
    agent.write(
        TORCH + "from lightning.pytorch.strategies import DDPStrategy\n"
        "for options in {}, {'process_group_backend': 'mpi'}:\n"
        "    print(DDPStrategy(**options)._process_group_backend)\n",
        hooks=GLOO,
    ).run()
    assert agent.stdout == "gloo\nmpi\n"


def test_two_ranks_of_a_plain_script(agent):
    agent.write(FABRIC + "import sys\nassert sys.argv[1:] == ['a b']\nwork(2).barrier()\n", ["a b"], hooks=GLOO).run()
    assert agent.returncode == 0
    assert sorted(agent.stdout.splitlines()) == ["rank 0 sum 2.0", "rank 1 sum 2.0"]
    assert_gloo(agent.result, 2)
    assert_gloo(result_of_rank_1(agent), 2)
    groups = agent.events_named("process_group")
    assert sorted((group["rank"], group["world_size"], group["backend"]) for group in groups) == [
        (0, 2, "gloo"),
        (1, 2, "gloo"),
    ]


def test_two_ranks_of_a_hydra_script(agent):
    argv = ["+devices=2", "++name='a=b, c'", f"hydra.run.dir='{agent.folder / 'out'}'"]
    agent.write(HYDRA, argv, hooks=GLOO).run()
    assert agent.returncode == 0, agent.stderr
    assert sorted(agent.stdout.splitlines()) == ["rank 0 sum 2.0", "rank 1 sum 2.0"]
    assert_gloo(agent.result, 2)
    rank_1 = result_of_rank_1(agent)
    assert_gloo(rank_1, 2)
    # not what Lightning adds for it: hydra.run.dir once more, hydra.job.name=train_ddp_process_1
    assert rank_1["argv"] == argv


def test_rank_that_dies_says_why(agent):
    argv = ["+devices=2", "+die=1", f"hydra.run.dir='{agent.folder / 'out'}'"]
    agent.write(HYDRA, argv, hooks=GLOO).run()
    assert agent.returncode != 0  # Lightning kills rank 0 some seconds later, without a verdict; or gloo fails
    assert agent.result["exit_code"] != 0
    rank_1 = result_of_rank_1(agent)
    assert (rank_1["status"], rank_1["exit_code"]) == ("finished", 1)
    assert rank_1["exception"]["message"] == "this rank dies"
    assert any(event.get("rank") == 1 and event["event"] == "finished" for event in agent.events)
