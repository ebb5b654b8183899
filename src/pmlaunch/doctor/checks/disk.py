"""Free space where a run writes: the runs folder, the checkout and the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity
from pmlaunch.support.cache import cache_root
from pmlaunch.support.text import megabytes

_MB, _GB = 10**6, 10**9
# A record, a log and Hydra's folder take 1 MB; the kernel and shader caches of Isaac Sim and Genesis hundreds of MB;
# a checkpoint 300 MB, and Git LFS keeps it twice.
_STOPS, _SHORT = 50 * _MB, 2 * _GB


def look(target: DoctorTarget) -> Observation:
    checkout = target.checkout.root if target.checkout else None
    # without room for its log a run cannot start; the other folders only fill up
    places = [("runs", target.runs, _STOPS), ("checkout", checkout, 0), ("cache", cache_root(), 0)]
    facts, findings, disks = [], [], set()
    for name, wanted, least in places:
        place = _existing(wanted) if wanted is not None else None
        if place is None:
            continue
        free = shutil.disk_usage(place).free
        facts.append((name, f"{megabytes(free)} free at {place}"))
        if free >= _SHORT or place.stat().st_dev in disks:
            continue
        disks.add(place.stat().st_dev)
        severity = Severity.ERROR if free < least else Severity.WARNING
        why = (
            "a run may be unable to write its log"
            if severity is Severity.ERROR
            else "the simulator's caches may fill it"
        )
        message = f"Only {megabytes(free)} are free at {place} ({name}); {why}."
        findings.append(Finding("PML236", severity, message, "free some space", subject=str(place)))
    return Observation(tuple(facts), tuple(findings))


def _existing(path: Path) -> Path | None:
    """The nearest existing folder at or above `path`: the first run creates the runs folder."""
    return next((place for place in (path, *path.parents) if place.is_dir()), None)
