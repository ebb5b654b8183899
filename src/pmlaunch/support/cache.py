"""A cache of small JSON documents, keyed by the sha256 of everything they were made from.

A key holds content, not times: an entry can be wrong only if the content that made it is the same. A cache
that cannot be read or written is no cache; nothing fails because of it. `PMLAUNCH_CACHE` moves it, and
`PMLAUNCH_CACHE=off` turns it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pmlaunch.support.atomic import write_text

KINDS = ("configs", "frozen", "imports", "motions", "overrides")
"""Every kind of document that is kept: the folders of the cache that are ours."""
_KEEP = 500
# a key in hex; what write_text leaves when its process is killed has the entry's name inside its own
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_HALF = re.compile(r"\.[0-9a-f]{64}\.json\.\w+\.tmp")


def content_key(*parts: bytes | str) -> str:
    """sha256 over `parts`, each with its length in front, so that no two lists collide by joining."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def tree_content(folder: Path, suffix: str) -> Iterable[bytes | str]:
    """Names and bytes of every file with `suffix` below `folder`, in a fixed order, for `content_key`."""
    for path in sorted(folder.rglob(f"*{suffix}")):
        yield path.relative_to(folder).as_posix()
        yield path.read_bytes()


class JsonCache:
    """Documents of one `kind`, one file each."""

    def __init__(self, kind: str) -> None:
        root = cache_root()
        self._folder = root / kind if root else None

    def get(self, key: str) -> Any | None:
        if self._folder is None:
            return None
        try:
            return json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, key: str, document: Any) -> None:
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_text(self._folder / f"{key}.json", json.dumps(document))
            self._prune(self._folder)

    @staticmethod
    def _prune(folder: Path) -> None:
        """Keep the newest entries; the others were made from content that has changed since."""
        entries = entries_of(folder)
        if len(entries) > _KEEP:
            entries.sort(key=lambda path: path.stat().st_mtime)
            for path in entries[: len(entries) - _KEEP]:
                path.unlink(missing_ok=True)


def entries_of(folder: Path) -> list[Path]:
    """The entries in the folder of a kind. PMLAUNCH_CACHE may name a folder that holds other things as well."""
    return sorted(path for path in folder.glob("*.json") if _ENTRY.fullmatch(path.name))


def half_written_in(folder: Path) -> list[Path]:
    """What a writer of entries left, or is writing now."""
    return sorted(path for path in folder.glob(".*.tmp") if _HALF.fullmatch(path.name))


def cache_root() -> Path | None:
    """The folder of all kinds; None when the cache is off."""
    setting = os.environ.get("PMLAUNCH_CACHE")
    if setting == "off":
        return None
    if setting:
        return Path(setting)
    from platformdirs import user_cache_path

    return user_cache_path("pmlaunch", appauthor=False)
