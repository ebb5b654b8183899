"""Output that the console's code page cannot encode: it must neither raise nor shift the columns of a table."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

REPLACE = "pmlaunch.replace"
"""The error handler of stdout and stderr: one "?" for each column that an unencodable character takes."""


def replace_unencodable(stream: Any) -> None:
    """Let `stream` replace what it cannot encode."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=REPLACE)


def is_utf8(stream: Any) -> bool:
    """Whether `stream` encodes as UTF-8."""
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def symbol(console: Console, fancy: str, plain: str) -> str:
    """`fancy`, or `plain` on a console that is limited to ASCII."""
    return plain if console.options.ascii_only else fancy


def can_show(stream_encoding: str | None, text: str) -> bool:
    """Whether a console with this encoding can show `text` unchanged."""
    try:
        text.encode(stream_encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    # a table is laid out before it is encoded, so the replacement must be as wide as what it replaces
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from rich.cells import cell_len

    return "?" * cell_len(error.object[error.start : error.end]), error.end


codecs.register_error(REPLACE, _question_marks)
