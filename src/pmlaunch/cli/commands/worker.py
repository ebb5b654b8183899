"""`pmlaunch worker`: let this machine run jobs of sweeps that are started elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.request import argument, option
from pmlaunch.sweeping.cluster.address import TlsOptions


@dataclass(frozen=True)
class WorkerOptions(TlsOptions):
    """The options of `pmlaunch worker`."""

    address: str = argument("The scheduler's address, tcp://HOST:PORT or tls://HOST:PORT, or its file.")
    gpus: str | None = option("GPUs to use, as CUDA_VISIBLE_DEVICES names them: 0,1.", metavar="LIST")
    per_gpu: int = option("Number of jobs at a time on each GPU of --gpus.", default=1)
    jobs: int | None = option("Number of jobs at a time; default: 1, or one for each GPU of --gpus.")
    store: str | None = option("Folder for checkpoints and runs; default: in the cache.", metavar="DIR")


@command(WorkerOptions)
def worker_command(_: Invocation, options: WorkerOptions) -> CommandResult:
    """Run jobs of `pmlaunch sweep --cluster ADDRESS` on this machine, until Ctrl+C.

    \b
    dask scheduler --host 127.0.0.1
    pmlaunch worker tcp://127.0.0.1:8786 --gpus 0,1
    """
    import sys

    from pmlaunch.cli.render.terminal import write
    from pmlaunch.processes.interrupts import Interrupts
    from pmlaunch.sweeping.cluster.address import scheduler_address
    from pmlaunch.sweeping.slots import ExecutorOptions, slots_of

    slots = slots_of(ExecutorOptions(jobs=options.jobs, gpus=options.gpus, per_gpu=options.per_gpu))
    scheduler_address(options.address, options)
    from pmlaunch.sweeping.cluster.serve import make_host, serve_forever

    host = make_host(slots, options.store)
    with Interrupts() as asked, host.guardian:
        serve_forever(options.address, host, options, lambda text: write(sys.stderr, f"{text}\n"), asked)
    return CommandResult("worker")
