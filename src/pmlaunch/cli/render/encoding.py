"""Output that the console's code page cannot encode: it must neither raise nor shift the columns of a table."""

from __future__ import annotations

import codecs
from typing import Any

_REPLACE = "pmlaunch.replace"  # an error handler: one "?" for each column that an unencodable character takes


def replace_unencodable(stream: Any) -> None:
    """Let `stream` replace what it cannot encode."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_REPLACE)


def is_utf8(stream: Any) -> bool:
    """Whether `stream` encodes as UTF-8."""
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def can_show(encoding: str | None, text: str) -> bool:
    """Whether a console with this encoding can show `text` unchanged."""
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    # a table is laid out before it is encoded, so the replacement must be as wide as what it replaces
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from rich.cells import cell_len

    return "?" * cell_len(error.object[error.start : error.end]), error.end


codecs.register_error(_REPLACE, _question_marks)
