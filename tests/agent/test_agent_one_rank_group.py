"""The one-rank group behaves like gloo with one rank, and replaces it where torch has no transport for gloo."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent_run import AgentRun
from pmlaunch_agent.hooks.one_rank_group import _store

from wine import NO_GLOO, has_gloo

missing = [name for name in ("torch", "lightning") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"skipped: not installed: {missing}")

# Every collective that ProtoMotions 2.3 and 3 call, directly, through Fabric or through DistributedDataParallel.
COLLECTIVES = """
import torch, torch.distributed as dist
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

def collectives(backend):
    fabric = Fabric(accelerator="cpu", devices=1, strategy=DDPStrategy(process_group_backend=backend))
    fabric.launch()
    yield "group", dist.is_initialized(), dist.get_world_size(), dist.get_rank()
    yield "all_gather", fabric.all_gather(5), fabric.all_gather(torch.arange(3)), fabric.all_gather({"a": torch.ones(2)})
    yield "max of a gathered number", max(fabric.all_gather(7))
    yield "broadcast", fabric.broadcast({"x": [1, 2]}, src=0), fabric.broadcast(0.5)
    yield "all_reduce", fabric.all_reduce(torch.tensor(3.0)), fabric.all_reduce(torch.ones(2), reduce_op="sum")
    yield "barrier", fabric.barrier()
    total = torch.tensor([1.0, 2.0])
    dist.all_reduce(total, op=dist.ReduceOp.MAX)
    yield "in place", total
    objects, tensors, one = [None], [torch.zeros(2)], torch.zeros(2)
    dist.all_gather_object(objects, {"k": 1})
    dist.all_gather(tensors, torch.tensor([3.0, 4.0]))
    dist.scatter(one, [torch.tensor([5.0, 6.0])])
    whole = torch.zeros(2)
    dist.all_gather_into_tensor(whole, torch.tensor([7.0, 8.0]))
    named = ["from rank 0"]
    dist.broadcast_object_list(named)
    dist.broadcast(one, src=0)
    dist.reduce(one, dst=0)
    dist.barrier()
    dist.monitored_barrier() if backend == "gloo" else None
    yield "objects and tensors", objects, tensors, one, whole, named
    torch.manual_seed(0)
    model, optimizer = torch.nn.Linear(3, 2), None
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model, optimizer = fabric.setup(model, optimizer)
    for _ in range(2):
        loss = model(torch.ones(1, 3)).square().sum()
        fabric.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    yield "a DDP step", [parameter.tolist() for parameter in model.parameters()]
    dist.destroy_process_group()
"""
COMPARED = (
    COLLECTIVES
    + """
for gloo, alone in zip(collectives("gloo"), collectives("one_rank")):
    same = str(gloo) == str(alone)
    print(gloo[0], "same" if same else f"differ: {gloo} {alone}", flush=True)
"""
)
# What the Windows builds of torch 2.8 to 2.10 do; no Windows build has HashStore.
WITHOUT_TRANSPORT = """
import torch.distributed as dist

def no_device(*_):
    raise RuntimeError("makeDeviceForHostname(): unsupported gloo device")

dist.ProcessGroupGloo.create_default_device = no_device
vars(dist).pop("HashStore", None)
"""


@pytest.mark.skipif(not missing and not has_gloo(), reason=NO_GLOO)
def test_collectives_equal_those_of_gloo(agent: AgentRun) -> None:
    agent.write(COMPARED).run()
    names = ["group", "all_gather", "max of a gathered number", "broadcast", "all_reduce", "barrier", "in place"]
    assert agent.stdout.splitlines() == [f"{name} same" for name in (*names, "objects and tensors", "a DDP step")], (
        agent.stderr
    )


@pytest.mark.parametrize("backend", ["gloo", "one_rank"])
def test_one_device_without_a_transport(agent: AgentRun, backend: str) -> None:
    work = "fabric = next(collectives(None))\nprint(fabric)\n"
    agent.write(WITHOUT_TRANSPORT + COLLECTIVES + work, hooks={"ddp_backend": backend}).run()
    result: dict[str, Any] = agent.result
    assert (agent.returncode, result["backend"], result["world_size"]) == (0, "one_rank", 1), agent.stderr
    replaced = [hook["instead_of"] for hook in result["hooks_applied"] if hook["hook"] == "one_rank_group"]
    assert replaced == (["gloo"] if backend == "gloo" else [])


@pytest.mark.hostile
def test_nobody_can_guess_the_file_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found: list[tuple[str, int]] = []
    torch = SimpleNamespace(FileStore=lambda path, ranks: found.append((path, ranks)))
    for _ in range(2):
        _store(torch)
    (first, second), ranks = (Path(path) for path, _ in found), {count for _, count in found}
    assert first != second
    assert str(os.getpid()) not in first.name
    assert (first.parent, first.stat().st_size, ranks) == (tmp_path, 0, {1})
    if os.name != "nt":
        assert first.stat().st_mode & 0o077 == 0
