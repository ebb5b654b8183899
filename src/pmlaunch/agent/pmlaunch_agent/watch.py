"""The milestones that the launcher asked for: calls of named functions in the script's packages."""

from __future__ import annotations

import functools
import math

from pmlaunch_agent import elapsed
from pmlaunch_agent.wrapping import wrap_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from pmlaunch_agent.imports import PostImportHooks
    from pmlaunch_agent.record import Record
    from pmlaunch_agent.spec import Watch

# The imports that take long or that a failure is often about; others would only be noise.
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


def install(watches: list[Watch], hooks: PostImportHooks, record: Record) -> None:
    """Report the imports of PACKAGES, and the calls in `watches`, to `record`."""
    for package in PACKAGES:
        hooks.when_imported(package, functools.partial(_report_import, record))
    for watch in watches:
        hooks.when_imported(watch.module, functools.partial(_attach, record, watch))


def _report_import(record: Record, module: ModuleType) -> None:
    record.milestone("imported", key=f"imported:{module.__name__}", module=module.__name__)


def _attach(record: Record, watch: Watch, module: ModuleType) -> None:
    try:
        wrap_attribute(module, watch.attribute, functools.partial(_watching, record, watch))
    except (AttributeError, TypeError) as error:
        record.note(f"{watch.event} is not watched: {watch.module}:{watch.attribute}: {error}")
    else:
        record.applied("watch", event=watch.event, module=watch.module, attribute=watch.attribute)


def _watching(record: Record, watch: Watch, function: Callable[..., Any]) -> Callable[..., Any]:
    if watch.event == "step":
        return record.steps.watching(function, watch.when)
    if watch.event == "evaluation":
        return evaluation(record, function)
    if watch.event == "scores":
        return record.scores.collecting(record.bodies.writing(function))
    if watch.event == "bodies":
        return record.bodies.keeping(function)
    if watch.event == "playing":
        return record.bodies.playing(function)
    if watch.event == "recording":
        return record.video.recording(function)
    if watch.event == "batches":
        return record.batches.planning(function)
    if watch.event == "batch":
        return record.batches.ending(function)
    if watch.event == "motion":
        return _progress(record, function)
    return _milestone(record, watch, function)


def _milestone(record: Record, watch: Watch, function: Callable[..., Any]) -> Callable[..., Any]:
    """Report the first call only: a milestone is passed once."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if watch.when == "before" and not record.verdict.reached(watch.event):
            record.milestone(watch.event)
        returned = function(*args, **kwargs)
        if watch.when == "after" and not record.verdict.reached(watch.event):
            record.milestone(watch.event)
        return returned

    return call


def _progress(record: Record, function: Callable[..., Any]) -> Callable[..., Any]:
    """Report what every call returns: {done, of, steps}."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        returned = function(*args, **kwargs)
        if isinstance(returned, dict):
            record.steps.report_now()  # or the steps would lag behind the motions
            record.events.emit("motion", **{str(name): value for name, value in returned.items()})
        return returned

    return call


def evaluation(record: Record, function: Callable[..., Any]) -> Callable[..., Any]:
    """Report every evaluation: its begin, its metrics, its end with the seconds it took."""

    @functools.wraps(function)
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        begin = elapsed()
        record.milestone("evaluation_started")
        returned = function(*args, **kwargs)
        metrics = metrics_of(returned)
        if metrics:
            record.events.emit("metric", **metrics)
        record.steps.report_last()
        seconds = round(elapsed() - begin, 3)
        record.scores.write(metrics, seconds)
        record.milestone("evaluation_finished", seconds=seconds)
        return returned

    return evaluate


def metrics_of(returned: Any) -> dict[str, float | None]:
    """The numbers in what an evaluation returned: {name: number}, or a tuple that begins with it.

    ProtoMotions 2 returns (metrics, score), ProtoMotions 3 (metrics, score, count). Tensors and arrays of one
    element are numbers; nan and infinity, which JSON lacks, become None; anything else is left out.
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
        except Exception:  # whatever a tensor of several elements raises
            continue
        metrics[str(name)] = number if math.isfinite(number) else None
    return metrics
