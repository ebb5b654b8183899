"""pmlaunch's own cache: half-written entries are useless and can be removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.doctor.check import CheckGroup, MachineCheck, Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.support.cache import KINDS, cache_root, entries_of, half_written_in

_OLD = 3600.0  # seconds: nothing takes an hour to write a file of some kB


def _look(_target: DoctorTarget) -> Observation:
    root = cache_root()
    if root is None:
        return Observation(skipped="PMLAUNCH_CACHE is off")
    left = list(leftovers(root))
    kept = sum(len(entries_of(root / kind)) for kind in KINDS)
    facts = (("cache", f"{root}, {kept} entr{'y' if kept == 1 else 'ies'}"),)
    if not left:
        return Observation(facts)
    message = f"{len(left)} file{'s' if len(left) > 1 else ''} in {root} cannot be used: half-written, or not JSON."
    unusable = Finding("PML243", Severity.NOTE, message, "pmlaunch doctor --fix", subject=str(root))
    return Observation(facts, (unusable,))


def leftovers(root: Path) -> Iterator[Path]:
    """Files that cannot be entries: temporary files of a writer that is gone, and entries that are not JSON.

    Covers only files with our names in our folders, since PMLAUNCH_CACHE may name a folder of the user's.
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


def fix(_target: DoctorTarget) -> str | None:
    """Remove the unusable files."""
    root = cache_root()
    left = list(leftovers(root)) if root else []
    for path in left:
        path.unlink(missing_ok=True)
    return f"removed {len(left)} unusable file{'s' if len(left) > 1 else ''} from {root}" if left else None


CACHE = MachineCheck("cache", "cache", CheckGroup.DISK, _look, fixes=frozenset({"PML243"}), fix=fix)
