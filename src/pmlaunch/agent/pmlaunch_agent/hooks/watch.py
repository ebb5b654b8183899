"""Act on calls of the functions that the launcher names: a table of handlers, and milestones for the rest."""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any, Callable, Iterable, Mapping

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import WatchPoint
from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.hooks.wrapping import Function, wrap_attribute
from pmlaunch_agent.report.journal import Journal
from pmlaunch_agent.report.step_meter import StepMeter

Handler = Callable[[Function, WatchPoint], Function]
"""Wraps a watched function."""

# Imports that take long or that a failure is often about; others would only be noise.
PACKAGES = (
    "isaacgym",
    "isaacsim",
    "isaaclab",
    "genesis",
    "newton",
    "mujoco",
    "torch",
    "lightning",
    "protomotions",
)


def common_handlers(journal: Journal, meter: StepMeter) -> dict[str, Handler]:
    """{event: handler} for the events that every generation has."""
    return {
        "step": lambda function, point: meter.counting(function, point.when),
        "evaluation": lambda function, _: evaluation(journal, function),
        "motion": lambda function, _: _progress(journal, function),
    }


def install(
    points: Iterable[WatchPoint], handlers: Mapping[str, Handler], hooks: PostImportHooks, journal: Journal
) -> None:
    """Report imports of PACKAGES, and wrap the functions at `points` by their handlers once they are imported."""
    for package in PACKAGES:
        hooks.when_imported(package, functools.partial(_report_import, journal))
    for point in points:
        handler = handlers.get(point.event, functools.partial(_milestone, journal))
        hooks.when_imported(point.module, functools.partial(_attach, journal, point, handler))


def _report_import(journal: Journal, module: ModuleType) -> None:
    journal.milestone("imported", key=f"imported:{module.__name__}", module=module.__name__)


def _attach(journal: Journal, point: WatchPoint, handler: Handler, module: ModuleType) -> None:
    try:
        wrap_attribute(module, point.attribute, lambda function: handler(function, point))
    except (AttributeError, TypeError) as error:
        journal.note(f"{point.event} is not watched: {point.module}:{point.attribute}: {error}")
    else:
        journal.applied("watch", event=point.event, module=point.module, attribute=point.attribute)


def _milestone(journal: Journal, function: Function, point: WatchPoint) -> Function:
    """Report the first call."""

    def report() -> None:
        if point.event not in journal.result.seconds:
            journal.milestone(point.event)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            report()
        returned = function(*args, **kwargs)
        if point.when == "after":
            report()
        return returned

    return call


def _progress(journal: Journal, function: Function) -> Function:
    """Report what every call returns: {done, of, steps}."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        returned = function(*args, **kwargs)
        if isinstance(returned, dict):
            journal.progress(**{str(name): value for name, value in returned.items()})
        return returned

    return call


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
        if isinstance(value, (str, bytes)):
            continue
        try:
            number = value if isinstance(value, int) else float(value)
        except Exception:  # noqa: S112  # whatever a tensor of several elements raises
            continue
        metrics[str(name)] = number if math.isfinite(number) else None
    return metrics
