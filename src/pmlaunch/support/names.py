"""Forgiving name lookup: maskmimic, Masked-Mimic and masked_mimic mean the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from pmlaunch.errors import AmbiguousNameError, UnknownNameError, nearest, proposal

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
        raise AmbiguousNameError(message, fix=listing, subject=wanted)
    near = nearest(wanted, {name: names_of(thing)[0] for thing in known for name in names_of(thing)})
    raise unknown_name(f"No {kind} is called {wanted!r}.", wanted, near, listing)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name fits one of these patterns of the shell, whatever its case."""
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def fitting(pattern: str, things: Mapping[str, T]) -> list[T]:
    """The things that have this name; if none has, those whose names fit it as a pattern."""
    if pattern in things:
        return [things[pattern]]
    return [thing for name, thing in things.items() if matches(name, (pattern,))]


def unknown_name(message: str, wanted: str, near: Sequence[str], listing: str) -> UnknownNameError:
    """The error for a name that nothing has, with the names `near` it. `listing` is the command that lists all."""
    error = UnknownNameError(message + proposal(near), fix=listing, subject=wanted)
    error.nearest = next(iter(near), None)
    return error
