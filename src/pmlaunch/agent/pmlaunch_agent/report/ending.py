"""How a script ended: exit code, exception, and who stopped it."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Any

EXIT_INTERRUPTED = 130
_LONGEST_MESSAGE = 20_000  # characters
_LONGEST_TRACEBACK = 200_000  # characters; the end is the most useful part
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class StopReason(str, Enum):
    """Why the agent ended a run."""

    MAX_STEPS = "max_steps"
    MAX_SECONDS = "max_seconds"
    STOP_FILE = "stop_file"
    WINDOW_CLOSED = "window_closed"
    INTERRUPT = "interrupt"


class StopRun(SystemExit):
    """Raised by the agent to end the script cleanly. A SystemExit passes through `except Exception`."""

    def __init__(self) -> None:
        super().__init__(0)


class Ending:
    """How a run ended.

    Attributes:
        exit_code: of the process, as Python itself would end it; 130 for an interrupt.
        exception: {type, message, traceback} or None.
        interrupted: whether KeyboardInterrupt ended it.
    """

    def __init__(self, exit_code: int, cause: BaseException | None = None) -> None:
        self.exit_code = exit_code
        self.exception = describe(cause) if cause is not None else None
        self.interrupted = isinstance(cause, KeyboardInterrupt)


def ending_of(error: BaseException | None) -> Ending:
    """The ending of a script that raised `error`; None if it ran to its end."""
    if error is None:
        return Ending(0)
    if isinstance(error, SystemExit):
        return _ending_by_exit(error)
    return Ending(EXIT_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1, error)


def _ending_by_exit(error: SystemExit) -> Ending:
    if error.code is None:
        return Ending(0)
    if not isinstance(error.code, int):
        return Ending(1, error)
    # Hydra and many scripts do `except Exception: print(...); sys.exit(1)`: report the cause, not the exit.
    handled = None if error.__suppress_context__ else error.__context__
    return Ending(int(error.code), handled if error.code else None)


def describe(error: BaseException) -> dict[str, Any]:
    """{type, message, traceback} of an exception.

    If it was raised `from` another, `cause` is {type, message} of the first in the chain: Hydra wraps exceptions in
    its own.
    """
    import traceback  # 4 ms that only a failed run costs

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    described: dict[str, Any] = {**_named(error), "traceback": "".join(lines)[-_LONGEST_TRACEBACK:]}
    first, seen = error, {id(error)}
    while first.__cause__ is not None and id(first.__cause__) not in seen:
        first = first.__cause__
        seen.add(id(first))
    if first is not error:
        described["cause"] = _named(first)
    return described


def _named(error: BaseException) -> dict[str, str]:
    kind = type(error)
    try:
        message = str(error)
    except Exception:
        message = "<the exception's text cannot be made>"
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}".replace("builtins.", "", 1),
        "message": message[:_LONGEST_MESSAGE],
    }


def show(error: BaseException) -> None:
    """Print to stderr what Python prints for an uncaught exception."""
    if isinstance(error, KeyboardInterrupt):
        return  # the launcher asked for it; result.json has the traceback
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        return
    sys.excepthook(type(error), error, error.__traceback__)


def without_agent(error: BaseException) -> BaseException:
    """`error` with a traceback that begins in the script, as if Python had run it directly."""
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        first = first.tb_next
    return error.with_traceback(first) if first else error
