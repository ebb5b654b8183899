"""Ctrl+C as a count that the run looks at, not as an exception that may strike anywhere.

A KeyboardInterrupt can be raised inside a destructor or a callback, where Python swallows it: the run would go on as
if nothing had been asked. The same holds for a polite request to end (SIGTERM, SIGHUP, Ctrl+Break).
"""

from __future__ import annotations

import signal
import threading
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupts(AbstractContextManager["Interrupts"]):
    """While entered, `count` says how often the run was asked to end. On another thread than the main one: never."""

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                # who was started to ignore a signal (nohup, a shell's background job) goes on ignoring it
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
