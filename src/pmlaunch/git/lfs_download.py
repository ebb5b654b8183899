"""Download files from Git LFS, with verification and resume; a file in the way is kept."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import CORRUPT_DOWNLOAD, check, failure, writing
from pmlaunch.git.lfs_files import RIGHT, FileState, LfsFile, is_right, object_of, room_for, states_of, store_of
from pmlaunch.git.lfs_pointer import read_pointer
from pmlaunch.git.progress import LfsProgress, Reporter
from pmlaunch.git.runner import WITH_LFS, Git
from pmlaunch.model import Finding, Severity
from pmlaunch.processes.supervise import ChildResult
from pmlaunch.support.disk import require_room

Alternative = Callable[[Sequence[LfsFile]], "str | None"]
_MOST_NAMES = 20  # files listed individually in --include; beyond that, their folders are


def set_lfs_up(git: Git) -> None:
    """Configure Git LFS's filters in this repository only; hooks and the user's own settings stay. Raises PML401."""
    # --force replaces other programs that the repository names as Git LFS's filters
    ended = git.tell("lfs", "install", "--local", "--skip-repo", "--force")
    check(ended, "Configuring Git LFS", str(git.folder), "PML401")


def download_lfs(git: Git, files: Sequence[LfsFile], report: Reporter, alternative: Alternative) -> None:
    """Make every one of `files` the real file. A user's file in its place is moved aside and reported.

    `alternative` returns the command that gets files from elsewhere, the hint if the source lacks them.

    Raises PML143, PML402, PML403, PML412, and PML413 if the content is still wrong after a second download.
    """
    states = states_of(git, files)
    wanted = [file for file in files if states[file.path] not in RIGHT]
    store = store_of(git)
    require_room(git.folder, room_for(store, wanted))
    for file in wanted:
        file.target(git.folder)
    for file in wanted:
        place = file.within(git.folder)
        if states[file.path] is FileState.OTHER and _is_leftover(place, object_of(store, file.pointer)):
            place.unlink()
        elif states[file.path] is FileState.OTHER:
            report.findings.append(move_aside(place))
    if wanted:
        _pull_verified(git, wanted, report, alternative)
    accept(git, files)


def accept(git: Git, files: Sequence[LfsFile]) -> None:
    """Record in git's index the right files that git considers changed.

    They did not come from Git LFS, or the disk was too full for git to record them.
    """
    unknown = [path for path, state in states_of(git, files).items() if state is FileState.UNKNOWN]
    if unknown:
        ended = git.tell("add", "--", *unknown, settings=WITH_LFS)
        check(ended, "Recording the checkpoint in git's index", str(git.folder))


def move_aside(path: Path) -> Finding:
    """Rename a file that is in the way; the finding names its new path. Raises OSError."""
    number = 0
    while (kept := path.with_name(f"{path.name}.kept{number or ''}")).exists():
        number += 1
    path.rename(kept)
    message = f"{path.name} was neither the checkpoint nor its pointer. The file was renamed to {kept}."
    return Finding("PML420", Severity.NOTE, message, subject=str(kept))


def _pull_verified(git: Git, wanted: list[LfsFile], report: Reporter, alternative: Alternative) -> None:
    """Pull and verify; files that are wrong are deleted and pulled once more."""
    root, store = git.folder, store_of(git)
    for attempt in ("first", "second"):
        for file in wanted:
            stored = object_of(store, file.pointer)
            if not is_right(stored, file.pointer):
                delete_object(stored)
        ended = _pull(git, wanted, report)
        wanted = [file for file in wanted if not is_right(file.within(root), file.pointer)]
        for file in wanted:
            _delete_unless_pointer(file.within(root))
        wanted = [file for file in wanted if not _copied(object_of(store, file.pointer), file, root)]
        if not wanted:
            return
        if not ended.ok and CORRUPT_DOWNLOAD.line_in(ended.tail) is None:
            other = alternative(wanted)
            raise failure(ended, f"Fetching {_names(wanted)}", wanted[0].path, "PML412", elsewhere=other)
        if attempt == "second":
            message = (
                f"{_names(wanted)}: downloaded twice, but it still does not match git (SHA-256 "
                f"{wanted[0].pointer.sha256[:12]}...). git's output: {ended.log}"
            )
            raise PmlaunchError("PML413", message, hint="check the disk and the source", subject=wanted[0].path)


def _pull(git: Git, files: Sequence[LfsFile], report: Reporter) -> ChildResult:
    include = [file.path for file in files]
    if len(include) > _MOST_NAMES:
        include = sorted({path.rpartition("/")[0] for path in include})
    log = git.logs / "lfs-progress.txt"
    log.unlink(missing_ok=True)
    progress = LfsProgress(log, report.progress, _names(files), sum(file.pointer.size for file in files))
    pull = ["lfs", "pull", f"--include={','.join(include)}", "--exclude="]
    settings = [f"lfs.url={_endpoint(git)}", "lfs.gitprotocol=https"]
    return git.run(*pull, settings=settings, watcher=progress, variables={"GIT_LFS_PROGRESS": str(log)})


def _endpoint(git: Git) -> str:
    """The address at which git-lfs finds the files of the checkout's origin; the checkout itself if it has none.

    Without it git-lfs would take the address from .lfsconfig, which a commit brings along. As in git-lfs' own rules
    (docs/api/server-discovery.md) "/info/lfs" follows an address of HTTP. The user's own lfs.url comes first.
    """
    if own := git.ask("config", "--get", "lfs.url"):
        return own
    remotes = (git.ask("config", "--get-regexp", r"^remote\..*\.url$") or "").splitlines()
    urls = {name: url for name, _, url in (line.partition(" ") for line in reversed(remotes))}
    url = urls.get("remote.origin.url") or next(reversed(urls.values()), "")
    if Path(url).is_absolute():
        return Path(url).as_uri()
    if re.match(r"https?://", url, re.IGNORECASE):
        return url.rstrip("/").removesuffix(".git") + ".git/info/lfs"
    return url if re.match(r"(file|ssh)://|[\w.-]+@[\w.-]+:", url, re.IGNORECASE) else git.folder.as_uri()


def _is_leftover(path: Path, stored: Path) -> bool:
    """Whether the file is the beginning of the stored object: git-lfs was killed while copying it."""
    try:
        with path.open("rb") as one, stored.open("rb") as other:
            while chunk := one.read(1 << 20):
                if chunk != other.read(len(chunk)):
                    return False
    except OSError:
        return False
    return True


def delete_object(stored: Path) -> int:
    """Delete an object from Git LFS's store; return the bytes freed. Raises PML422."""
    if not stored.exists():
        return 0
    with writing(stored.parent):
        size = stored.stat().st_size
        stored.chmod(0o600)  # git-lfs makes some objects read-only, which stops deletion on Windows
        stored.unlink()
    return size


def _delete_unless_pointer(path: Path) -> None:
    """Delete wrong files that the pull wrote; older files were moved aside before it."""
    try:
        if read_pointer(path) is None:
            path.unlink()
    except OSError:
        return


def _copied(stored: Path, file: LfsFile, root: Path) -> bool:
    """Copy the verified object from the store to its path; False if the store has none.

    git-lfs only says "could not check out" and returns 0 if a disk is full or a path is too long; copying ourselves
    gives the reason. Raises PML402 and PML422.
    """
    if not is_right(stored, file.pointer):
        return False
    target = file.target(root)
    beside = target.with_name(f".{target.name}.pmlaunch")
    with writing(target.parent):
        try:
            shutil.copyfile(stored, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return True


def _names(files: Sequence[LfsFile]) -> str:
    return files[0].path if len(files) == 1 else f"{len(files)} files"
