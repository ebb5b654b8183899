"""Text for people."""

from __future__ import annotations

import re


def megabytes(size: int) -> str:
    """`size` in bytes with a unit, in decimal units as downloads are counted: "734 bytes", "12 MB", "2.4 GB"."""
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
    return f"{size / 1e6:.0f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def duration(seconds: float, decimals: int = 0) -> str:
    """A duration in at most two units: "40 s" (with `decimals` "40.3 s"), "3 min 20 s", "2 h 5 min"."""
    if round(seconds, decimals) < 60:
        return f"{seconds:.{decimals}f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


OBEYED = (
    "\x7f-\x9f"  # DEL, and controls that some terminals obey as they do ESC [
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the order in which a line is read
    "\u2028\u2029"  # end a line
    "\u00ad\u200b\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff"  # halves of a pair, which no encoding has
)
"""Characters that do something instead of being shown, as the content of a regular expression's [...]; the ASCII
controls are left out. See https://trojansource.codes and Unicode's UAX #9."""
LONGEST = 10_000
"""Characters of the longest text that is shown whole."""
# patterns as texts: re compiles them when they are first used, and most starts of pmlaunch use none
_SEQUENCE = (  # ECMA-48: CSI, then strings such as OSC, then the rest of those that begin with ESC
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,8}[0-~]"
)
_CONTROL = f"[\x00-\x08\x0b-\x1f{OBEYED}]"
# what GitHub, Azure Pipelines and TeamCity take for a command: "::error::" at the start of a line, "##[" anywhere
_COMMAND = r"((?:^|[\r\n])(?:[^\S\r\n]|\x1b\[[\d;]*m)*):(?=:)|(?<=#)(?=#\w*\[)"


def clean(text: str, longest: int = LONGEST) -> str:
    """`text` from outside, for a terminal, a CI log or a report: nothing in it does anything but show.

    Escape sequences are removed, other control characters, those that reorder or hide text and lone surrogates become
    "\N{REPLACEMENT CHARACTER}", commands of CI systems are taken apart, and the end of a very long text is cut. Line breaks stay.
    """
    if len(text) > longest:
        text = f"{text[:longest]}... ({len(text)} characters)"
    text = text.replace("\r\n", "\n")
    return without_commands(re.sub(_CONTROL, "\N{REPLACEMENT CHARACTER}", re.sub(_SEQUENCE, "", text)))


def without_commands(text: str) -> str:
    """`text` in which a CI system finds no command; colours may be in it."""
    return re.sub(_COMMAND, _taken_apart, text)


def clean_line(text: str, longest: int = LONGEST) -> str:
    """`text` as `clean` returns it, on one line."""
    return " ".join(clean(text, longest).split("\n"))


def _taken_apart(found: re.Match[str]) -> str:
    return f"{found[1]}: " if found[1] is not None else " "
