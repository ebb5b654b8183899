"""What upstream's loader would import and call: checkpoints, packed motions and frozen configs are pickles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pmlaunch.generations.source_names import SourceNames
from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.motions.readers import PACKED_SUFFIX
from pmlaunch.planning.plan import Planned
from pmlaunch.support.file_kind import no_torch_file

_SUFFIXES = (".ckpt", ".pt")


def check_pickles(planned: Planned) -> Iterator[Finding]:
    """Check every pickle of the plan that upstream loads without a filter."""
    plan, root = planned.plan, planned.checkout.root
    packed = [motion.path for motion in plan.motions if motion.path.suffix == PACKED_SUFFIX]
    for path, code in {**dict.fromkeys(packed, "PML122"), plan.checkpoint: "PML103"}.items():
        if code in planned.request.no_check or not _is_broken(path):  # the other finding says all there is to say
            yield from pickle_findings(path, root)
    if planned.checkout.generation is Generation.V3:
        yield from pickle_findings(plan.checkpoint.parent / FROZEN_CONFIGS, root)


def _is_broken(path: Path) -> bool:
    try:
        return no_torch_file(path) is not None
    except OSError:
        return True


def downloaded_findings(paths: Iterable[Path], root: Path) -> list[Finding]:
    """Warnings about pickles that were downloaded: their checksums say nothing about what they would run."""
    pickles = [path for path in paths if path.suffix in _SUFFIXES]
    return [replace(it, severity=Severity.WARNING) for path in pickles for it in pickle_findings(path, root)]


def pickle_findings(path: Path, root: Path) -> Iterator[Finding]:
    """What loading the file would do beyond making data and classes of the checkout at `root`; nothing if it is not here."""
    try:
        if not path.exists() or lfs.read_pointer(path) is not None:
            return
    except OSError:
        return
    if path.name == FROZEN_CONFIGS:
        yield from _frozen(path, root)
        return
    from pmlaunch.support.torch_pickles import UnverifiableError, calls_of

    try:
        calls = calls_of(path)
    except UnverifiableError as error:
        message = f"pmlaunch cannot verify whether loading {path} would run foreign code: {error}."
        yield Finding("PML151", Severity.WARNING, message, "load it only if you trust its source", None, str(path))
        return
    defined = SourceNames(root).kinds({str(name) for name in calls.names})
    foreign = sorted({str(name) for name in calls.names if defined.get(str(name)) != "class"} | calls.odd)
    if foreign:
        message = (
            f"Loading {path} would import or call {', '.join(foreign[:4])}, which weights and motions do not need."
        )
        yield Finding("PML150", Severity.ERROR, message, "if you trust it: --no-check PML150", None, str(path))


def _frozen(path: Path, root: Path) -> Iterator[Finding]:
    from pmlaunch.generations.v3.frozen_configs import read_frozen

    found = read_frozen(path)
    defined = SourceNames(root).kinds(found.called | found.named)
    missing = {name for name in found.called if defined.get(name) != "class"} | (found.named - defined.keys())
    foreign = sorted({*found.foreign, *missing})
    if foreign:
        message = (
            f"{FROZEN_CONFIGS} would import or call {', '.join(foreign[:4])}, which configs do not need. ProtoMotions "
            "loads the file as an unrestricted pickle."
        )
        yield Finding("PML128", Severity.ERROR, message, "if you trust it: --no-check PML128", None, str(path.parent))
