"""End a run that does not end by itself: a time limit, a stop file, Ctrl+C."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import Spec, StopReason
from pmlaunch_agent.report.journal import Journal

_PERIOD = 0.25  # seconds between two looks at the clock and the file
# On Windows, CTRL_BREAK_EVENT is the only polite signal for a process group.
_INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name)]


def handle_interrupts(ignore: bool = False) -> None:
    """Let Ctrl+C and Ctrl+Break raise KeyboardInterrupt, even if the parent process ignores them; or ignore them."""
    for number in _INTERRUPTS:
        # not SIG_IGN, which child processes would inherit
        signal.signal(number, (lambda _signum, _frame: None) if ignore else signal.default_int_handler)


def watch(journal: Journal, spec: Spec, ended: threading.Event) -> None:
    """Raise KeyboardInterrupt in the main thread when the time is up or a stop file exists, unless it has `ended`.

    If Python drops it, it is raised again. A stop file in the run folder of any evaluation stops them all.

    A main thread that is busy in C code does not notice; then the launcher ends the process.
    """
    limit, stop_file = spec.limits
    stop_files = [stop_file] if stop_file is not None else []
    stop_files += [os.path.join(entry.run, os.path.basename(file)) for file in stop_files for entry in spec.further]
    while not ended.wait(_PERIOD):
        if limit is not None and elapsed() >= limit:
            reason = StopReason.MAX_SECONDS
        elif any(map(os.path.exists, stop_files)):
            reason = StopReason.STOP_FILE
        else:
            continue
        journal.stopping(reason)
        lost = _lost_interrupts()
        _interrupt()
        while not ended.wait(_PERIOD):
            if lost.is_set():
                lost.clear()
                _interrupt()
        return


def _lost_interrupts() -> threading.Event:
    """Return what is set whenever Python drops a KeyboardInterrupt: in a destructor, or a callback of a weak reference.

    Imports use such callbacks all the time. Without this, a program that is asked to stop then would go on.
    """
    lost, otherwise = threading.Event(), sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            lost.set()
        else:
            otherwise(unraisable)

    sys.unraisablehook = hook
    return lost


def _interrupt() -> None:
    """Raise SIGINT in the main thread: a real signal also ends a sleep or a wait for a socket."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    elif callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)  # Windows: Python's handler wakes the main thread
    else:  # without a handler, a real signal would end the process
        _thread.interrupt_main()
