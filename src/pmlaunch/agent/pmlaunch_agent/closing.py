"""Writing the verdict before Isaac Sim ends the process.

`SimulationApp.close()` may end the process with exit code 0 although an exception is on its way up, and nothing
that stands after it in the script is run.
"""

from __future__ import annotations

import functools
import os
import sys

from pmlaunch_agent.wrapping import wrap_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from pmlaunch_agent.imports import PostImportHooks
    from pmlaunch_agent.record import Record

_CLASS = "SimulationApp"
# Where the class is defined, or re-exported, in Isaac Sim 4 and 5 and before.
_MODULES = (
    "isaacsim.simulation_app.simulation_app",
    "isaacsim.simulation_app",
    "isaacsim",
    "omni.isaac.kit.simulation_app",
    "omni.isaac.kit",
)


def install(hooks: PostImportHooks, record: Record) -> None:
    """Let SimulationApp.close and os._exit write the verdict first."""
    for name in _MODULES:
        hooks.when_imported(name, functools.partial(_wrap_close, record))
    wrap_attribute(os, "_exit", functools.partial(_verdict_then_exit, record))


def _wrap_close(record: Record, module: ModuleType) -> None:
    close = getattr(getattr(module, _CLASS, None), "close", None)
    if close is None or getattr(close, "_verdict_first", False):  # the same class, seen in another module
        return

    def wrapper(close: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(close)
        def verdict_then_close(*args: Any, **kwargs: Any) -> Any:
            _write(record, sys.exc_info()[1])
            return close(*args, **kwargs)

        verdict_then_close._verdict_first = True  # type: ignore[attr-defined]
        return verdict_then_close

    wrap_attribute(module, f"{_CLASS}.close", wrapper)
    record.applied("simulation_app_close", module=module.__name__)


def _verdict_then_exit(record: Record, leave: Callable[[int], Any]) -> Callable[[int], Any]:
    me = os.getpid()

    @functools.wraps(leave)
    def _exit(status: int) -> Any:
        if os.getpid() == me:  # not a forked child, which always ends this way
            _write(record, sys.exc_info()[1], status)
        return leave(status)

    return _exit


def _write(record: Record, error: BaseException | None, exit_code: int = 0) -> None:
    """The verdict so far; whatever fails here must not keep the process from ending."""
    try:
        record.closing(error, exit_code)
    except Exception as failure:
        print(f"pmlaunch_agent: no verdict: {failure}", file=sys.stderr)
