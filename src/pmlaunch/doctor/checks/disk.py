"""Free space where a run writes: the runs folder, the checkout, the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.model import Severity
from pmlaunch.support.cache import cache_root
from pmlaunch.support.text import megabytes

_MB, _GB = 10**6, 10**9
# A record, a log and Hydra's folder are 1 MB; Isaac Sim's and Genesis' caches of kernels and shaders, hundreds of MB;
# a checkpoint 300 MB, and Git LFS keeps it twice.
_STOPS, _SHORT = 50 * _MB, 2 * _GB


def _look(site: Site) -> Seen:
    places = [("runs", site.runs), ("checkout", site.checkout.root if site.checkout else None), ("cache", cache_root())]
    facts, findings, disks = [], [], set()
    for name, wanted in places:
        place = _existing(wanted) if wanted is not None else None
        if place is None:
            continue
        free = shutil.disk_usage(place).free
        facts.append((name, f"{megabytes(free)} free at {place}"))
        if free >= _SHORT or place.stat().st_dev in disks:
            continue
        disks.add(place.stat().st_dev)
        severity = Severity.ERROR if free < _STOPS and name == "runs" else Severity.WARNING
        why = "a run cannot write its log" if severity is Severity.ERROR else "a simulator's caches may fill it"
        message = f"Only {megabytes(free)} are free at {place} ({name}): {why}."
        findings.append(finding("PML236", severity, message, "free some space", about=str(place)))
    return Seen(tuple(facts), tuple(findings))


def _existing(path: Path) -> Path | None:
    """The nearest folder above that is there: a runs folder is made by the first run."""
    return next((place for place in (path, *path.parents) if place.is_dir()), None)


DISK = Check("disk", "free space", Group.DISK, _look)
