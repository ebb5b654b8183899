"""From how the script ended to what the verdict says: exit code, exception, who stopped it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXIT_INTERRUPTED = 130
_LONGEST_MESSAGE = 20_000  # characters
_LONGEST_TRACEBACK = 200_000  # characters; the end tells most


class StopRun(SystemExit):
    """Raised by the agent to end the script cleanly. `except Exception` lets a SystemExit pass."""

    def __init__(self) -> None:
        super().__init__(0)


class Outcome:
    """How a run ended.

    Attributes:
        exit_code: of the process, as Python itself would end it; 130 for an interrupt.
        exception: {type, message, traceback} or None.
        interrupted: did KeyboardInterrupt end it?
    """

    def __init__(self, exit_code: int, cause: BaseException | None = None):
        self.exit_code = exit_code
        self.exception = describe(cause) if cause is not None else None
        self.interrupted = isinstance(cause, KeyboardInterrupt)


def outcome_of(error: BaseException | None) -> Outcome:
    """The outcome of a script that ended with `error` (None: it came to its end)."""
    if error is None:
        return Outcome(0)
    if isinstance(error, SystemExit):
        return _outcome_of_exit(error)
    return Outcome(EXIT_INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1, error)


def _outcome_of_exit(error: SystemExit) -> Outcome:
    if error.code is None:
        return Outcome(0)
    if not isinstance(error.code, int):
        return Outcome(1, error)
    # `except Exception: print(...); sys.exit(1)`, as Hydra and many scripts do: name the cause, not the exit.
    handled = None if error.__suppress_context__ else error.__context__
    return Outcome(int(error.code), handled if error.code else None)


def describe(error: BaseException) -> dict[str, Any]:
    """{type, message, traceback} of an exception; `cause` is {type, message} of the first one, when it was raised
    from another: Hydra wraps what went wrong in an exception of its own."""
    import traceback  # 4 ms that a run without failure does not pay

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
    """Print on stderr what Python would print for an exception that nobody caught."""
    if isinstance(error, KeyboardInterrupt):
        return  # the launcher asked for it; where it struck stands in the verdict
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        return
    sys.excepthook(type(error), error, error.__traceback__)


def without_agent(error: BaseException) -> BaseException:
    """`error` with a traceback that begins in the script, as if Python had run it itself."""
    own = os.path.dirname(os.path.abspath(__file__))
    first = error.__traceback__
    while first is not None and os.path.dirname(first.tb_frame.f_code.co_filename) == own:
        first = first.tb_next
    return error.with_traceback(first) if first else error
