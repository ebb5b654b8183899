"""Names that forgive: maskmimic, Masked-Mimic and masked_mimic are one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pmlaunch.errors import AmbiguousNameError, UnknownNameError, did_you_mean

T = TypeVar("T")


def fold(name: str) -> str:
    """`name` without case, blanks, dashes and underscores."""
    return "".join(character for character in name.casefold() if character.isalnum())


def choose(
    kind: str,
    wanted: str,
    things: Iterable[T],
    names_of: Callable[[T], Sequence[str]],
    *,
    listing: str,
) -> T:
    """The one of `things` that `wanted` names; the first of `names_of(thing)` is its proper name.

    A whole name or alias wins; else a unique beginning of a name (at least three letters).
    Raises PML010 with the nearest names, or PML011 with the candidates when several answer.
    """
    known = list(things)
    key = fold(wanted)
    whole = [thing for thing in known if key in {fold(name) for name in names_of(thing)}]
    found = whole
    if not found and len(key) >= 3:
        found = [thing for thing in known if any(fold(name).startswith(key) for name in names_of(thing))]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(names_of(thing)[0] for thing in found)
        message = f"{kind.capitalize()} {wanted!r} is ambiguous: {choices}."
        raise AmbiguousNameError(message, hint=listing, subject=wanted)
    near = did_you_mean(wanted, [name for thing in known for name in names_of(thing)])
    raise UnknownNameError(f"No {kind} is called {wanted!r}.{near}", hint=listing, subject=wanted)
