"""How a script ended: exit code, exception, and who stopped it."""

from __future__ import annotations

import os
import sys
from typing import Any

EXIT_INTERRUPTED = 130
_LONGEST_TEXT = 2_000  # characters of an error in a note
_LONGEST_MESSAGE = 20_000  # characters
_LONGEST_TRACEBACK = 200_000  # characters; the end is the most useful part
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class StopRun(SystemExit):
    """Raised by the agent to end the script with code 0. A SystemExit passes through `except Exception`."""


def ending_of(error: BaseException | None) -> tuple[int, BaseException | None]:
    """The exit code of a script that raised `error`, as Python itself would end it, and the exception to report."""
    if error is None:
        return 0, None
    if not isinstance(error, SystemExit):
        return EXIT_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1, error
    if error.code is None:
        return 0, None
    if not isinstance(error.code, int):
        return 1, error
    # Hydra and many scripts do `except Exception: print(...); sys.exit(1)`: report the cause, not the exit.
    handled = None if error.__suppress_context__ else error.__context__
    return int(error.code), handled if error.code else None


def describe(error: BaseException) -> dict[str, Any]:
    """{type, message, traceback} of an exception, and as `cause` the first that it was raised `from`: Hydra wraps."""
    import traceback  # 4 ms that only a failed run costs

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    described: dict[str, Any] = {**_named(error), "traceback": "".join(lines)[-_LONGEST_TRACEBACK:]}
    first, seen = error, {id(error)}
    while first.__cause__ is not None and id(first.__cause__) not in seen:
        first = first.__cause__
        seen.add(id(first))
    return described if first is error else {**described, "cause": _named(first)}


def _named(error: BaseException) -> dict[str, str]:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".replace("builtins.", "", 1)
    return {"type": name, "message": _message(error)[:_LONGEST_MESSAGE]}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<the exception's text cannot be made>"


def error_text(error: BaseException) -> str:
    """Type and message of an error, for a note."""
    return f"{type(error).__name__}: {_message(error)}"[:_LONGEST_TEXT]


def show(error: BaseException) -> None:
    """Print to stderr what Python prints for an uncaught exception."""
    if isinstance(error, KeyboardInterrupt):
        return  # the launcher asked for it; result.json has the traceback
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
    elif error.code is not None and not isinstance(error.code, int):
        print(error.code, file=sys.stderr)


def without_agent(error: BaseException) -> BaseException:
    """`error` with a traceback that begins in the script, as if Python had run it directly."""
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        first = first.tb_next
    return error.with_traceback(first) if first else error
