"""Every error that a user can meet: one exception, whose code tells its exit code.

A message says what happened and why; `hint` is the next command to type. The code's general cause and cure
stand in `codes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pmlaunch.codes import CODES


class PmlaunchError(Exception):
    """A failure that the user is told in a sentence, never with a traceback.

    Args:
        code: an entry of `codes.CODES`; it gives the exit code.
        message: what happened and why, one or two lines.
        hint: the next command to type, if there is one.
        subject: what it is about: a path, a name, an override.
    """

    def __init__(self, code: str, message: str, *, hint: str | None = None, subject: str | None = None):
        super().__init__(message)
        self.code = CODES[code].code
        self.message = message
        self.hint = hint
        self.subject = subject

    @property
    def exit_code(self) -> int:
        return CODES[self.code].exit_code


class NoCheckoutError(PmlaunchError):
    """No ProtoMotions checkout was found (PML012)."""

    def __init__(self, message: str, *, hint: str | None = None, subject: str | None = None):
        super().__init__("PML012", message, hint=hint, subject=subject)


class OtherGenerationError(PmlaunchError):
    """The request fits another generation of ProtoMotions than the checkout's (PML013)."""

    def __init__(self, message: str, *, hint: str | None = None, subject: str | None = None):
        super().__init__("PML013", message, hint=hint, subject=subject)


class UnknownNameError(PmlaunchError):
    """Nothing has the given name (PML010)."""

    def __init__(self, message: str, *, hint: str | None = None, subject: str | None = None):
        super().__init__("PML010", message, hint=hint, subject=subject)


class AmbiguousNameError(PmlaunchError):
    """The given name fits several things (PML011)."""

    def __init__(self, message: str, *, hint: str | None = None, subject: str | None = None):
        super().__init__("PML011", message, hint=hint, subject=subject)


def did_you_mean(word: str, choices: Sequence[str], limit: int = 3) -> str:
    """ " Did you mean a, b or c?" for the nearest of `choices`; empty when none is near."""
    from difflib import get_close_matches  # only for those who mistype

    folded = {choice.casefold(): choice for choice in choices}
    near = [folded[match] for match in get_close_matches(word.casefold(), list(folded), n=limit, cutoff=0.6)]
    if not near:
        return ""
    *first, last = near
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"
