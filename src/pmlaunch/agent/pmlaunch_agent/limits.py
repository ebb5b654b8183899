"""Ending a run that does not end by itself: a time limit, a file that the launcher creates, Ctrl+C."""

from __future__ import annotations

import _thread
import os
import signal
import threading

from pmlaunch_agent import elapsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pmlaunch_agent.record import Record

_PERIOD = 0.25  # seconds between two looks at the clock and the file


def accept_interrupts() -> None:
    """Ctrl+C and, on Windows, Ctrl+Break raise KeyboardInterrupt, even if the parent process ignores them.

    CTRL_BREAK_EVENT is the only polite signal for a Windows process group.
    """
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def refuse_interrupts() -> None:
    """Ctrl+C does nothing: the script has ended and its verdict is being written."""
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _ignore)


def _ignore(_signum: int, _frame: Any) -> None:
    """Not SIG_IGN, which child processes would inherit."""


class Watchdog:
    """Raises KeyboardInterrupt in the main thread when the time is up or the stop file is there.

    A main thread that sits in C code does not hear it: then the launcher ends the process.

    Args:
        record: told the reason.
        max_seconds: since the start of the agent; None for no limit.
        stop_file: a path; None for none.
    """

    def __init__(self, record: Record, max_seconds: float | None, stop_file: str | None):
        self._record = record
        self._max_seconds = max_seconds
        self._stop_file = stop_file
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to watch, if there is anything to watch."""
        if self._max_seconds is not None or self._stop_file is not None:
            threading.Thread(target=self._watch, name="pmlaunch-watchdog", daemon=True).start()

    def stop(self) -> None:
        """The script has ended: interrupt nobody any more."""
        self._ended.set()

    def _reason(self) -> str | None:
        if self._max_seconds is not None and elapsed() >= self._max_seconds:
            return "max_seconds"
        if self._stop_file is not None and os.path.exists(self._stop_file):
            return "stop_file"
        return None

    def _watch(self) -> None:
        while not self._ended.wait(_PERIOD):
            reason = self._reason()
            if reason:
                self._record.stopping(reason)
                _interrupt_main_thread()
                return


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # A real signal also ends a sleep or a wait for a socket.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
