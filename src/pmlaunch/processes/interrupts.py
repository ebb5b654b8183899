"""Count requests to end (Ctrl+C, SIGTERM, SIGHUP, Ctrl+Break) instead of raising an exception at an arbitrary point.

Python swallows a KeyboardInterrupt that is raised inside a destructor or a callback, and the run would continue as if
nothing had happened.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """While entered, `count` is the number of requests to end so far. It stays 0 off the main thread."""

    def __init__(self) -> None:
        self.count = 0
        self._previous: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                # a process started to ignore a signal (nohup, a shell's background job) keeps ignoring it
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def raise_if_any(self) -> None:
        """Raise the KeyboardInterrupt that was held back."""
        if self.count:
            raise KeyboardInterrupt

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
