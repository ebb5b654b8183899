r"""Quote values for Hydra overrides so that Hydra and OmegaConf return the same value.

Text goes between single quotes. Hydra's lexer treats a backslash as an escape only before a quote, so backslashes are
doubled there (and at the end, before the closing quote) and nowhere else: a Windows path stays readable. OmegaConf then
reads `${` as an interpolation unless a backslash precedes it. Measured with Hydra 1.3.2; the tests in tests/property
verify it with Hypothesis. The only exception is the text `???`, which OmegaConf reserves for missing values.
"""

from __future__ import annotations

import re

_INTERPOLATION = re.compile(r"(\\*)\$\{")
_QUOTE = re.compile(r"(\\*)'")
_END = re.compile(r"(\\+)\Z")

# eval_agent.py scans sys.argv as text: an argument that contains the word "simulator" and, after its last "=", the name of
# a simulator package makes it import that package. A path may contain both, so the word is split by an interpolation
# that resolves to its second half.
_SCANNED = "simulator"
_PACKAGES = ("isaacgym", "isaaclab", "genesis")
_BROKEN_UP = "simul${oc.decode:ator}"


def quoted(text: str) -> str:
    """`text` as the right-hand side of an override that Hydra and OmegaConf turn back into the same text."""
    return _between_quotes(_INTERPOLATION.sub(r"\1\1\\${", text))


def _between_quotes(escaped: str) -> str:
    inner = _END.sub(r"\1\1", _QUOTE.sub(r"\1\1\\'", escaped))
    return f"'{inner}'"


Plain = str | int | float | bool | None


def value_text(value: Plain | list[Plain]) -> str:
    """`value` as the right-hand side of an override that keeps its type: 4 stays a number, 'null' a text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{','.join(value_text(item) for item in value)}]"
    return quoted(value)


def value_override(key: str, value: Plain | list[Plain]) -> str:
    """`++key=value`, safe from upstream's scan of its arguments."""
    text = f"++{key}={value_text(value)}"
    if isinstance(value, str) and is_scanned(text):
        pieces = [_INTERPOLATION.sub(r"\1\1\\${", piece) for piece in value.split(_SCANNED)]
        text = f"++{key}={_between_quotes(_BROKEN_UP.join(pieces))}"
    return text


def is_scanned(argument: str) -> bool:
    """Whether eval_agent.py's scan would read `argument` as the choice of a simulator."""
    return _SCANNED in argument and any(name in argument.rsplit("=", maxsplit=1)[-1] for name in _PACKAGES)
