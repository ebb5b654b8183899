"""The checkpoints of the catalog: downloaded, a pointer or missing; without --quick also compared with git."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pmlaunch.catalog.models import CheckpointState, Model, models
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import robots
from pmlaunch.checks.checkpoint import check_against_git, download_command
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.model import Finding, Severity
from pmlaunch.support.text import megabytes


def models_of(target: DoctorTarget, checkout: Checkout) -> list[Model]:
    """The models whose checkpoints belong to `checkout`."""
    more = target.settings.preset_folders
    found = models(checkout, demo_checkout(), presets("model", more), robots(checkout, presets("robot", more)))
    return [model for model in found if model.checkpoint.is_relative_to(checkout.root)]


def look(target: DoctorTarget) -> Observation:
    checkout = target.checkout
    if checkout is None:
        return Observation(skipped="there is no checkout")
    own = models_of(target, checkout)
    # one downloaded model may be all that is wanted: only a checkout without any cannot run
    severity = Severity.WARNING if any(model.state is CheckpointState.HERE for model in own) else Severity.ERROR
    findings = list(_pointers(own, checkout, severity))
    for model in own:
        path, fix = model.checkpoint, download_command(model.checkpoint, checkout)
        if model.state is CheckpointState.MISSING:
            findings.append(Finding("PML102", severity, f"{model.name} is missing: {path}", fix, fix, str(path)))
        elif model.state is CheckpointState.HERE and model.size is not None and not target.quick:
            found = check_against_git(path, model.size, fix, Severity.NOTE)
            # the checkout's own check says if there is no repository
            findings += [finding for finding in found if target.repository or finding.code != "PML160"]
        elif model.state is CheckpointState.UNREADABLE:
            findings.append(Finding("PML102", severity, f"{model.name} cannot be read: {path}", subject=str(path)))
    return Observation(tuple((model.name, _described(model)) for model in own), tuple(findings))


def _described(model: Model) -> str:
    state = "a Git LFS pointer" if model.state is CheckpointState.POINTER else model.state.value
    return state if model.size is None else f"{state}, {megabytes(model.size)}"


def _pointers(own: Sequence[Model], checkout: Checkout, severity: Severity) -> Iterator[Finding]:
    """One finding for all pointers: few users want every model, and each is a download of hundreds of MB."""
    pointers = [model for model in own if model.state is CheckpointState.POINTER]
    if len(pointers) == 1:
        path = pointers[0].checkpoint
        message = f"{pointers[0].name} is not downloaded: {path.name} is a Git LFS pointer."
        fix = download_command(path, checkout)
        yield Finding("PML101", severity, message, fix, fix, str(path))
    elif pointers:
        names = ", ".join(model.name for model in pointers)
        message = f"{len(pointers)} checkpoints are not downloaded; their files are Git LFS pointers: {names}."
        first = download_command(pointers[0].checkpoint, checkout)
        hint = f"pmlaunch fetch NAME for the one you want, or {first}"
        yield Finding("PML101", severity, message, hint, subject=names)
