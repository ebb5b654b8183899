"""The exception for every error reported to the user. Its code determines the exit code.

The message says what happened and why; `hint` is the next command to run. `codes.py` holds the general cause and
fix for each code. An error that code reacts to is a subclass.
"""

from __future__ import annotations

from collections.abc import Sequence

from pmlaunch.codes import CODES


class PmlaunchError(Exception):
    """A failure reported to the user as a sentence, never as a traceback.

    Args:
        code: a key of `codes.CODES`.
        message: what happened and why, in one or two lines.
        hint: the next command to run, if there is one.
        subject: what the error is about: a path, a name, an override.
    """

    def __init__(self, code: str, message: str, *, hint: str | None = None, subject: str | None = None) -> None:
        super().__init__(message)
        self.code = CODES[code].code
        self.message = message
        self.hint = hint
        self.subject = subject

    @property
    def exit_code(self) -> int:
        """The exit code of a command that fails with this error."""
        return CODES[self.code].exit_code

    def __json__(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "hint": self.hint, "subject": self.subject}


class _FixedCodeError(PmlaunchError):
    CODE: str

    def __init__(self, message: str, *, hint: str | None = None, subject: str | None = None) -> None:
        super().__init__(self.CODE, message, hint=hint, subject=subject)


class NoCheckoutError(_FixedCodeError):
    """No ProtoMotions checkout was found."""

    CODE = "PML012"


class UnknownNameError(_FixedCodeError):
    """Nothing has the given name."""

    CODE = "PML010"


class AmbiguousNameError(_FixedCodeError):
    """The given name fits several things."""

    CODE = "PML011"


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """A sentence such as " Did you mean a, b or c?" that names the closest of `choices`; empty if none is close."""
    from difflib import get_close_matches  # slow to import, rarely needed

    folded = {choice.casefold(): choice for choice in choices}
    near = [folded[match] for match in get_close_matches(word.casefold(), list(folded), n=3, cutoff=0.6)]
    if not near:
        return ""
    *first, last = near
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"
