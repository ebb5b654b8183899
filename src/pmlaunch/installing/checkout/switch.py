"""Compare an existing checkout with the request, and switch it to another ref if nothing can be lost.

Without --ref any checkout is used as it is. A branch is looked up at its source, because it may have moved there.
"""

from __future__ import annotations

import contextlib

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import check
from pmlaunch.git.lfs_files import LfsFile, is_right, lfs_files
from pmlaunch.git.progress import GitProgress, Progress, Reporter
from pmlaunch.git.runner import NO_LFS, WITH_LFS, Git
from pmlaunch.installing.checkout.source import (
    DEFAULT_SOURCE,
    address,
    branch_at,
    find_ref,
    is_branch,
    known_ref,
    refuse_moved,
    same_source,
    source_of,
)
from pmlaunch.installing.context import InstallContext
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.command_line import install_command
from pmlaunch.support.secrets import redact

Notes = tuple[Finding, ...]


def check_ref(git: Git, context: InstallContext, generation: Generation | None) -> tuple[bool, Notes]:
    """Whether the checkout is at the requested ref, and findings. Without --ref, every checkout is."""
    request, folder = context.request, context.checkout
    head = git.ask("rev-parse", "--verify", "-q", "HEAD")
    known = known_ref(git, request.ref)
    at_known = known is not None and head == known.commit
    if request.ref_given and known:
        refuse_moved(request.ref, git.ask("config", "--local", "remote.origin.url") or "", known.commit)
    if not request.ref_given:
        adopted = () if at_known else _adopted(context, generation, (head or "no commit")[:8])
        return True, (*adopted, *_other_source(git, context))
    if not is_branch(known):
        return at_known, _other_source(git, context) if at_known else ()
    url = source_of(git, request.source)
    if context.dry:
        message = f"A dry run does not contact the source: {request.ref} may be newer at {url} than in {folder}."
        return at_known, (_note(context, message, "repeat the command without --dry-run"),)
    at_source = branch_at(git, url, request.ref)
    if at_source is None:
        message = f"{url} does not answer, so its {request.ref} may be newer than in {folder}."
        return at_known, (_note(context, message, "repeat the command when the source can be reached"),)
    return (head == at_source if at_source else at_known), ()


def _adopted(context: InstallContext, generation: Generation | None, head: str) -> Notes:
    """The checkout is not at the ref that a new one would be at: a note, and for generation 3 a warning."""
    request, folder = context.request, context.checkout
    hint = install_command(folder, request.simulator, f"--ref {request.ref}")
    note = _note(context, f"{folder} is at {head}, not at {request.ref}, and is used as it is.", hint)
    if generation is not Generation.V3:
        return (note,)
    return (note, other_generation(str(folder), hint))


def other_generation(subject: str, hint: str) -> Finding:
    """PML410: the checkout or ref is of generation 3."""
    message = f"{subject} is ProtoMotions 3, which has no eval_agent.py and other checkpoints than 2.x."
    return Finding("PML410", Severity.WARNING, message, hint, None, subject)


def _other_source(git: Git, context: InstallContext) -> Notes:
    """A note if --source differs from where the checkout came from: that source is not used."""
    typed, origin = context.request.source, git.ask("config", "--local", "remote.origin.url")
    if not origin or typed == DEFAULT_SOURCE:
        return ()
    with contextlib.suppress(PmlaunchError):  # a folder that no longer exists
        if same_source(origin, address(typed)):
            return ()
    message = f"Using {context.checkout}, which came from {origin}. {typed} was not asked for {context.request.ref}."
    return (_note(context, message, "--dir ANOTHER_FOLDER for a checkout from the other source"),)


def _note(context: InstallContext, message: str, hint: str) -> Finding:
    return Finding("PML416", Severity.NOTE, message, hint, None, str(context.checkout))


