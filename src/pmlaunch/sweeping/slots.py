"""Where the jobs of a sweep run: so many at a time, each with its GPU, its port and its share of the CPU."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import option

_MOST = 1024  # slots; each is a thread and a process
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ORDER = "CUDA_DEVICE_ORDER"  # without it, CUDA counts the fastest GPU first, and nvidia-smi does not


@dataclass(frozen=True)
class ExecutorOptions:
    """How the jobs of a sweep are run.

    Attributes:
        repeated: ids of evaluations that are run even if they came to an end.
        cwd: the folder in which jobs are planned and run; None for the current one.
        job_command: the command line of the process of the job in a file; None for `job_program`.
    """

    jobs: int | None = option("Number of jobs at a time; default: 1, or one for each GPU of --gpus.")
    gpus: str | None = option("GPUs to use, as CUDA_VISIBLE_DEVICES names them: 0,1.", metavar="LIST")
    per_gpu: int = option("Number of jobs at a time on each GPU of --gpus.", default=1)
    retries: int = option("How often to repeat a job that ended abnormally.", default=1)
    fail_fast: bool = option("Stop the sweep at the first failure instead of collecting all.", default=False)
    repeated: frozenset[str] = frozenset()
    cwd: Path | None = None
    job_command: Callable[[Path], Sequence[str]] | None = None


@dataclass(frozen=True)
class Slot:
    """A place for one job at a time. `threads` is its share of the CPU; `gpu` None leaves the choice to the program."""

    number: int
    gpu: str | None = None
    threads: int | None = None

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return `own` with what a job in this slot gets. Limits of threads that the user has set stay."""
        changes: dict[str, str] = {}
        if self.gpu is not None:
            changes |= {"CUDA_VISIBLE_DEVICES": self.gpu, _ORDER: own.get(_ORDER, "PCI_BUS_ID")}
        if self.threads is not None:
            changes |= {name: str(self.threads) for name in _THREADS if name not in own}
        return {**own, **changes}


def slots_of(options: ExecutorOptions) -> tuple[Slot, ...]:
    """Return the slots that were asked for. Raises PML001 for numbers that are not possible."""
    gpus = [name.strip() for name in options.gpus.split(",")] if options.gpus is not None else []
    if options.gpus is not None and (not all(gpus) or len(set(gpus)) < len(gpus)):
        raise PmlaunchError(
            "PML001", f"--gpus cannot be {options.gpus!r}: it is a list such as 0,1.", hint="--gpus 0,1"
        )
    if options.jobs is not None and gpus:
        raise PmlaunchError("PML001", "--jobs and --gpus contradict each other.", hint="--gpus 0,1 --per-gpu 2")
    for name, number, least in (("--jobs", options.jobs, 1), ("--per-gpu", options.per_gpu, 1)):
        if number is not None and not least <= number <= _MOST:
            raise PmlaunchError(
                "PML001", f"{name} cannot be {number}: it is from {least} to {_MOST}.", hint=f"{name} 2"
            )
    if options.retries < 0:
        raise PmlaunchError("PML001", f"--retries cannot be {options.retries}.", hint="--retries 1")
    places = gpus * options.per_gpu if gpus else [None] * (options.jobs or 1)
    threads = max(1, _cpus() // len(places)) if len(places) > 1 else None
    return tuple(Slot(number, gpu, threads) for number, gpu in enumerate(places))


def _cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Ports:
    """Free TCP ports of this machine, each lent to one job at a time."""

    lent: set[int] = field(default_factory=set)

    def take(self) -> int:
        """Return a port that is free now and that no other job has."""
        while True:
            with socket.socket() as probe:
                probe.bind(("", 0))
                port = int(probe.getsockname()[1])
            if port not in self.lent:
                self.lent.add(port)
                return port
