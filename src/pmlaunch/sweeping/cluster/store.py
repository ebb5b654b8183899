"""A worker's store of checkpoints, by sha256: each is sent to a machine once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.lfs_pointer import sha256_of
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import move
from pmlaunch.support.cache import content_key
from pmlaunch.support.disk import path_below, remove_tree

_CONFIGS = (".yaml", ".yml", ".json", ".txt", ".pt")  # of files beside a checkpoint that a program may read
_SMALL = 16 << 20  # bytes of such a file
_MOST = 64
_UPLOAD = ".upload"
_ABANDONED = 86400.0  # seconds without a new piece


@dataclass(frozen=True)
class SentCheckpoint:
    """A checkpoint and the small files beside it that belong to it.

    Attributes:
        folder: the name of its folder, which names the model.
        name: of the checkpoint's file.
        files: {name: sha256}.
    """

    folder: str
    name: str
    files: Mapping[str, str]

    @property
    def key(self) -> str:
        """The name in the store, which depends on names and content."""
        return content_key(self.folder, self.name, *(text for pair in sorted(self.files.items()) for text in pair))

    def place(self, store: Path) -> Path:
        """Its folder in a store. Raises PML143 for a name that leads elsewhere."""
        place = path_below(store, f"{self.key}/{self.folder}")
        for name in (self.name, *self.files):
            path_below(place, name)
        return place


def describe(checkpoint: Path) -> tuple[SentCheckpoint, Mapping[str, Path]]:
    """(checkpoint, {name: path of its file}). Takes about a second a gigabyte. Raises OSError."""
    paths = {checkpoint.name: checkpoint}
    above = checkpoint.parent.parent / "config.yaml"  # ProtoMotions 2 looks there if there is none beside it
    for path in (above, *sorted(checkpoint.parent.iterdir())[:1000]):
        if path.suffix in _CONFIGS and path.is_file() and path.stat().st_size <= _SMALL and len(paths) < _MOST:
            paths[path.name] = path
    folder = "".join(each if each.isalnum() or each in "-_." else "_" for each in checkpoint.parent.name).strip(".")
    return SentCheckpoint(folder or "model", checkpoint.name, {name: sha256_of(p) for name, p in paths.items()}), paths


def checkpoint_of(request: EvalRequest, settings: Settings) -> Path | None:
    """The checkpoint of a request that names one by its path; None for a model of the catalog, which machines have."""
    if not _is_path(request.checkpoint or request.model):
        return None
    only = replace(request, motions=(), seed=None, constraints=())
    return make_plan(only, settings).plan.checkpoint


def with_stored(request: EvalRequest, stored: Path) -> EvalRequest:
    """The request with its checkpoint from the store."""
    if _is_path(request.model):
        return replace(request, model=str(stored), checkpoint=None)
    return replace(request, checkpoint=str(stored))


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.endswith((".ckpt", ".pt"))


def receive(store: Path, sent: SentCheckpoint, name: str, offset: int, content: bytes) -> None:
    """Write a piece of a file into the store, as an upload that does not count yet. Raises OSError and PML143.

    Two launchers may upload the same checkpoint at the same time: each piece is written where it belongs.
    """
    if sent.place(store).is_dir():
        return
    try:
        path = path_below(_upload(store, sent), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(offset)
            file.write(content)
    except (OSError, PmlaunchError):
        remove_tree(_upload(store, sent))
        raise


def accept(store: Path, sent: SentCheckpoint) -> None:
    """Let an upload count that has arrived. Raises PML454 if its content is another."""
    upload, place = _upload(store, sent), sent.place(store)
    try:
        if place.is_dir():
            return
        names = sorted({*sent.files, *(path.name for path in upload.iterdir())})
        wrong = [name for name in names if sha256_of(path_below(upload, name)) != sent.files.get(name)]
        if wrong:
            raise PmlaunchError("PML454", f"A worker received another {wrong[0]} than was sent.", subject=wrong[0])
        place.parent.mkdir(parents=True, exist_ok=True)
        move(upload, place)
    finally:
        remove_tree(upload)


def remove_abandoned(store: Path) -> None:
    """Remove uploads that have got nothing for a day: their launchers were killed, and nobody sent the rest."""
    for upload in store.glob(f"*{_UPLOAD}"):
        with contextlib.suppress(OSError):
            last = max(path.lstat().st_mtime for path in (upload, *upload.iterdir()))
            if time.time() - last > _ABANDONED:
                remove_tree(upload)


def _upload(store: Path, sent: SentCheckpoint) -> Path:
    return store / f"{sent.key}{_UPLOAD}"