def refuse_if_changed(git: Git, ref: str, held: str | None) -> None:
    """Raise PML407 if a switch could lose changed files, or commits that are on no ref.

    Untracked files stay: git refuses if one is in the way, and `switch` makes it spare ignored ones, too. `held` is the
    commit that the surrounding repository records for this submodule.
    """
    folder = git.folder
    status = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"]
    output = git.ask(*status, settings=WITH_LFS)
    if output is None:
        message = f"git cannot tell whether {folder} has local changes, so pmlaunch did not switch it to {ref}."
        raise PmlaunchError("PML409", message, fix=f'git -C "{folder}" status', subject=str(folder))
    changed = [entry[3:] for entry in output.split("\0") if entry]
    checkpoints = [file.path for file in _right_files(git, *changed)] if changed else []
    files = [path for path in changed if path not in checkpoints]
    if files:
        named = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        why, hint = f"it has local changes: {named}", "status, then commit or undo; or --dir ANOTHER_FOLDER"
    else:
        head = git.ask("rev-parse", "HEAD")
        if git.ask("for-each-ref", "--contains=HEAD", "--count=1", "--format=%(refname)") or head == held:
            return
        why, hint = f"its commit {(head or '')[:8]} is on no branch and has no tag", "branch KEPT"
    message = f"{folder} must be switched to {ref}, but {why}. Nothing was changed."
    raise PmlaunchError("PML407", message, hint=f'git -C "{folder}" {hint}', subject=str(folder))


def _right_files(git: Git, *pathspecs: str) -> list[LfsFile]:
    """The LFS files whose real content is in place, wherever it came from."""
    return [file for file in lfs_files(git, *pathspecs) if is_right(file.within(git.folder), file.pointer)]


def switch(git: Git, context: InstallContext, report: Reporter) -> None:
    """Check out the requested ref: a branch as it is at its source now, anything else as it is known here.

    Raises PML403, PML405, PML407, PML409.
    """
    ref, source, folder = context.request.ref, context.request.source, context.checkout
    branch = git.ask("symbolic-ref", "--short", "-q", "HEAD")
    head = (git.ask("rev-parse", "--verify", "-q", "HEAD") or "")[:8]
    known = known_ref(git, ref)
    url, commit = address(source), known.commit if known else None
    if is_branch(known):
        url = source_of(git, source)
        if branch_at(git, url, ref):
            commit = None
    commit = commit or _fetch(git, url, ref, report)
    _check_out(git.online if _fetches_from(git, url) else git, commit, ref)
    if branch:
        message = f"{folder} was on the branch {branch} ({head}) and is now at {ref}, on no branch."
        report.findings.append(_note(context, message, f'to switch back: git -C "{folder}" checkout {branch}'))


def _fetch(git: Git, url: str, ref: str, report: Reporter) -> str:
    """Fetch the ref and return its commit. A shallow history stays shallow, a full one stays full."""
    report.progress(Progress(f"asking {redact(url)}"))
    found = find_ref(git, url, ref)
    shallow = git.ask("rev-parse", "--is-shallow-repository") == "true"
    fetch = ["fetch", "--progress", *(["--depth=1"] if shallow else []), "--no-tags", "--", url, found.refspec]
    ended = git.online.run(*fetch, watcher=GitProgress(report.progress, f"fetching {ref}"))
    check(ended, f"Fetching {ref} from {url}", url, "PML403")
    commit = git.ask("rev-parse", f"{found.kept}^{{commit}}") or found.commit
    refuse_moved(ref, url, commit)
    return commit


def _fetches_from(git: Git, url: str) -> bool:
    """Whether `url` is where git would fetch what a partial clone lacks, and the only place."""
    promisors = (git.ask("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$") or "").split()
    origin = git.ask("config", "--get-all", "remote.origin.url")
    only_origin = set(promisors) <= {"remote.origin.promisor", "true", "extensions.partialclone", "origin"}
    return only_origin and origin is not None and same_source(origin, url)


def _check_out(git: Git, commit: str, ref: str) -> None:
    folder = git.folder
    # Every right LFS file, not only those that git calls changed: a file written in the same second as the index is
    # compared through the filter, which finds nothing changed.
    right = [file.path for file in _right_files(git, ":(attr:filter=lfs)")]
    if right:  # record them, so that git does not take them for local changes
        git.tell("add", "--", *right, settings=WITH_LFS)
    # The filter is on if git has to compare; GIT_LFS_SKIP_SMUDGE makes it write pointers either way.
    filters = WITH_LFS if right else NO_LFS
    ended = git.tell("checkout", "-q", "--detach", "--no-overwrite-ignore", commit, settings=filters)
    if any("overwritten" in line for line in ended.tail) and not ended.ok:
        named = [line.strip() for line in ended.tail if line.startswith("\t")]
        message = f"{folder} was not switched to {ref}, because files of yours are in the way: {', '.join(named[:3])}."
        raise PmlaunchError("PML407", message, hint="move them away, then repeat the command", subject=str(folder))
    check(ended, f"Switching {folder} to {ref}", str(folder))
