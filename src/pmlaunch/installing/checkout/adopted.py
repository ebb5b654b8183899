"""A checkout that is there already: whether it is what was asked for, and the switch where it is not.

Without --ref every checkout is used as it is. A branch is asked for at its source, because it may be further there.
"""

from __future__ import annotations

import contextlib

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import Place
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
from pmlaunch.installing.checkout.switch import switch
from pmlaunch.installing.step import Report, Site, install_words
from pmlaunch.model import Finding, Generation, Severity


def is_right_ref(git: Git, site: Site, place: Place) -> bool:
    """Whether the checkout is what was asked for; without --ref every checkout is, whatever its generation."""
    request, folder = site.request, site.checkout
    head = git.ask("rev-parse", "--verify", "-q", "HEAD", cwd=folder)
    if not request.ref_given:
        if head is None or head != known_commit(git, folder, request.ref):
            _note_adopted(site, place, (head or "no commit")[:8])
        _note_other_source(git, site)
        return True
    known = known_ref(git, folder, request.ref)
    if not is_branch(known):
        right = known is not None and head == known.commit
        if right:
            _note_other_source(git, site)
        return right
    url = source_of(git, folder, request.source)
    there = branch_at(git, folder, url, request.ref)
    if there:
        return head == there
    if there is None:
        message = f"{url} does not answer: {request.ref} may be further there than in {folder}."
        _note(site, "PML416", message, "the same command again, when it can be reached")
    return known is not None and head == known.commit


def _note_adopted(site: Site, place: Place, head: str) -> None:
    """The checkout is not at the ref that a new one would be at: told, and with generation 3 as a warning."""
    hint = install_words(site.checkout, site.request.simulator, f"--ref {site.request.ref}")
    message = f"{site.checkout} is at {head}, not at {site.request.ref}. It is used as it is."
    _note(site, "PML416", message, hint)
    if place.generation is Generation.V3:
        message = (
            f"{site.checkout} is ProtoMotions 3: it has no eval_agent.py, and its checkpoints are not those of 2.x."
        )
        _note(site, "PML410", message, hint, Severity.WARNING)


def _note_other_source(git: Git, site: Site) -> None:
    """--source names another place than the one the checkout came from, and is not asked."""
    typed, origin = site.request.source, git.ask("config", "--local", "remote.origin.url", cwd=site.checkout)
    if not origin or typed == DEFAULT_SOURCE:
        return
    with contextlib.suppress(PmlaunchError):  # a folder that is not there any more
        if same_source(origin, address(typed)):
            return
    message = f"{site.checkout} came from {origin} and is used: {typed} was not asked for {site.request.ref}."
    _note(site, "PML416", message, "--dir ANOTHER_FOLDER makes a checkout from the other source")


def _note(site: Site, code: str, message: str, hint: str, severity: Severity = Severity.NOTE) -> None:
    finding = Finding(code, severity, message, hint, None, str(site.checkout))
    if finding not in site.findings:
        site.findings.append(finding)


def switch_asked(git: Git, site: Site, report: Report) -> None:
    """To the ref that was asked for: a branch from its source as it is there now, anything else as it is known here."""
    request, folder = site.request, site.checkout
    branch = git.ask("symbolic-ref", "--short", "-q", "HEAD", cwd=folder)
    head = (git.ask("rev-parse", "--verify", "-q", "HEAD", cwd=folder) or "")[:8]
    known = known_ref(git, folder, request.ref)
    url, commit = address(request.source), known.commit if known else None
    if is_branch(known):
        url = source_of(git, folder, request.source)
        if branch_at(git, folder, url, request.ref):
            commit = None
    switch(git, folder, url, request.ref, report, commit)
    if branch:
        message = f"{folder} was on the branch {branch} ({head}); it is at {request.ref} now, on no branch."
        _note(site, "PML416", message, f'back: git -C "{folder}" checkout {branch}')
