"""Forgiving name lookup: maskmimic, Masked-Mimic and masked_mimic mean the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pmlaunch.errors import AmbiguousNameError, UnknownNameError, did_you_mean

T = TypeVar("T")


def fold(name: str) -> str:
    """Reduce `name` to its lower-case letters and digits."""
    return "".join(character for character in name.casefold() if character.isalnum())


def choose(
    kind: str,
    wanted: str,
    things: Iterable[T],
    names_of: Callable[[T], Sequence[str]],
    *,
    listing: str,
) -> T:
    """Return the one of `things` that `wanted` names in full, else by a unique prefix of three or more letters.

    `names_of` gives a thing's names, the proper one first. Errors call the things `kind` and hint at the command `listing`.

    Raises:
        PmlaunchError: PML010 nothing matches, with the nearest names; PML011 several do, with their names.
    """
    known = list(things)
    key = fold(wanted)
    found = [thing for thing in known if key in {fold(name) for name in names_of(thing)}]
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
