"""Act on calls of the functions that the launcher names: a table of handlers, and milestones for the rest."""

from __future__ import annotations

import functools
import math
from time import monotonic
from types import ModuleType
from typing import Any, Callable, Iterable, Mapping

from pmlaunch_agent import START, elapsed
from pmlaunch_agent.contract import StopReason, WatchPoint
from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, after, before, wrap_attribute
from pmlaunch_agent.report.ending import StopRun
from pmlaunch_agent.report.journal import Journal, Observer

_INTERVAL = 0.25  # seconds between two step events
Handler = Callable[[Function, WatchPoint], Function]
"""Wraps a watched function."""

# Imports that take long or that a failure is often about; others would only be noise.
_PACKAGES = ("isaacgym", "isaacsim", "isaaclab", "genesis", "newton", "mujoco", "torch", "lightning", "protomotions")


def common_handlers(journal: Journal, meter: StepMeter) -> dict[str, Handler]:
    """{event: handler} for the events that every generation has."""

    def report_progress(returned: Any, *_args: Any, **_kwargs: Any) -> None:
        if isinstance(returned, dict):  # {done, of, steps}
            journal.progress(**{str(name): value for name, value in returned.items()})

    return {
        "step": lambda function, point: meter.counting(function, point.when),
        "evaluation": lambda function, _: evaluation(journal, function),
        "motion": lambda function, _: after(function, report_progress),
    }


def install(
    points: Iterable[WatchPoint], handlers: Mapping[str, Handler], hooks: PostImportHooks, journal: Journal
) -> None:
    """Report imports and process groups, and wrap the functions at `points` once they are imported."""
    for package in _PACKAGES:
        hooks.when_importing(package, lambda name: journal.event("importing", module=name))
        hooks.when_imported(package, functools.partial(_report_import, journal))
    hooks.when_imported("torch.distributed.distributed_c10d", functools.partial(_report_process_group, journal))
    for point in points:
        handler = handlers.get(point.event, functools.partial(milestone, journal))
        hooks.when_imported(point.module, functools.partial(_attach, journal, point, handler))


def _report_import(journal: Journal, module: ModuleType) -> None:
    journal.milestone("imported", key=f"imported:{module.__name__}", module=module.__name__)


def _report_process_group(journal: Journal, module: Any) -> None:
    def report(*_args: Any, **_kwargs: Any) -> None:
        journal.process_group(str(module.get_backend()), module.get_world_size(), module.get_rank())

    wrap_attribute(module, "init_process_group", lambda function: after(function, report))


def _attach(journal: Journal, point: WatchPoint, handler: Handler, module: ModuleType) -> None:
    try:
        wrap_attribute(module, point.attribute, lambda function: handler(function, point))
    except (AttributeError, TypeError) as error:
        journal.note(f"{point.event} is not watched: {point.module}:{point.attribute}: {error}")
    else:
        journal.applied("watch", event=point.event, module=point.module, attribute=point.attribute)


def milestone(journal: Journal, function: Function, point: WatchPoint) -> Function:
    """Report the first call."""

    def report(*_args: Any, **_kwargs: Any) -> None:
        if point.event not in journal.result.seconds:
            journal.milestone(point.event)

    return (before if point.when == "before" else after)(function, report)


def evaluation(journal: Journal, function: Function) -> Function:
    """Report every evaluation: its begin, its metrics, its end and how long it took."""

    @functools.wraps(function)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        begin = elapsed()
        journal.milestone("evaluation_started")
        returned = function(*args, **kwargs)
        journal.evaluated(metrics_of(returned), round(elapsed() - begin, 3))
        return returned

    return evaluate


def metrics_of(returned: Any) -> dict[str, float | None]:
    """The numbers in what an evaluation returned: {name: number}, or a tuple that begins with that.

    ProtoMotions 2 returns (metrics, score), ProtoMotions 3 (metrics, score, count). Tensors and arrays of one
    element count as numbers; nan and infinity, which JSON lacks, become None; anything else is left out.
    """
    if isinstance(returned, tuple) and returned:
        returned = returned[0]
    if not isinstance(returned, dict):
        return {}
    metrics: dict[str, float | None] = {}
    for name, value in returned.items():
        try:
            number = value if isinstance(value, int) else float(value)
        except Exception:  # noqa: S112  # whatever a tensor of several elements raises
            continue
        if not isinstance(value, (str, bytes)):
            metrics[str(name)] = number if math.isfinite(number) else None
    return metrics


class StepMeter(Observer):
    """Counts the calls of the watched step, reports them now and then, and ends the run when `limit` is exceeded.

    `reporting` is whether to write step events; only rank 0 does.
    """

    def __init__(self, journal: Journal, limit: int | None, reporting: bool) -> None:
        self._journal = journal
        self._limit: float = float("inf") if limit is None else limit
        self._reporting = reporting
        self._due = 0.0  # when the next event may be written; 0: the first step is always reported
        self._latest = 0.0  # when the latest step was counted
        self._reported = (0, 0.0)  # count and time of the latest event

    def counting(self, function: Function, when: str) -> Function:
        """Wrap `function` to count a step "before" or "after" each call."""
        counted = (before if when == "before" else after)(function, self._tick)
        return before(counted, self._stop_if_due)

    def before_progress(self) -> None:
        """Report the steps since the latest event."""
        if self._reporting and self._journal.result.steps > self._reported[0]:
            self._report()

    def on_next(self, folder: str) -> None:  # noqa: ARG002
        """Count from the beginning."""
        self._due = self._latest = 0.0
        self._reported = (0, 0.0)

    def before_end(self) -> None:
        """Report the steps since the latest event, and when the last step was."""
        self.before_progress()
        if self._journal.result.steps:
            self._journal.timed("last_step", round(self._latest - START, 3))

    def _stop_if_due(self, *_args: object, **_kwargs: object) -> None:
        if self._journal.result.steps >= self._limit:
            self._journal.stopping(StopReason.MAX_STEPS)
            raise StopRun
        if self._journal.interrupt_was_lost():
            raise KeyboardInterrupt

    def _tick(self, *_args: object, **_kwargs: object) -> None:
        result = self._journal.result
        result.steps += 1
        self._latest = now = monotonic()
        if now >= self._due:
            if result.steps == 1:
                self._journal.timed("first_step", round(now - START, 3))
                self._journal.running()
            self._due = now + _INTERVAL if self._reporting else float("inf")
            if self._reporting:
                self._report()

    def _report(self) -> None:
        count, since = self._reported
        span = self._latest - since
        # the first step has no step before it to be measured from
        steps = self._journal.result.steps
        rate = round((steps - count) / span, 2) if count and span > 0 else None
        self._journal.event("step", n=steps, rate=rate)
        self._reported = (steps, self._latest)
