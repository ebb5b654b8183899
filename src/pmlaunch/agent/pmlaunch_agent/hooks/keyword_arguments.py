"""Keyword arguments that the script has no option for, such as Lightning's number of devices."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, Iterable

from pmlaunch_agent.contract import ArgumentPoint
from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.hooks.wrapping import Function, wrap_attribute
from pmlaunch_agent.report.journal import Journal


def install(points: Iterable[ArgumentPoint], hooks: PostImportHooks, journal: Journal) -> None:
    """Set the arguments once their modules are imported; relaunched ranks do the same."""
    for point in points:
        hooks.when_imported(point.module, functools.partial(_set, journal, point))


def _set(journal: Journal, point: ArgumentPoint, module: ModuleType) -> None:
    def wrapper(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs.update(point.values)
            journal.applied("arguments", attribute=point.attribute, values=point.values)
            return function(*args, **kwargs)

        return call

    wrap_attribute(module, point.attribute, wrapper)
