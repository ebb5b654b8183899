"""Switch a checkout that is there already to another ref: only where nothing can be lost by it."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import failure
from pmlaunch.git.lfs_files import is_right, lfs_files
from pmlaunch.git.progress import GitProgress
from pmlaunch.git.runner import NO_LFS, WITH_LFS, Git
from pmlaunch.installing.checkout.source import find_ref
from pmlaunch.installing.step import Progress, Report


def refuse_if_changed(git: Git, folder: Path, ref: str, held: str | None) -> None:
    """Raise PML407 when a switch could lose something: changed files, or commits that no ref holds.

    Untracked files stay where they are: git refuses when one is in the way, and is told to spare ignored ones, too.
    `held` is the commit that a surrounding repository holds for this submodule.
    """
    changed = _changed(git, folder)
    if changed is None:
        raise PmlaunchError(
            "PML409",
            f"git cannot tell whether {folder} has local changes, so it is not switched to {ref}.",
            hint=f'git -C "{folder}" status',
            subject=str(folder),
        )
    hint = f'git -C "{folder}" status, then commit or undo; or --dir ANOTHER_FOLDER'
    here = _checkpoints(git, folder, changed)
    files = [path for path in changed if path not in here]
    if files:
        named = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        message = (
            f"{folder} would have to be switched to {ref}, but it has local changes: {named}. Nothing was touched."
        )
        raise PmlaunchError("PML407", message, hint=hint, subject=str(folder))
    head = git.ask("rev-parse", "HEAD", cwd=folder)
    refs = git.ask("for-each-ref", "--contains=HEAD", "--count=1", "--format=%(refname)", cwd=folder)
    if not refs and head != held:
        message = (
            f"{folder} would have to be switched to {ref}, but its commit {(head or '')[:8]} is held by no branch and no "
            "tag. Nothing was touched."
        )
        raise PmlaunchError("PML407", message, hint=f'git -C "{folder}" branch KEPT', subject=str(folder))


def _changed(git: Git, folder: Path) -> list[str] | None:
    """The paths of changed files, as git sees them; None when it cannot tell."""
    told = git.ask(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules",
        cwd=folder, settings=WITH_LFS,
    )  # fmt: skip
    return None if told is None else [entry[3:] for entry in told.split("\0") if entry]


def _checkpoints(git: Git, folder: Path, changed: list[str]) -> list[str]:
    """Those of the changed files that are what their pointers say: checkpoints that came by other means than Git LFS."""
    files = lfs_files(git, folder, *changed) if changed else []
    return [file.path for file in files if is_right(file.within(folder), file.pointer)]


def switch(git: Git, folder: Path, url: str, ref: str, report: Report, commit: str | None) -> None:
    """Check out `commit` in `folder`, or without one what `ref` is at the source. Raises PML403, PML405, PML407, PML409."""
    if commit is None:
        report(Progress(f"asking {url}"))
        found = find_ref(git, url, ref, folder)
        # a whole history is not made shallow; a shallow one stays so
        shallow = git.ask("rev-parse", "--is-shallow-repository", cwd=folder) == "true"
        depth = ["--depth=1"] if shallow else []
        ended = git.run(
            "fetch", "--progress", *depth, "--no-tags", "--", url, found.refspec,
            cwd=folder, listener=GitProgress(report, f"fetching {ref}"),
        )  # fmt: skip
        if not ended.ok:
            raise failure(ended, f"Fetching {ref} from {url}", url, "PML403")
        commit = git.ask("rev-parse", f"{found.kept}^{{commit}}", cwd=folder) or found.commit
    # All of them, not only those that git calls changed: of a file that came in the very second in which git wrote its
    # index git looks at the content, through the filter, and finds nothing changed.
    files = lfs_files(git, folder, ":(attr:filter=lfs)")
    known = [file.path for file in files if is_right(file.within(folder), file.pointer)]
    if known:  # git learns that they are what it has
        git.tell("add", "--", *known, cwd=folder, settings=WITH_LFS)
    # with the filter, where it has to compare; what it writes are pointers either way (GIT_LFS_SKIP_SMUDGE)
    filters = WITH_LFS if known else NO_LFS
    ended = git.tell("checkout", "--detach", "--no-overwrite-ignore", commit, cwd=folder, settings=filters)
    if ended.ok:
        return
    if any("overwritten" in line for line in ended.tail):
        named = [line.strip() for line in ended.tail if line.startswith("\t")]
        message = f"{folder} was not switched to {ref}: files of yours are in its way: {', '.join(named[:3])}."
        raise PmlaunchError("PML407", message, hint="move them away, then the same command", subject=str(folder))
    raise failure(ended, f"Switching {folder} to {ref}", str(folder))
