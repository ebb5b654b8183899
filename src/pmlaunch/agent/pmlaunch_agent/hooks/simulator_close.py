"""Write the result before Isaac Sim ends the process.

`SimulationApp.close()` may end the process with exit code 0 while an exception is propagating, and nothing after it
in the script runs.
"""

from __future__ import annotations

import functools
import os
import sys
from types import ModuleType
from typing import Any, Callable

from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.hooks.wrapping import Function, wrap_attribute
from pmlaunch_agent.report.journal import Journal

_CLASS = "SimulationApp"
# Where Isaac Sim 4, 5 and older define or re-export the class.
_MODULES = (
    "isaacsim.simulation_app.simulation_app",
    "isaacsim.simulation_app",
    "isaacsim",
    "omni.isaac.kit.simulation_app",
    "omni.isaac.kit",
)


def install(hooks: PostImportHooks, journal: Journal) -> None:
    """Let SimulationApp.close and os._exit write the result first."""
    for name in _MODULES:
        hooks.when_imported(name, functools.partial(_wrap_close, journal))
    wrap_attribute(os, "_exit", functools.partial(_report_then_exit, journal))


def _wrap_close(journal: Journal, module: ModuleType) -> None:
    close = getattr(getattr(module, _CLASS, None), "close", None)
    if close is None or getattr(close, "_reports_first", False):  # the same class, seen in another module
        return

    def wrapper(close: Function) -> Function:
        @functools.wraps(close)
        def report_then_close(*args: Any, **kwargs: Any) -> Any:
            _report(journal, sys.exc_info()[1])
            return close(*args, **kwargs)

        report_then_close._reports_first = True  # type: ignore[attr-defined]
        return report_then_close

    wrap_attribute(module, f"{_CLASS}.close", wrapper)
    journal.applied("simulation_app_close", module=module.__name__)


def _report_then_exit(journal: Journal, leave: Callable[[int], Any]) -> Callable[[int], Any]:
    me = os.getpid()

    @functools.wraps(leave)
    def _exit(status: int) -> Any:
        if os.getpid() == me:  # a forked child always ends this way
            _report(journal, sys.exc_info()[1], status)
        return leave(status)

    return _exit


def _report(journal: Journal, error: BaseException | None, exit_code: int = 0) -> None:
    """Write the result so far; a failure here must not keep the process from ending."""
    try:
        journal.closing(error, exit_code)
    except Exception as failure:
        print(f"pmlaunch_agent: no result: {failure}", file=sys.stderr)
