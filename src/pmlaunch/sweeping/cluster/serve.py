"""The process of a worker: connected to the scheduler until it is asked to end, again and again if that goes away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dask.config

dask.config.set({"logging": {"distributed": "critical"}})  # before the import: what fails is reported here

from distributed import Security, Worker  # noqa: E402
from distributed.comm import connect  # noqa: E402

from pmlaunch.processes.interrupts import Interrupts  # noqa: E402
from pmlaunch.support.cache import cache_root  # noqa: E402
from pmlaunch.support.paths import expanded  # noqa: E402
from pmlaunch.sweeping.cluster.address import SECONDS, TlsOptions, require_protected, scheduler_address  # noqa: E402
from pmlaunch.sweeping.cluster.store import remove_abandoned  # noqa: E402
from pmlaunch.sweeping.cluster.worker import RESOURCE, Host  # noqa: E402
from pmlaunch.sweeping.job_run import JobCommand, SweepGuardian, own_command  # noqa: E402
from pmlaunch.sweeping.slots import Slot  # noqa: E402

_PERIOD = 0.2  # seconds between two looks for jobs that nobody waits for
_AGAIN = 1.0  # seconds until the next attempt to connect
_ATTEMPT = 2.0  # seconds of an attempt


class SweepWorker(Worker):  # type: ignore[misc]
    """A Dask worker with a `sweep_host`, which runs its jobs."""

    sweep_host: Host


def default_store() -> Path:
    """The folder for checkpoints and runs that no launcher has taken yet."""
    return (cache_root() or Path.cwd() / ".pmlaunch-cache") / "worker"


def serve_forever(address: str, host: Host, tls: TlsOptions, say: Callable[[str], object], asked: Interrupts) -> None:
    """Work for the scheduler at `address`, or named in that file, until the process is `asked` to end.

    Raises PML450 to PML452 if it cannot be used at the start; later, it is waited for.
    """
    known = scheduler_address(address, tls)
    waiting = False
    while not asked.count:
        try:
            asyncio.run(_serve(known, host, tls, say, asked))
            waiting = False
        except (OSError, TimeoutError, asyncio.TimeoutError, RuntimeError) as error:  # RuntimeError: of Server.start
            waiting = waiting or say(f"waiting for the scheduler at {known}: {_first_cause(error)}") is None
            time.sleep(_AGAIN)
        if not asked.count and Path(address).is_file():
            known = scheduler_address(address, tls)  # a new scheduler has another


def make_host(slots: Sequence[Slot], folder: str | None, command: JobCommand | None = None) -> Host:
    """What the worker runs jobs with. Its guardian ends them if this process is killed."""
    root = (expanded(folder) if folder else default_store()).absolute()
    root.mkdir(parents=True, exist_ok=True)
    host = Host(root, slots, command or own_command, SweepGuardian(f"{root}/worker-{time.time_ns()}"))
    remove_abandoned(host.store)
    return host


async def _serve(address: str, host: Host, tls: TlsOptions, say: Callable[[str], object], asked: Interrupts) -> None:
    """Work until the scheduler is gone or the process is `asked` to end. Raises PML451, and OSError if nothing answers."""
    security = Security(**tls.arguments("worker"))
    tried = await connect(address, timeout=_ATTEMPT, **security.get_connection_args("worker"))
    await tried.close()  # a Worker that cannot connect takes longer, and does not say why
    protected = {"security": security} if tls.tls_ca else {"host": "127.0.0.1"}
    worker = SweepWorker(
        address,
        nthreads=len(host.slots),
        resources={RESOURCE: len(host.slots)},
        local_directory=str(host.root / "dask"),
        memory_limit=0,
        dashboard=False,
        dashboard_address="127.0.0.1:0",  # of an HTTP server that cannot be turned off
        death_timeout=SECONDS,
        **protected,
    )
    worker.sweep_host = host
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_PERIOD):
            host.watch(worker, asked)

    threading.Thread(target=watch, daemon=True).start()
    try:
        async with worker:
            listening = await worker.scheduler.identity(n_workers=0)
            require_protected(str(listening["address"]), tls)  # and not only the way to it
            say(f"ready with {len(host.slots)} slots for {address}")
            while worker.status.name in ("running", "paused") and not (asked.count and not host.active):  # noqa: ASYNC110
                await asyncio.sleep(_PERIOD)
        while host.active:  # noqa: ASYNC110
            await asyncio.sleep(_PERIOD)
    finally:
        ended.set()


def _first_cause(error: BaseException) -> str:
    """What an error was raised for: Dask reports that time ran out, and keeps the reason as its cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
