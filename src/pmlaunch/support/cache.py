"""A cache of small JSON documents, keyed by the sha256 of everything they were made from.

Keys hash content, not timestamps, so an entry never goes stale. A cache that cannot be read or written is treated as
empty and fails nothing. `PMLAUNCH_CACHE` names its folder; `PMLAUNCH_CACHE=off` turns it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pmlaunch.support.atomic import write_text
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import dumps, read_json

KINDS = ("configs", "imports", "motions", "overrides", "sources", "timings", "yaml")
"""The kinds of documents, each in a folder of its own."""
_KEEP = 500
# entries are named by their key; a killed writer leaves a temporary file with the entry's name in its own
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_HALF = re.compile(r"\.[0-9a-f]{64}\.json\.\w+\.tmp")


def content_key(*parts: bytes | str) -> str:
    """sha256 over `parts`, each preceded by its length so that lists which join to the same bytes differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def tree_content(folder: Path, suffix: str) -> Iterable[bytes | str]:
    """Yield name and content of every file with `suffix` below `folder`, in a fixed order, for `content_key`.

    Raises OSError for a file that cannot be read, is no ordinary file or has more than 4 MB.
    """
    for path in sorted(folder.rglob(f"*{suffix}")):
        yield path.relative_to(folder).as_posix()
        yield read_bytes(path)


class JsonCache:
    """The documents of one of `KINDS`."""

    def __init__(self, kind: str) -> None:
        root = cache_root()
        self._folder = root / kind if root else None

    def get(self, key: str) -> Any | None:
        """The document stored under `key`; None if there is none."""
        return read_json(self._folder / f"{key}.json") if self._folder else None

    def put(self, key: str, document: Any) -> None:
        """Store `document`, and drop the oldest entries beyond a few hundred. Raises TypeError if it is not JSON."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError, ValueError):  # what JSON would change is not kept
            text = dumps(document, exact=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_text(self._folder / f"{key}.json", text)
            if len(entries := entries_of(self._folder)) > _KEEP:  # the oldest belong to content that has changed since
                for path in sorted(entries, key=lambda path: path.stat().st_mtime)[:-_KEEP]:
                    path.unlink(missing_ok=True)


def entries_of(folder: Path) -> list[Path]:
    """The entries in the folder of a kind, which may hold foreign files if PMLAUNCH_CACHE names a shared folder."""
    return sorted(path for path in folder.glob("*.json") if _ENTRY.fullmatch(path.name))


def half_written_in(folder: Path) -> list[Path]:
    """Temporary files of writers that were killed or are still writing."""
    return sorted(path for path in folder.glob(".*.tmp") if _HALF.fullmatch(path.name))


def cache_root() -> Path | None:
    """The folder that holds all kinds; None if the cache is off."""
    setting = os.environ.get("PMLAUNCH_CACHE")
    if setting == "off":
        return None
    if setting:
        return Path(setting)
    from platformdirs import user_cache_path

    return user_cache_path("pmlaunch", appauthor=False)
