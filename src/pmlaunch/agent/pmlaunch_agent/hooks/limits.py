"""End a run that does not end by itself: a time limit, a stop file, Ctrl+C."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from typing import Any

from pmlaunch_agent import elapsed
from pmlaunch_agent.contract import RunLimits
from pmlaunch_agent.report.ending import StopReason
from pmlaunch_agent.report.journal import Journal

_PERIOD = 0.25  # seconds between two looks at the clock and the file


def accept_interrupts() -> None:
    """Let Ctrl+C and, on Windows, Ctrl+Break raise KeyboardInterrupt, even if the parent process ignores them.

    CTRL_BREAK_EVENT is the only polite signal for a Windows process group.
    """
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def refuse_interrupts() -> None:
    """Ignore Ctrl+C: the script has ended and its result is being written."""
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _ignore)


def _ignore(_signum: int, _frame: Any) -> None:
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
        if self._limits.max_seconds is not None or self._limits.stop_file is not None:
            threading.Thread(target=self._watch, name="pmlaunch-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Interrupt nobody any more: the script has ended."""
        self._ended.set()

    def _reason(self) -> StopReason | None:
        limit, stop_file = self._limits.max_seconds, self._limits.stop_file
        if limit is not None and elapsed() >= limit:
            return StopReason.MAX_SECONDS
        if stop_file is not None and os.path.exists(stop_file):
            return StopReason.STOP_FILE
        return None

    def _watch(self) -> None:
        while not self._ended.wait(_PERIOD):
            reason = self._reason()
            if reason:
                self._journal.stopping(reason)
                _interrupt_main_thread()
                return


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # A real signal also ends a sleep or a wait for a socket.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
