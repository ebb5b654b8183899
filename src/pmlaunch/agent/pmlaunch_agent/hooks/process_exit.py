"""The end of the process: the result is written before Isaac Sim forces it, and a normal end is quick.

`SimulationApp.close()` may end the process with exit code 0 while an exception is propagating, and nothing after it
in the script runs.
"""

from __future__ import annotations

import functools
import gc
import io
import os
import sys
from types import ModuleType

from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, before, wrap_attribute
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
_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def install(hooks: PostImportHooks, journal: Journal) -> None:
    """Let SimulationApp.close and os._exit write the result first."""
    me = os.getpid()

    def report(status: int) -> None:
        if os.getpid() == me:  # a forked child always ends this way
            _report(journal, status)

    for name in _MODULES:
        hooks.when_imported(name, functools.partial(_wrap_close, journal))
    wrap_attribute(os, "_exit", lambda leave: before(leave, report))


def _wrap_close(journal: Journal, module: ModuleType) -> None:
    close = getattr(getattr(module, _CLASS, None), "close", None)
    if close is None or getattr(close, "_reports_first", False):  # the same class, seen in another module
        return

    def wrapper(close: Function) -> Function:
        reporting = before(close, lambda *_args, **_kwargs: _report(journal))
        reporting._reports_first = True  # type: ignore[attr-defined]
        return reporting

    wrap_attribute(module, f"{_CLASS}.close", wrapper)
    journal.applied("simulation_app_close", module=module.__name__)


def _report(journal: Journal, exit_code: int = 0) -> None:
    """Write the result so far; a failure here must not keep the process from ending."""
    try:
        journal.closing(sys.exc_info()[1], exit_code)
    except Exception as failure:
        print(f"pmlaunch_agent: no result: {failure}", file=sys.stderr)


def prepare_quick_exit() -> None:
    """Flush every open file, and freeze all objects so that the interpreter's last garbage collection finds nothing.

    With torch and Lightning imported, that collection takes more than a second. It would only find reference cycles,
    whose finalizers Python does not promise to call at exit
    (https://docs.python.org/3/reference/datamodel.html#object.__del__); files among them are flushed here. Modules are
    still cleared and atexit functions still called.
    """
    for thing in gc.get_objects():
        # not isinstance(): that reads __class__, on which lazy modules import themselves
        if issubclass(type(thing), _FILES):
            try:
                thing.flush()
            except (OSError, ValueError):  # a broken pipe, or a closed file
                pass
    gc.freeze()
