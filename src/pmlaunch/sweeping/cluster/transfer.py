"""Run folders as archives, which workers pack and the launcher unpacks without trusting them; and files in pieces."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path
from typing import IO

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.atomic import move, replacing
from pmlaunch.support.disk import path_below, remove_tree
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.torch_pickles import open_zip

PIECE = 4 << 20  # bytes of a file in a message
_MOST_FILES = 10_000
_MOST_BYTES = 16 << 30  # of a run folder; videos and motions that were asked for are in it


def pack(folder: Path, archive: Path) -> None:
    """Write the ordinary files of a run folder into an archive, without its copy of the checkpoint. Raises OSError."""
    with replacing(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, True, 1) as packed:
        for place, folders, names in os.walk(folder):
            folders.sort()
            for path in (Path(place, name) for name in sorted(names)):
                if stat.S_ISREG(path.lstat().st_mode) and path.suffix != ".ckpt":
                    with open_ordinary(path) as file, packed.open(_entry(path, folder), "w", force_zip64=True) as entry:
                        _copy(file, entry, _MOST_BYTES)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into `folder`, which must not exist: files below it, nothing else.

    Raises PML454 for an archive with more than a run folder may have, PML143 for names that lead elsewhere, and OSError.
    """
    temporary = archive.with_suffix(".unpacked")
    remove_tree(temporary)
    temporary.mkdir()
    try:
        with open_ordinary(archive) as file, open_zip(file) as packed:
            entries = packed.infolist()
            if len(entries) > _MOST_FILES:
                raise _refused(folder, f"it has {len(entries)} files")
            left = _MOST_BYTES
            for entry in entries:
                path = path_below(temporary, entry.filename)
                if ":" in entry.filename or os.path.lexists(path):
                    raise _refused(folder, f"it has a file {entry.filename!r}")
                path.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, path.open("xb") as target:
                    left -= _copy(source, target, left)
        move(temporary, folder)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused(folder, f"it is damaged ({error})") from error
    finally:
        remove_tree(temporary)


def read_piece(path: Path, offset: int) -> tuple[int, bytes]:
    """(size of a file, its bytes from `offset`). Raises OSError."""
    with open_ordinary(path) as file:
        file.seek(offset)
        return os.fstat(file.fileno()).st_size, file.read(PIECE)


def _entry(path: Path, folder: Path) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _copy(source: IO[bytes], target: IO[bytes], limit: int) -> int:
    copied = 0
    while chunk := source.read(1 << 20):
        copied += len(chunk)
        if copied > limit:
            raise ValueError("too large")
        target.write(chunk)
    return copied


def _refused(folder: Path, why: str) -> PmlaunchError:
    return PmlaunchError("PML454", f"A worker sent the run folder {folder.name}, but {why}.", subject=str(folder))
