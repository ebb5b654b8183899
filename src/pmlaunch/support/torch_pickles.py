"""The pickles in a file that torch.load reads: a zip with one data.pkl, or the five pickles of torch before 1.6."""

from __future__ import annotations

import io
import pickletools
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from pmlaunch.support.file_kind import LEGACY, ZIP
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.pickle_calls import MAX_PICKLE, PickleCalls, pickle_calls

_DEEPEST = 3  # files in pickles in files
_OPCODES = frozenset(info.code.encode("latin-1") for info in pickletools.opcodes)
_TAR_HEADER = 512  # bytes
_DIRECTORY = 8 << 20  # bytes of a zip's directory; a file of ten thousand tensors needs about one million


class UnverifiableError(ValueError):
    """The file's pickles cannot be analyzed; the text says why in a few words."""


class _BoundedFile(io.BufferedIOBase):
    """A file that refuses to read much at once, which zipfile would for a huge directory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        content = self._file.read(_DIRECTORY + 1 if size is None or size < 0 else min(size, _DIRECTORY + 1))
        if len(content) > _DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip without reading more of it than a directory of reasonable size. Raises zipfile.BadZipFile."""
    return zipfile.ZipFile(_BoundedFile(file))


def read_entry(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The content of an entry of at most `limit` bytes. Raises ValueError, and what zipfile raises."""
    entry = archive.getinfo(name)
    if entry.file_size > limit or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{entry.filename!r} is too large or compressed in an unusual way")
    return archive.read(entry)


def calls_of(path: Path) -> PickleCalls:
    """What torch.load of the file would import and call. Raises UnverifiableError if unknown."""
    try:
        with open_ordinary(path) as file:
            return pickles_in(file)
    except OSError as error:
        raise UnverifiableError(f"it cannot be read: {error.strerror}") from error


def pickles_in(file: BinaryIO, depth: int = 0) -> PickleCalls:
    """What loading the pickles of a file would import and call. Raises UnverifiableError as `calls_of` does."""
    start = file.read(_TAR_HEADER)
    file.seek(0)
    if start.startswith(ZIP):
        return _in_zip(file, depth)
    if _is_tar(start):
        return PickleCalls(odd={"(the contents of a tar archive, which torch has not written since 2017)"})
    if start[:1] not in _OPCODES:
        raise UnverifiableError("it was not saved by torch")
    content, calls = file.read(MAX_PICKLE), PickleCalls()
    for _ in range(5 if start.startswith(LEGACY) else 1):
        found = _follow(content[calls.end :], depth)
        calls = PickleCalls(calls.names | found.names, calls.odd | found.odd, calls.end + found.end)
        calls.broken = found.broken
        if found.odd or found.broken:
            break
    return _told(calls)


def pickle_in_zip(file: BinaryIO) -> bytes:
    """The pickle of an archive that torch wrote.

    Raises UnverifiableError for other files, and ValueError for an archive that not every reader understands alike.
    """
    try:
        if file.read(len(ZIP)) != ZIP:  # torch would load a bare pickle, even with an archive after it
            raise UnverifiableError("it is not an archive")
        plain = _is_laid_out_plainly(file)
        with open_zip(file) as archive:
            names = archive.namelist()
            pickles = [name for name in names if name.replace("\\", "/").casefold().rpartition("/")[2] == "data.pkl"]
            if any(name.endswith("/constants.pkl") for name in names):
                raise UnverifiableError("it is a TorchScript program")
            if not pickles:
                raise UnverifiableError("it was not saved by torch")
            if len(pickles) > 1 or not plain:
                raise ValueError("an archive that different readers interpret differently")
            return read_entry(archive, pickles[0], MAX_PICKLE)
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
        struct.error,
    ) as error:
        raise UnverifiableError(f"its archive is damaged: {error}") from error


def _in_zip(file: BinaryIO, depth: int) -> PickleCalls:
    try:
        payload = pickle_in_zip(file)
    except UnverifiableError:
        raise
    except ValueError as error:
        return PickleCalls(odd={f"({error})"})
    calls = _follow(payload, depth)
    if calls.end < len(payload) and not calls.broken:
        calls.odd.add("(data after the pickle)")
    return _told(calls)


def _follow(payload: bytes, depth: int) -> PickleCalls:
    return pickle_calls(payload, (lambda file: pickles_in(io.BytesIO(file), depth + 1)) if depth < _DEEPEST else None)


def _told(calls: PickleCalls) -> PickleCalls:
    if calls.broken and not calls.names and not calls.odd:
        raise UnverifiableError("its pickle is damaged")
    return calls


def _is_laid_out_plainly(file: BinaryIO) -> bool:
    """Whether all parts of the directory follow each other up to the end, so that every reader finds the same one."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 98))
    tail = file.read().rjust(98, b"\0")
    file.seek(0)
    record, locator, end = tail[:56], tail[56:76], tail[76:]
    if end[:4] != b"PK\x05\x06":
        return False
    length, start = struct.unpack("<II", end[12:20])
    if locator[:4] == b"PK\x06\x07":
        length, start = struct.unpack("<QQ", record[40:56])
        return record[:4] == b"PK\x06\x06" and struct.unpack("<Q", locator[8:16]) == (size - 98,) == (start + length,)
    return bool(start + length == size - 22)


def _is_tar(start: bytes) -> bool:
    import tarfile

    try:
        tarfile.TarInfo.frombuf(start.ljust(_TAR_HEADER, b"\0"), "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
