"""An existing checkout: whether it is what was asked for, and the switch if it is not.

Without --ref any checkout is used as it is. A branch is looked up at its source, because it may have moved there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Reporter
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import Location
from pmlaunch.installing.checkout.source import (
    DEFAULT_SOURCE,
    address,
    branch_at,
    is_branch,
    known_commit,
    known_ref,
    same_source,
    source_of,
)
from pmlaunch.installing.checkout.switch import SwitchTarget, switch
from pmlaunch.installing.context import InstallContext
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.command_line import install_command


@dataclass(frozen=True)
class RefCheck:
    """Whether a checkout is at the ref that was asked for, and findings about it."""

    right: bool
    notes: tuple[Finding, ...] = ()


def check_ref(git: Git, context: InstallContext, location: Location) -> RefCheck:
    """Whether the checkout is what was asked for. Without --ref it is, whatever its generation."""
    request, folder = context.request, context.checkout
    head = git.ask("rev-parse", "--verify", "-q", "HEAD", cwd=folder)
    if not request.ref_given:
        notes = _other_source(git, context)
        if head is None or head != known_commit(git, folder, request.ref):
            notes = (*_adopted(context, location, (head or "no commit")[:8]), *notes)
        return RefCheck(True, notes)
    known = known_ref(git, folder, request.ref)
    at_known = known is not None and head == known.commit
    if not is_branch(known):
        return RefCheck(at_known, _other_source(git, context) if at_known else ())
    url = source_of(git, folder, request.source)
    at_source = branch_at(git, folder, url, request.ref)
    if at_source:
        return RefCheck(head == at_source)
    if at_source is None:
        message = f"{url} does not answer: {request.ref} may be further there than in {folder}."
        return RefCheck(at_known, (_note(context, message, "the same command again, when it can be reached"),))
    return RefCheck(at_known)


def _adopted(context: InstallContext, location: Location, head: str) -> tuple[Finding, ...]:
    """The checkout is not at the ref that a new one would be at: a note, and for generation 3 a warning."""
    request, folder = context.request, context.checkout
    hint = install_command(folder, request.simulator, f"--ref {request.ref}")
    note = _note(context, f"{folder} is at {head}, not at {request.ref}. It is used as it is.", hint)
    if location.generation is not Generation.V3:
        return (note,)
    message = f"{folder} is ProtoMotions 3: it has no eval_agent.py, and its checkpoints are not those of 2.x."
    return (note, Finding("PML410", Severity.WARNING, message, hint, None, str(folder)))


def _other_source(git: Git, context: InstallContext) -> tuple[Finding, ...]:
    """A note if --source differs from where the checkout came from: that source is not used."""
    typed, origin = context.request.source, git.ask("config", "--local", "remote.origin.url", cwd=context.checkout)
    if not origin or typed == DEFAULT_SOURCE:
        return ()
    with contextlib.suppress(PmlaunchError):  # a folder that no longer exists
        if same_source(origin, address(typed)):
            return ()
    message = f"{context.checkout} came from {origin} and is used: {typed} was not asked for {context.request.ref}."
    return (_note(context, message, "--dir ANOTHER_FOLDER makes a checkout from the other source"),)


def _note(context: InstallContext, message: str, hint: str) -> Finding:
    return Finding("PML416", Severity.NOTE, message, hint, None, str(context.checkout))


def switch_to_request(git: Git, context: InstallContext, report: Reporter) -> None:
    """Switch to the requested ref: a branch as it is at its source now, anything else as it is known here."""
    request, folder = context.request, context.checkout
    branch = git.ask("symbolic-ref", "--short", "-q", "HEAD", cwd=folder)
    head = (git.ask("rev-parse", "--verify", "-q", "HEAD", cwd=folder) or "")[:8]
    known = known_ref(git, folder, request.ref)
    url, commit = address(request.source), known.commit if known else None
    if is_branch(known):
        url = source_of(git, folder, request.source)
        if branch_at(git, folder, url, request.ref):
            commit = None
    switch(git, folder, SwitchTarget(request.ref, url, commit), report)
    if branch:
        message = f"{folder} was on the branch {branch} ({head}); it is at {request.ref} now, on no branch."
        report.found(_note(context, message, f'back: git -C "{folder}" checkout {branch}'))
