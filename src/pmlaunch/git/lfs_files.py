"""Files of a checkout that are in Git LFS: what git says they are, what they are on disk, and how they come."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import failure
from pmlaunch.git.lfs_pointer import MAXIMUM_POINTER, Pointer, parse_pointer, read_pointer, sha256_of
from pmlaunch.git.progress import LfsProgress
from pmlaunch.git.runner import WITH_LFS, Git, RunOptions, cannot_write
from pmlaunch.installing.step import Report, Site
from pmlaunch.processes.supervise import ChildResult
from pmlaunch.support.disk import require_room

_CORRUPT = re.compile(r"expected oid|got oid|corrupt|invalid.*object|content.*does not match", re.IGNORECASE)
_ON_ONE_LINE = 20  # names given to --include; more go by their folders


@dataclass(frozen=True)
class LfsFile:
    """A file in Git LFS: its path in the checkout, with slashes, and what git says of it."""

    path: str
    pointer: Pointer

    def within(self, root: Path) -> Path:
        return root.joinpath(*self.path.split("/"))


def lfs_files(git: Git, root: Path, *pathspecs: str) -> list[LfsFile]:
    """The files below `pathspecs` that the index of the checkout at `root` holds as pointers, in alphabetical order."""
    names = (git.ask("ls-files", "-z", "--", *pathspecs, cwd=root) or "").split("\0")
    small = _small([name for name in names if name and "\n" not in name], git, root)
    told = _batch("--batch", small, git, root)
    found, at = [], 0
    for name in small:
        end = told.find(b"\n", at)
        size = int(told[at:end].rpartition(b" ")[2])
        pointer = parse_pointer(told[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
        if pointer:
            found.append(LfsFile(name, pointer))
    return found


def _small(names: Sequence[str], git: Git, root: Path) -> list[str]:
    """Those that may be pointers: the assets of a robot are many megabytes that need not be read."""
    told = _batch("--batch-check", names, git, root).splitlines()
    sizes = [line.rpartition(b" ")[2] for line in told]  # "missing" instead of a size for what git does not have
    return [name for name, size in zip(names, sizes, strict=False) if size.isdigit() and int(size) <= MAXIMUM_POINTER]


def _batch(question: str, names: Sequence[str], git: Git, root: Path) -> bytes:
    given = "".join(f":{name}\n" for name in names).encode()
    return (git.ask_bytes("cat-file", question, cwd=root, given=given) or b"") if names else b""


def state_of(git: Git, root: Path, files: Sequence[LfsFile]) -> dict[str, str]:
    """By path: "here", "pointer", "missing", "unknown" for the right file that git takes for a changed one, or "other" for
    a file that is nothing of it (broken off, or the user's own).

    Whether a file of the right size has the right sha256 is asked of git, which remembers the files that it has seen. Of
    one that came by other means than Git LFS it only sees that its size is not the pointer's: that one is read. Where git
    cannot answer, every file is read.
    """
    states = {file.path: _quick_state(file, root) for file in files}
    sized = [path for path, state in states.items() if state == "here"]
    if sized:
        changed = git.ask("status", "--porcelain=v1", "-z", "-uno", "--", *sized, cwd=root, settings=WITH_LFS)
        suspects = set(sized) if changed is None else {entry[3:] for entry in changed.split("\0")}
        right = "here" if changed is None else "unknown"
        for file in files:
            if file.path in suspects:
                states[file.path] = right if is_right(file.within(root), file.pointer) else "other"
    return states


def _quick_state(file: LfsFile, root: Path) -> str:
    path = file.within(root)
    try:
        if path.stat().st_size == file.pointer.size:
            return "here"
        return "pointer" if read_pointer(path) else "other"
    except OSError:
        return "missing"


def store_of(git: Git, root: Path) -> Path:
    """The folder in which Git LFS keeps its objects for the checkout at `root`."""
    told = re.search(r"^LocalMediaDir=(.+)$", git.ask("lfs", "env", cwd=root) or "", re.MULTILINE)
    if told is None:
        raise PmlaunchError("PML401", "git-lfs does not answer.", hint="git lfs version")
    return Path(told[1].strip())


def object_of(store: Path, pointer: Pointer) -> Path:
    return store / pointer.sha256[:2] / pointer.sha256[2:4] / pointer.sha256


def has_object(store: Path, pointer: Pointer) -> bool:
    """Whether the store holds the object, by its size."""
    try:
        return object_of(store, pointer).stat().st_size == pointer.size
    except OSError:
        return False


def bring(site: Site, git: Git, root: Path, files: Sequence[LfsFile], report: Report) -> None:
    """Make every one of `files` the real one. A file that is something else is moved aside, not lost.

    Raises PML402, PML403, PML412, and PML413 when content stays wrong after it was fetched once again.
    """
    states = state_of(git, root, files)
    wanted = [file for file in files if states[file.path] not in ("here", "unknown")]
    store = store_of(git, root)
    require_room(root, room_for(store, wanted))
    for file in wanted:
        if states[file.path] == "other" and _is_leftover(file.within(root), object_of(store, file.pointer)):
            file.within(root).unlink()
        elif states[file.path] == "other":
            move_aside(site, file.within(root))
    _fetch(site, git, root, wanted, report)
    acquaint(git, root, files)


def acquaint(git: Git, root: Path, files: Sequence[LfsFile]) -> None:
    """Let git look at files that are right and that it takes for changed ones: they came by other means than Git LFS, or
    it had no room to note them.
    """
    unknown = [path for path, state in state_of(git, root, files).items() if state == "unknown"]
    if unknown:
        ended = git.tell("add", "--", *unknown, cwd=root, settings=WITH_LFS)
        if not ended.ok:
            raise failure(ended, "Noting the checkpoint in git's index", str(root))


def _fetch(site: Site, git: Git, root: Path, wanted: list[LfsFile], report: Report) -> None:
    store, ended = store_of(git, root), None
    for _ in range(2 if wanted else 0):
        for file in wanted:
            _drop_if_broken(object_of(store, file.pointer), file.pointer)
        ended = _pull(site, git, root, wanted, report)
        wanted = [file for file in wanted if not is_right(file.within(root), file.pointer)]
        for file in wanted:
            if _quick_state(file, root) in ("here", "other"):  # of the pull just now: an earlier one was moved aside
                file.within(root).unlink()
        for file in list(wanted):
            if _copied(object_of(store, file.pointer), file, root):
                wanted.remove(file)
        if not wanted:
            return
        if not ended.ok and not any(map(_CORRUPT.search, ended.tail)):
            raise failure(
                ended, f"Fetching {_names(wanted)}", wanted[0].path, "PML412", elsewhere=_elsewhere(site, wanted)
            )
    if ended is None:
        return
    raise PmlaunchError(
        "PML413",
        f"{_names(wanted)}: fetched twice, and it is still not what git says (sha256 {wanted[0].pointer.sha256[:12]}...). "
        f"git's output: {ended.log}",
        hint="check the disk and the source",
        subject=wanted[0].path,
    )


def _elsewhere(site: Site, wanted: Iterable[LfsFile]) -> str | None:
    """The command that brings the missing checkpoint from Hugging Face; None where no repository there is known."""
    from pmlaunch.catalog.presets import presets

    missing = {file.path for file in wanted}
    for preset in presets("model", site.settings.preset_folders).values():
        if preset.values.get("checkpoint") in missing and preset.values.get("huggingface"):
            return f"pmlaunch fetch {preset.names[0]} --from hf"
    return None


def room_for(store: Path | None, files: Iterable[LfsFile]) -> int:
    """Bytes that the files take: one copy in the checkout, one in the store where it is not there yet."""
    return sum(
        file.pointer.size * (1 if store is not None and has_object(store, file.pointer) else 2) for file in files
    )


def is_right(path: Path, pointer: Pointer) -> bool:
    """Whether the file is the real one: its size and its sha256 are those of the pointer."""
    try:
        return path.stat().st_size == pointer.size and sha256_of(path) == pointer.sha256
    except OSError:
        return False


def move_aside(site: Site, path: Path) -> Path:
    """Give a file that is in the way another name, and say so."""
    from pmlaunch.model import Finding, Severity

    number = 0
    while (kept := path.with_name(f"{path.name}.kept{number or ''}")).exists():
        number += 1
    path.rename(kept)
    message = f"{path.name} was neither the checkpoint nor its pointer. It was kept as {kept}."
    site.findings.append(Finding("PML420", Severity.NOTE, message, subject=str(kept)))
    return kept


def _is_leftover(path: Path, stored: Path) -> bool:
    """Whether the file is the beginning of the object: what git-lfs leaves behind when it is ended while it copies."""
    try:
        with path.open("rb") as one, stored.open("rb") as other:
            while chunk := one.read(1 << 20):
                if chunk != other.read(len(chunk)):
                    return False
    except OSError:
        return False
    return True


def _drop_if_broken(stored: Path, pointer: Pointer) -> None:
    if stored.exists() and not is_right(stored, pointer):
        stored.chmod(0o600)  # git-lfs keeps some objects read-only, which Windows takes literally
        stored.unlink()


def _pull(site: Site, git: Git, root: Path, files: Sequence[LfsFile], report: Report) -> ChildResult:
    include = [file.path for file in files]
    if len(include) > _ON_ONE_LINE:
        include = sorted({path.rpartition("/")[0] for path in include})
    told = site.logs / "lfs-progress.txt"
    told.unlink(missing_ok=True)
    progress = LfsProgress(told, report, _names(files), sum(file.pointer.size for file in files))
    return git.run(
        "lfs", "pull", f"--include={','.join(include)}", "--exclude=",
        cwd=root, more=RunOptions(poll=progress, variables={"GIT_LFS_PROGRESS": str(told)}),
    )  # fmt: skip


def _copied(stored: Path, file: LfsFile, root: Path) -> bool:
    """Whether the object is right and was put in its place.

    git-lfs says "could not check out" and no more where a disk is full or a path is too long, and returns 0; the system
    tells us why. Raises PML402 and PML422.
    """
    if not is_right(stored, file.pointer):
        return False
    target = file.within(root)
    beside = target.with_name(f".{target.name}.pmlaunch")
    try:
        shutil.copyfile(stored, beside)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise cannot_write(target.parent, error) from error
    return True


def _names(files: Sequence[LfsFile]) -> str:
    return files[0].path if len(files) == 1 else f"{len(files)} files"
