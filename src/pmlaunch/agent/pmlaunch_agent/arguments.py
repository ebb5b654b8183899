"""Keyword arguments that the script itself has no option for, such as Lightning's number of devices."""

from __future__ import annotations

import functools

from pmlaunch_agent.wrapping import wrap_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from pmlaunch_agent.imports import PostImportHooks
    from pmlaunch_agent.record import Record
    from pmlaunch_agent.spec import Arguments


def install(settings: list[Arguments], hooks: PostImportHooks, record: Record) -> None:
    """Set the arguments in `settings` once their modules are imported; relaunched ranks do the same."""
    for setting in settings:
        hooks.when_imported(setting.module, functools.partial(_set, record, setting))


def _set(record: Record, setting: Arguments, module: ModuleType) -> None:
    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs.update(setting.values)
            record.applied("arguments", attribute=setting.attribute, values=setting.values)
            return function(*args, **kwargs)

        return call

    wrap_attribute(module, setting.attribute, wrapper)
