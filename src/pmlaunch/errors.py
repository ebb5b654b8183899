"""The exception for every error reported to the user. Its code determines the exit code.

The message says what happened and why; `hint` is the next command to run. `codes.py` holds the general cause and
fix for each code. An error that code reacts to is a subclass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pmlaunch.codes import CODES


class PmlaunchError(Exception):
    """A failure reported to the user as a sentence, never as a traceback.

    Args:
        code: a key of `codes.CODES`.
        message: what happened and why, in one or two lines.
        hint: what to do next, in words; `fix` if it is left out.
        fix: a complete command to run next.
        subject: what the error is about: a path, a name, an override.
    """

    retry: Mapping[str, str | bool | None] | None = None

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, fix: str | None = None, subject: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = CODES[code].code
        self.message = message
        self.hint = hint or fix
        self.fix = fix
        self.subject = subject

    def retrying(self, options: Mapping[str, str | bool | None]) -> PmlaunchError:
        """This error, after which the same command works with `options`: a value, True for a flag, None without it.

        The command line, which knows what was typed, makes `fix` of them.
        """
        self.retry = options
        self.hint = self.hint or ", ".join(
            f"leave out {name}" if value is None else name if value is True else f"{name} {_quoted(str(value))}"
            for name, value in options.items()
        )
        return self

    @property
    def exit_code(self) -> int:
        """The exit code of a command that fails with this error."""
        return CODES[self.code].exit_code

    def __json__(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "hint": self.hint, "subject": self.subject}


class _FixedCodeError(PmlaunchError):
    CODE: str

    def __init__(
        self, message: str, *, hint: str | None = None, fix: str | None = None, subject: str | None = None
    ) -> None:
        super().__init__(self.CODE, message, hint=hint, fix=fix, subject=subject)


class NoCheckoutError(_FixedCodeError):
    """No ProtoMotions checkout was found."""

    CODE = "PML012"


class UnknownNameError(_FixedCodeError):
    """Nothing has the given name. `nearest` is the name that was probably meant."""

    CODE = "PML010"
    nearest: str | None = None


class OtherRobotError(UnknownNameError):
    """The name is that of another robot's motion."""

    CODE = "PML024"


class AmbiguousNameError(_FixedCodeError):
    """The given name fits several things."""

    CODE = "PML011"


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w.-]+", value) else f'"{value}"'


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """A sentence such as " Did you mean a, b or c?" that names the closest of `choices`; empty if none is close."""
    return proposal(nearest(word, {choice: choice for choice in choices}))


def proposal(near: Sequence[str]) -> str:
    """The sentence that proposes these names; empty if there are none."""
    if not near:
        return ""
    *first, last = near
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"


def nearest(word: str, spellings: Mapping[str, str]) -> list[str]:
    """The closest names, the best first, each once. `spellings` maps every accepted spelling to the name to propose."""
    from difflib import get_close_matches  # slow to import, rarely needed

    folded = {spelling.casefold(): name for spelling, name in reversed(list(spellings.items()))}
    matches = get_close_matches(word.casefold(), list(folded), n=9, cutoff=0.6)
    return list(dict.fromkeys(folded[match] for match in matches))[:3]
