"""End a run that does not end by itself: a time limit, a stop file, Ctrl+C."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from types import FrameType

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import RunLimits
from pmlaunch_agent.report.ending import StopReason
from pmlaunch_agent.report.journal import Journal

_PERIOD = 0.25  # seconds between two looks at the clock and the file
# On Windows, CTRL_BREAK_EVENT is the only polite signal for a process group.
_INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name)]


def accept_interrupts() -> None:
    """Let Ctrl+C and Ctrl+Break raise KeyboardInterrupt, even if the parent process ignores them."""
    for number in _INTERRUPTS:
        signal.signal(number, signal.default_int_handler)


def refuse_interrupts() -> None:
    """Ignore Ctrl+C: the script has ended and its result is being written."""
    for number in _INTERRUPTS:
        signal.signal(number, _ignore)


def _ignore(_signum: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN, which child processes would inherit."""


class Watchdog:
    """Raises KeyboardInterrupt in the main thread when the time is up or the stop file exists.

    A main thread that is busy in C code does not notice; then the launcher ends the process.
    """

    def __init__(self, journal: Journal, limits: RunLimits) -> None:
        self._journal = journal
        self._limits = limits
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to watch, if there is a limit."""
        if self._limits != RunLimits():
            threading.Thread(target=self._watch, name="pmlaunch-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Interrupt nobody any more: the script has ended."""
        self._ended.set()

    def _watch(self) -> None:
        limit, stop_file = self._limits
        while not self._ended.wait(_PERIOD):
            if limit is not None and elapsed() >= limit:
                reason = StopReason.MAX_SECONDS
            elif stop_file is not None and os.path.exists(stop_file):
                reason = StopReason.STOP_FILE
            else:
                continue
            self._journal.stopping(reason)
            if hasattr(signal, "pthread_kill"):  # a real signal also ends a sleep or a wait for a socket
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                _thread.interrupt_main()
            return
