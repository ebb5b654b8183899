"""Recognise what another program's output means by known patterns in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Sign:
    """A pattern in another program's output, and the error code it stands for."""

    pattern: str  # a regular expression; case is ignored
    code: str
    meaning: str | None = None  # for people; None if the code's own text will do
    hint: str | None = None

    def found_in(self, text: str) -> bool:
        """Return whether `text` shows this sign."""
        return self._compiled.search(text) is not None

    def line_in(self, lines: Iterable[str]) -> str | None:
        """Return the first of `lines` that shows this sign."""
        return next((line for line in lines if self.found_in(line)), None)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)


def find_sign(signs: Iterable[Sign], text: str) -> Sign | None:
    """Return the first of `signs` in `text`. Tables list the most telling signs first."""
    return next((sign for sign in signs if sign.found_in(text)), None)
