"""Try what a run needs of NVIDIA GPUs: `python scripts/gpu_trials.py [--devices N]`.

Two things, with the Python of an environment that has pmlaunch[demo] and a CUDA build of torch:

1. a process group on gloo whose tensors live on the GPU: all_gather, broadcast, barrier, all_reduce, a DDP step. That
   is what a run on Windows does, where torch has no NCCL;
2. `pmlaunch eval demo` with the policy on the GPU and gloo asked for, beside the same on the CPU.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

_MEBIBYTE = 1 << 20
_ROUNDS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=max(1, torch.cuda.device_count()), help="GPUs to use")
    parser.add_argument("--motion", default="walk", help="motion of the demo")
    parser.add_argument("--rank", nargs=2, type=int, metavar=("RANK", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank:
        return group(options.rank[0], options.devices, options.rank[1])
    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} sees no GPU")
        return 0
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    print(f"torch {torch.__version__}, {', '.join(names)}")
    code = processes(options.devices)
    return demo(options.devices, options.motion) or code


def processes(devices: int) -> int:
    """Start one process for each GPU and wait for them; the first one reports."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--devices", str(devices), "--rank"]
    ranks = [subprocess.Popen([*command, str(rank), str(port)]) for rank in range(devices)]
    return max(abs(rank.wait()) for rank in ranks)


def group(rank: int, size: int, port: int) -> int:
    """One rank: form the group on gloo, check every operation's result, report how long each takes."""
    torch.cuda.set_device(rank)
    device = torch.device("cuda", rank)
    start = time.perf_counter()
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    formed = time.perf_counter() - start
    ones = torch.full((_MEBIBYTE // 4,), float(rank + 1), device=device)  # a mebibyte of 32-bit floats
    pieces = [torch.empty_like(ones) for _ in range(size)]
    network = nn.parallel.DistributedDataParallel(nn.Linear(256, 256).to(device), device_ids=[rank])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def gathered() -> None:
        dist.all_gather(pieces, ones)
        assert [piece[0].item() for piece in pieces] == [float(number + 1) for number in range(size)]

    def broadcast() -> None:
        sent = ones.clone()
        dist.broadcast(sent, src=size - 1)
        assert sent[0].item() == size

    def reduced() -> None:
        total = ones.clone()
        dist.all_reduce(total)
        assert total[-1].item() == size * (size + 1) / 2

    def step() -> None:
        optimizer.zero_grad()
        network(torch.full((64, 256), float(rank), device=device)).square().mean().backward()
        optimizer.step()
        torch.cuda.synchronize(device)

    trials: dict[str, Callable[[], Any]] = {
        "all_gather, 1 MiB": gathered,
        "broadcast, 1 MiB": broadcast,
        "all_reduce, 1 MiB": reduced,
        "barrier": dist.barrier,
        "DDP step, 66 k weights": step,
    }
    said = [f"{dist.get_backend()}, {size} rank(s), tensors on {device}; formed in {1000 * formed:.0f} ms"]
    said += [f"  {name:<24} {median_ms(trial):8.2f} ms" for name, trial in trials.items()]
    weights = torch.cat([weight.detach().reshape(-1) for weight in network.parameters()])
    others = [torch.empty_like(weights) for _ in range(size)]
    dist.all_gather(others, weights)
    assert all(torch.equal(weights, other) for other in others), "the ranks' weights differ after the DDP steps"
    if rank == 0:
        print("\n".join(said), flush=True)
    dist.destroy_process_group()
    return 0


def median_ms(trial: Callable[[], Any]) -> float:
    trial()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        trial()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[_ROUNDS // 2]


def demo(devices: int, motion: str) -> int:
    """The embedded evaluation on the CPU and on GPUs, as a user would start it; its figures side by side."""
    runs = [("cpu", 1), ("gpu", 1), *([("gpu", devices)] if devices > 1 else [])]
    worst = 0
    print(f"\n{'demo':<8} {'devices':>7} {'exit':>4} {'backend':>8} {'ranks':>5} {'steps':>6} {'steps/s':>8}  gt_err m")
    for device, count in runs:
        with tempfile.TemporaryDirectory() as folder:
            words = ["eval", "demo", "-m", motion, "--device", device, "--devices", str(count)]
            words += ["--ddp-backend", "gloo", "--runs", folder, "--json", "--num-envs", "1"]
            done = subprocess.run(
                [sys.executable, "-m", "pmlaunch", *words], capture_output=True, encoding="utf-8", check=False
            )
            document = json.loads(done.stdout)
            record = document["data"]["record"]
            result = json.loads(Path(record["folder"], "result.json").read_text(encoding="utf-8"))
            said = Path(record["folder"], "output.log").read_text(encoding="utf-8")
        error = record["metrics"].get("eval/gt_err", float("nan"))
        print(
            f"{device:<8} {count:>7} {done.returncode:>4} {result['backend']:>8} {result['world_size']:>5} "
            f"{record['steps'] or 0:>6} {record['steps_per_second'] or 0:>8.1f}  {error:.6f}"
        )
        wanted = "cuda:0" if device == "gpu" else "cpu"
        if done.returncode or result["backend"] != "gloo" or f"policy runs on {wanted}" not in said:
            print(said[-2000:], document["findings"], sep="\n")
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
