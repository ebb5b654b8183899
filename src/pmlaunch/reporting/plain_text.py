"""Clean untrusted text for display: remove control characters and limit its length."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST: Final = 400  # characters
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)"
)  # colours and titles of a terminal
_KEPT: Final = "\n\t"


def plain(text: object, longest: int = _LONGEST) -> str:
    """`text` on one line, without control, format and surrogate characters, cut to `longest` characters."""
    return " ".join(plain_lines(str(text)[: 4 * longest], longest).split())


def plain_lines(text: str, longest: int) -> str:
    """The same with its lines kept. What is left out is shown as U+FFFD, terminal colours not at all."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join("\ufffd" if each not in _KEPT and _is_hidden(each) else each for each in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _is_hidden(character: str) -> bool:
    """Whether a character is invisible, reorders its neighbours (U+202E) or cannot be encoded."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
