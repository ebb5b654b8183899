"""Characters that the console's code page lacks: never an error, and never a table whose columns shift."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

REPLACE = "pmlaunch.replace"
"""The error handler of stdout and stderr: a "?" for each column of what cannot be shown."""


def forgive(stream: Any) -> None:
    """Let `stream` replace what it cannot encode."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=REPLACE)


def symbol(console: Console, fancy: str, plain: str) -> str:
    """`fancy`, or `plain` where the console has ASCII only."""
    return plain if console.options.ascii_only else fancy


def can_show(stream_encoding: str | None, text: str) -> bool:
    """Whether a console of this encoding shows `text` as it is."""
    try:
        text.encode(stream_encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    # a table is laid out before it is encoded: what took two columns must go on taking two
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from rich.cells import cell_len

    return "?" * cell_len(error.object[error.start : error.end]), error.end


codecs.register_error(REPLACE, _question_marks)
