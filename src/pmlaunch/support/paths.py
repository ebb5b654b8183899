"""Paths as users type them: relative to one of several folders, and sometimes mistyped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pmlaunch.errors import PmlaunchError

_MOST_ENTRIES = 1000  # of a folder: a folder of motions may hold tens of thousands
_MOST_FOLDERS = 50
_LONG, _LONG_UNC = "\\\\?\\", "\\\\?\\UNC\\"


class Place(NamedTuple):
    """A folder that a relative path may start from; `label` describes it in messages."""

    folder: Path
    label: str = ""


def expanded(typed: str | Path) -> Path:
    """The path with ~ replaced by the user's folder; as it is for an unknown user, where Path.expanduser() raises."""
    return Path(os.path.expanduser(typed))  # noqa: PTH111


def real_path(path: str | Path) -> Path:
    r"""The absolute path without links.

    For what appears or vanishes meanwhile, Windows' realpath may return a path that begins with \\?\.
    """
    real = os.path.realpath(path)
    if os.name == "nt" and not str(path).startswith(_LONG):
        real = f"\\\\{real[len(_LONG_UNC) :]}" if real.startswith(_LONG_UNC) else real.removeprefix(_LONG)
    return Path(real)


def find_path(typed: str, places: Sequence[Place]) -> tuple[Path, Place]:
    """The path in the first of `places` that has it; where none has, in the first of all."""
    inner = expanded(typed)
    found = (place for place in places if os.path.exists(place.folder / inner))  # noqa: PTH110 (exists() may raise)
    place = next(found, places[0])
    return place.folder / inner, place


def did_you_mean_path(path: Path, folders: Sequence[Path]) -> str:
    """A sentence with the existing path nearest to `path`, which does not exist; empty if none is near.

    What `path` is relative to the first of `folders` is looked for in each of them. Only a few folders are listed.
    """
    if path.is_relative_to(folders[0]):
        starts = [(folder, path.relative_to(folders[0]).parts) for folder in folders]
    else:
        starts = [(Path(path.anchor), path.parts[1:])]
    listings = iter(range(_MOST_FOLDERS))
    found = (near for start, parts in starts for near in _nearest(start, parts, listings))
    near = next(found, None)
    return f" Did you mean {near}?" if near else ""


def _nearest(start: Path, parts: Sequence[str], listings: Iterator[int]) -> Iterator[Path]:
    """The paths below `start` whose parts are `parts` or like them, the most alike first."""
    from difflib import get_close_matches  # slow to import, rarely needed

    if not parts:
        yield start
    elif parts[0] in (".", "..") or os.path.exists(start / parts[0]):  # noqa: PTH110 (see find_path)
        yield from _nearest(start / parts[0], parts[1:], listings)
    elif next(listings, None) is not None:
        # nobody plays source code
        folded = {name.casefold(): name for name in names_in(start) if not name.endswith(".py")}
        for match in get_close_matches(parts[0].casefold(), list(folded), n=3, cutoff=0.6):
            yield from _nearest(start / folded[match], parts[1:], listings)


def is_remote(text: str) -> bool:
    r"""Whether a path names another computer (\\host\share) or a device: Windows would send the host a password hash.

    A long path of this computer (\\?\C:\...) is neither. The answer is the same on every system.
    """
    plain = text.replace("\\", "/")
    return plain.startswith("//") and not re.match(r"//\?/[A-Za-z]:/", plain)


def refuse_remote(text: str, named_by: object) -> str:
    """`text`, a path that a file of unknown origin names. Raises PML147 before anything opens it on another computer."""
    if is_remote(text):
        message = f"{named_by} contains a path on another computer, to which Windows could reveal your password: {text}"
        raise PmlaunchError(
            "PML147", message, hint=f"copy the data to this computer and correct {named_by}", subject=text
        )
    return text


def refuse_remote_in(document: object, named_by: object) -> None:
    """Raise PML147 if a text in a document of mappings and lists is such a path."""
    waiting, seen = [document], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            refuse_remote(value, named_by)
        elif isinstance(value, (dict, list)) and id(value) not in seen:  # aliases of YAML lead to one object many times
            seen.add(id(value))
            waiting += [*value, *value.values()] if isinstance(value, dict) else value


def names_in(folder: Path) -> list[str]:
    """The names in `folder` in alphabetical order; only some of a large folder, none of a missing one."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in islice(entries, _MOST_ENTRIES))
    except OSError:
        return []
