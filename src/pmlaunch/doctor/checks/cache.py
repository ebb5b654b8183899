"""pmlaunch's own cache: what was left half-written in it is of no use, and may be removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.model import Severity
from pmlaunch.support.cache import KINDS, cache_root, entries_of, half_written_in

_OLD = 3600.0  # seconds: nobody takes an hour to write a file of some kB


def _look(_site: Site) -> Seen:
    root = cache_root()
    if root is None:
        return Seen(skipped="PMLAUNCH_CACHE is off")
    left = list(leftovers(root))
    kept = sum(len(entries_of(root / kind)) for kind in KINDS)
    facts = (("cache", f"{root}, {kept} entr{'y' if kept == 1 else 'ies'}"),)
    if not left:
        return Seen(facts)
    message = f"{len(left)} file{'s' if len(left) > 1 else ''} in {root} cannot be used: half-written, or not JSON."
    return Seen(facts, (finding("PML243", Severity.NOTE, message, "pmlaunch doctor --fix", about=str(root)),))


def leftovers(root: Path) -> Iterator[Path]:
    """What cannot be an entry: temporary files of a writer that is gone, and entries that are no JSON.

    Only what bears our names in our folders: PMLAUNCH_CACHE may name a folder of the user's.
    """
    for path in (path for kind in KINDS for path in half_written_in(root / kind)):
        if _age(path) > _OLD:
            yield path
    for path in (path for kind in KINDS for path in entries_of(root / kind)):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            yield path
        except OSError:
            continue


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def fix(_site: Site) -> str | None:
    root = cache_root()
    left = list(leftovers(root)) if root else []
    for path in left:
        path.unlink(missing_ok=True)
    return f"removed {len(left)} unusable file{'s' if len(left) > 1 else ''} from {root}" if left else None


CACHE = Check("cache", "cache", Group.DISK, _look, mends=frozenset({"PML243"}), fix=fix)
