"""The checkpoints of the catalog: here, a pointer, missing; and, unless --quick, what git says they have to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pmlaunch.catalog.models import Model, models
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import robots
from pmlaunch.checks.checkpoint import fetch_command
from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.generations.checkout import Checkout, demo_checkout
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, Severity
from pmlaunch.support.text import megabytes

_WORDS = {"here": "here", "pointer": "a Git LFS pointer", "missing": "missing"}


def _look(site: Site) -> Seen:
    checkout = site.checkout
    if checkout is None:
        return Seen(skipped="there is no checkout")
    more = site.settings.preset_folders
    everything = models(checkout, demo_checkout(), presets("model", more), robots(checkout, presets("robot", more)))
    own = [model for model in everything if model.checkpoint.is_relative_to(checkout.root)]
    # whoever fetched one model has what they wanted: only a checkout without any cannot run
    severity = Severity.WARNING if any(model.state == "here" for model in own) else Severity.ERROR
    findings = [*_pointers(own, checkout, severity)]
    findings += [found for model in own for found in _findings(model, checkout, severity, site.quick)]
    return Seen(tuple((model.name, _told(model)) for model in own), tuple(findings))


def _told(model: Model) -> str:
    size = f", {megabytes(model.size)}" if model.size is not None else ""
    return f"{_WORDS[model.state]}{size}"


def _pointers(own: Sequence[Model], checkout: Checkout, severity: Severity) -> Iterator[Finding]:
    """One finding for all of them: nobody wants every model, and each is a download of hundreds of MB."""
    pointers = [model for model in own if model.state == "pointer"]
    if len(pointers) == 1:
        path = pointers[0].checkpoint
        message = f"{pointers[0].name} is not downloaded: {path.name} is a Git LFS pointer."
        fix = fetch_command(path, checkout.root)
        yield finding("PML101", severity, message, fix, fix=fix, about=str(path))
    elif pointers:
        names = ", ".join(model.name for model in pointers)
        message = f"{len(pointers)} checkpoints are not downloaded, Git LFS pointers lie in their place: {names}."
        first = fetch_command(pointers[0].checkpoint, checkout.root)
        hint = f"pmlaunch fetch NAME, for the one that you want; or {first}"
        yield finding("PML101", severity, message, hint, about=names)


def _findings(model: Model, checkout: Checkout, severity: Severity, quick: bool) -> Iterator[Finding]:
    path = model.checkpoint
    fix = fetch_command(path, checkout.root)
    if model.state == "missing":
        yield finding("PML102", severity, f"{model.name} is missing: {path}", fix, fix=fix, about=str(path))
    elif model.state == "here" and not quick:
        yield from _against_git(model, fix)


def _against_git(model: Model, fix: str) -> Iterator[Finding]:
    path = model.checkpoint
    expected = lfs.pointer_in_git(path)
    if expected is None:
        return
    if model.size != expected.size:
        message = f"{path} has {model.size} bytes; git says {expected.size}. A download broke off, or it was changed."
        yield finding("PML103", Severity.ERROR, message, f"delete it, then {fix}", fix=fix, about=str(path))
    elif lfs.sha256_of(path) != expected.sha256:
        message = f"{path} has another sha256 than git says ({expected.sha256[:12]}...). Do not load it."
        yield finding("PML104", Severity.ERROR, message, f"delete it, then {fix}", fix=fix, about=str(path))


MODELS = Check("models", "checkpoints", Group.MODELS, _look, limit=120.0)
