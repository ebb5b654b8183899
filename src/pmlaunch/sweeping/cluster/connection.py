"""A launcher's connection to the scheduler of a cluster, and through it to the workers.

The scheduler only places jobs: it repeats none, and nothing that it knows is needed after it or this process is gone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import dask.config

dask.config.set({"logging": {"distributed": "critical"}})  # before the import: what fails is reported here

from distributed import Client, Future, Security  # noqa: E402

from pmlaunch import __version__  # noqa: E402
from pmlaunch.errors import PmlaunchError  # noqa: E402
from pmlaunch.sweeping.cluster import worker  # noqa: E402
from pmlaunch.sweeping.cluster.address import SECONDS, TlsOptions, require_protected  # noqa: E402

T = TypeVar("T")
Event = Mapping[str, Any]
"""What a worker tells about a job: its task, the worker, and the fields of a Report."""
_PERIOD = 0.25  # seconds between two looks for a worker


class WorkerLostError(PmlaunchError):
    """A worker does not answer, but the scheduler does."""


class Connection(AbstractContextManager["Connection"]):
    """A connection to the scheduler at `address`; `slots` is the number that its workers had when it was made.

    Raises PML451 if a part of the cluster is not protected, PML452 if no scheduler answers, PML453 if no worker fits.
    """

    def __init__(self, address: str, tls: TlsOptions) -> None:
        self._address, self._tls = address, tls
        security = Security(**tls.arguments("client")) if tls.tls_ca else None
        try:
            self._client = Client(address, security=security, timeout=SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise self.unreachable(error) from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._lock = threading.Lock()
        self._heard: dict[str, Callable[[Event], None]] = {}
        self._looked = 0.0
        self._ended: list[Future[Any]] = []  # until the next job is submitted, which telling the scheduler would delay
        try:
            listening = self._call(lambda: self._client.scheduler_info(n_workers=0))["address"]
            require_protected(str(listening), tls)
            self._call(lambda: self._client.run_on_scheduler(_no_retries()))
            self.slots = self._fitting(time.monotonic() + SECONDS)
        except BaseException:
            self._client.close(timeout=1)
            raise

    def __exit__(self, *_: object) -> None:
        self._client.close(timeout=5)

    def subscribe(self, sweep: str) -> None:
        """Receive what workers tell about the jobs of a sweep."""
        self._client.subscribe_topic(sweep, self._take)

    def submit(
        self, task: str, remote: worker.RemoteJob, hear: Callable[[Event], None], ended: Callable[[], None]
    ) -> Future[Any]:
        """Hand a job to the scheduler. `hear` gets what it reports, and `ended` is called at its end. `release` it then."""
        self._heard[task] = hear
        future = self._client.submit(
            worker.run_on_worker, remote, key=task, resources={worker.RESOURCE: 1}, retries=0, pure=False
        )
        future.add_done_callback(lambda _: ended())
        self._ended.clear()
        return future

    def release(self, task: str, future: Future[Any]) -> None:
        """Forget a job. A worker that still runs it stops it."""
        self._heard.pop(task, None)
        if future.done():
            self._ended.append(future)
        else:
            future.cancel()

    def stop(self, task: str) -> bool:
        """Stop a job politely. Return whether a worker runs it."""
        return any(found is True for found in self.ask_all(worker.stop_job, task).values())

    def look(self) -> None:
        """Raise PML452 if the scheduler is gone, PML453 if no worker fits any more. Called while a job waits."""
        if self._client.status != "running":
            raise self.unreachable()
        with self._lock:
            if time.monotonic() - self._looked >= SECONDS / 4:
                self._fitting(time.monotonic() + SECONDS / 2)
                self._looked = time.monotonic()

    def ask_all(self, function: Callable[..., object], *values: object) -> Mapping[str, Any]:
        """{worker: what `function` returned there}; None where it failed. Raises PML452."""
        found: Mapping[str, Any] = self._call(lambda: self._client.run(function, *values, on_error="return"))
        return {name: None if isinstance(each, BaseException) else each for name, each in found.items()}

    def ask(self, address: str, function: Callable[..., object], *values: object) -> Any:
        """What `function` returns on a worker. Raises PML452, and WorkerLostError."""
        found = self._call(lambda: self._client.run(function, *values, workers=[address], on_error="return"))
        answer = found.get(address, "it is not there")
        if address not in found or isinstance(answer, BaseException):
            raise WorkerLostError("PML454", f"The worker {address} does not answer: {answer}.", subject=address)
        return answer

    def _take(self, event: tuple[float, Event]) -> None:
        found = self._heard.get(str(event[1].get("task")))
        if found is not None:
            found(event[1])

    def _fitting(self, deadline: float) -> int:
        """The slots of all fitting workers; waits for the first until `deadline`. Raises PML451 and PML453."""
        while True:
            found = self.ask_all(worker.describe_worker)
            fitting = {name: each[1] for name, each in found.items() if each and each[0] == __version__}
            for address in fitting:
                require_protected(address, self._tls)
            if fitting:
                return sum(fitting.values())
            if time.monotonic() >= deadline:
                others = f"; {len(found)} run another version or were not started by pmlaunch" if found else ""
                message = f"The cluster has no worker that could run a job (pmlaunch {__version__}){others}."
                fix = f"pmlaunch worker {self._address}"
                raise PmlaunchError("PML453", message, fix=fix, subject=self._address)
            time.sleep(_PERIOD)

    def _call(self, what: Callable[[], T]) -> T:
        try:
            return what()
        except Exception as error:  # what distributed raises for a lost connection is not one class
            raise self.unreachable(error) from error

    def unreachable(self, why: object = None) -> PmlaunchError:
        """Return PML452."""
        message = f"The scheduler at {self._address} does not answer{f': {why}' if why else ''}."
        hint = "start it, then repeat the command; no result is lost"
        return PmlaunchError("PML452", message, hint=hint, subject=self._address)


def _no_retries() -> Callable[..., None]:
    """A function for the scheduler, which may lack pmlaunch: a local function travels with its code."""

    def set_allowed_failures(dask_scheduler: Any) -> None:
        dask_scheduler.allowed_failures = 0

    return set_allowed_failures
