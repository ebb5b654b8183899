"""The end of the process: the result is written before it, and a normal end is quick."""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import sys
from typing import Any

from pmlaunch_agent.hooks.post_import import before, wrap_attribute
from pmlaunch_agent.report.journal import Journal

_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def install(journal: Journal) -> None:
    """Let os._exit write the result first."""
    me = os.getpid()

    def report(status: int) -> None:
        if os.getpid() == me:  # a forked child always ends this way
            report_ending(journal, status)

    wrap_attribute(os, "_exit", lambda leave: before(leave, report))


def report_crashes() -> None:
    """Let faulthandler print a stack if native code crashes, also when something has displaced its handlers."""
    faulthandler.disable()
    try:
        faulthandler.enable()
    except (AttributeError, OSError, RuntimeError, ValueError):  # stderr is not a real file
        pass


def report_ending(journal: Journal, exit_code: int = 0) -> None:
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


def end_now(exit_code: int) -> None:
    """End the process without Python's shutdown and without that of native libraries."""
    import ctypes

    windows = os.name == "nt"
    try:
        ctypes.CDLL("ucrtbase" if windows else None).fflush(None)  # what native code has printed
        if windows:  # os._exit would let every DLL shut down
            kernel: Any = ctypes.CDLL("kernel32")
            kernel.TerminateProcess(ctypes.c_void_p(-1), ctypes.c_uint(exit_code))
    except (AttributeError, OSError):
        pass
    os._exit(exit_code)
