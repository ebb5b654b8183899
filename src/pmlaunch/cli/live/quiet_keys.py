"""Keep keys that are pressed during a live display from being echoed into it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def no_echo() -> Iterator[None]:
    """Switch the echo of the terminal on stderr off, and back on at the end, however that comes.

    Ctrl+C still works, and what is typed reaches the shell afterwards. Does nothing on Windows, where a console shows
    keys only while a program reads them, and in a background job, which the terminal would stop.
    """
    before = _echo_off()
    try:
        yield
    finally:
        if before is not None and _in_foreground():
            _set(before)


if sys.platform == "win32":

    def _echo_off() -> None:
        return None

    def _set(attributes: None) -> None: ...

else:
    import termios
    from typing import Any

    def _echo_off() -> list[Any] | None:
        """Switch the echo off. Returns the attributes to restore; None if there is nothing to do."""
        try:
            before = termios.tcgetattr(sys.stderr) if _in_foreground() else None
        except termios.error:
            return None
        if before is not None:
            _set([*before[:3], before[3] & ~(termios.ECHO | termios.ECHONL), *before[4:]])
        return before

    def _set(attributes: list[Any]) -> None:
        with contextlib.suppress(termios.error, OSError, ValueError):  # the terminal may be gone
            termios.tcsetattr(sys.stderr, termios.TCSADRAIN, attributes)


def _in_foreground() -> bool:
    """Whether stderr is this process's terminal, and the process may change it."""
    try:
        return sys.platform != "win32" and os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # no terminal; no file; a stream in memory
        return False
