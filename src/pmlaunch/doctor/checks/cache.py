"""pmlaunch's own cache: half-written entries are useless and can be removed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.support.cache import KINDS, cache_root, entries_of, half_written_in
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import LIMIT, parse_json

_OLD = 3600.0  # seconds: nothing takes an hour to write a file of some kB


def look(_target: DoctorTarget) -> Observation:
    root = cache_root()
    if root is None:
        return Observation(skipped="PMLAUNCH_CACHE is off")
    left = list(leftovers(root))
    kept = sum(len(entries_of(root / kind)) for kind in KINDS)
    facts = (("cache", f"{root}, {kept} entr{'y' if kept == 1 else 'ies'}"),)
    if not left:
        return Observation(facts)
    message = f"{_count(left, 'file')} in {root} cannot be used: incomplete, or not JSON."
    return Observation(facts, (Finding("PML243", Severity.NOTE, message, "pmlaunch doctor --fix", subject=str(root)),))


def _count(paths: Sequence[Path], kind: str) -> str:
    return f"{len(paths)} {kind}{'s' if len(paths) > 1 else ''}"


def leftovers(root: Path) -> Iterator[Path]:
    """Files that are not valid entries: temporary files of an ended process, and entries that are not JSON.

    Covers only files with our names in our folders, since PMLAUNCH_CACHE may name a folder of the user's.
    """
    for path in (path for kind in KINDS for path in half_written_in(root / kind)):
        try:
            if time.time() - path.stat().st_mtime > _OLD:
                yield path
        except OSError:  # its writer has just ended
            continue
    for path in (path for kind in KINDS for path in entries_of(root / kind)):
        try:
            if parse_json(read_bytes(path, LIMIT)) is None:
                yield path
        except OSError:
            continue


def fix(_target: DoctorTarget) -> str | None:
    """Remove the unusable files."""
    root = cache_root()
    left = list(leftovers(root)) if root else []
    for path in left:
        path.unlink(missing_ok=True)
    return f"removed {_count(left, 'unusable file')} from {root}" if left else None
