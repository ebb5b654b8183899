"""Switch an existing checkout to another ref, if nothing can be lost by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import failure
from pmlaunch.git.lfs_files import LfsFile, is_right, lfs_files
from pmlaunch.git.progress import GitProgress, Progress, Reporter
from pmlaunch.git.runner import NO_LFS, WITH_LFS, Git
from pmlaunch.installing.checkout.source import find_ref
from pmlaunch.processes.supervise import ChildResult


@dataclass(frozen=True)
class SwitchTarget:
    """What to switch to: `commit`, or if that is None, what `ref` is at `url`."""

    ref: str
    url: str
    commit: str | None


def refuse_if_changed(git: Git, folder: Path, ref: str, held: str | None) -> None:
    """Raise PML407 if a switch could lose something: changed files, or commits that no ref holds.

    Untracked files stay: git refuses if one is in the way, and `switch` makes it spare ignored ones, too. `held` is the
    commit that the surrounding repository records for this submodule.
    """
    changed = _changed_files(git, folder)
    if changed is None:
        raise PmlaunchError(
            "PML409",
            f"git cannot tell whether {folder} has local changes, so it is not switched to {ref}.",
            hint=f'git -C "{folder}" status',
            subject=str(folder),
        )
    hint = f'git -C "{folder}" status, then commit or undo; or --dir ANOTHER_FOLDER'
    checkpoints = [file.path for file in _right_files(git, folder, *changed)] if changed else []
    files = [path for path in changed if path not in checkpoints]
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


def _changed_files(git: Git, folder: Path) -> list[str] | None:
    """The paths of files that git considers changed; None if it cannot tell."""
    output = git.ask(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules",
        cwd=folder, settings=WITH_LFS,
    )  # fmt: skip
    return None if output is None else [entry[3:] for entry in output.split("\0") if entry]


def _right_files(git: Git, folder: Path, *pathspecs: str) -> list[LfsFile]:
    """The LFS files whose real content is in place: checkpoints, perhaps brought by other means than Git LFS."""
    return [file for file in lfs_files(git, folder, *pathspecs) if is_right(file.within(folder), file.pointer)]


def switch(git: Git, folder: Path, target: SwitchTarget, report: Reporter) -> None:
    """Check out `target` in `folder`. Raises PML403, PML405, PML407, PML409."""
    commit = target.commit or _fetch(git, folder, target, report)
    # Every right LFS file, not only those that git calls changed: a file written in the same second as the index is
    # compared through the filter, which finds nothing changed.
    right = [file.path for file in _right_files(git, folder, ":(attr:filter=lfs)")]
    if right:  # record them, so that git does not take them for local changes
        git.tell("add", "--", *right, cwd=folder, settings=WITH_LFS)
    # The filter is on if git has to compare; GIT_LFS_SKIP_SMUDGE makes it write pointers either way.
    filters = WITH_LFS if right else NO_LFS
    ended = git.tell("checkout", "--detach", "--no-overwrite-ignore", commit, cwd=folder, settings=filters)
    if not ended.ok:
        raise _switch_failure(ended, folder, target.ref)


def _fetch(git: Git, folder: Path, target: SwitchTarget, report: Reporter) -> str:
    """Fetch the target's ref and return its commit. A shallow history stays shallow, a full one stays full."""
    report.progress(Progress(f"asking {target.url}"))
    found = find_ref(git, target.url, target.ref, folder)
    shallow = git.ask("rev-parse", "--is-shallow-repository", cwd=folder) == "true"
    depth = ["--depth=1"] if shallow else []
    ended = git.run(
        "fetch", "--progress", *depth, "--no-tags", "--", target.url, found.refspec,
        cwd=folder, listener=GitProgress(report.progress, f"fetching {target.ref}"),
    )  # fmt: skip
    if not ended.ok:
        raise failure(ended, f"Fetching {target.ref} from {target.url}", target.url, "PML403")
    return git.ask("rev-parse", f"{found.kept}^{{commit}}", cwd=folder) or found.commit


def _switch_failure(ended: ChildResult, folder: Path, ref: str) -> PmlaunchError:
    if any("overwritten" in line for line in ended.tail):
        named = [line.strip() for line in ended.tail if line.startswith("\t")]
        message = f"{folder} was not switched to {ref}: files of yours are in its way: {', '.join(named[:3])}."
        return PmlaunchError("PML407", message, hint="move them away, then the same command", subject=str(folder))
    return failure(ended, f"Switching {folder} to {ref}", str(folder))
