"""Download a checkpoint from Hugging Face instead of Git LFS: exactly the same bytes, or an error.

The file is identified by its sha256: Hugging Face lists the sha256 of every large file, and git's pointer names the
wanted one. No file name is guessed, and a file that merely has the right name is not accepted.

Unverified: ctessler/MaskedMimic, the model card of MaskedMimic's authors, is assumed to hold the file of the tag v2.3. If
it does not, the error lists what it holds, and Git LFS remains.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import cannot_write
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.git.progress import OnProgress, Progress
from pmlaunch.support.disk import path_below

T = TypeVar("T")
_PERIOD = 0.2  # seconds between two progress reports


def download(repository: str, pointer: Pointer, folder: Path, report: OnProgress) -> Path:
    """Download the file in `repository` that has the pointer's content; return its path below `folder`.

    Resumes an interrupted download. Raises PML143, PML402, PML418 and PML419.
    """
    hub = _hub()
    name = _name_of(hub, repository, pointer)
    text, expected = f"{repository}/{name}", path_below(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _watched(
            lambda: str(hub.hf_hub_download(repository, name, local_dir=folder)),
            lambda: report(Progress(text, min(_bytes_below(folder), pointer.size), pointer.size)),
        )
    except OSError as error:  # a full disk, but the library's network errors are OSErrors, too
        if error.errno is not None and getattr(error, "response", None) is None and type(error) is OSError:
            raise cannot_write(folder, error) from error
        raise _undelivered(repository, error) from error
    except Exception as error:  # whatever the library raises for a network problem
        raise _undelivered(repository, error) from error
    if os.path.realpath(path) != os.path.realpath(expected):  # the library wrote elsewhere, to its cache for example
        raise PmlaunchError(
            "PML143", f"{repository} delivered {name!r} to {path}, which is not in {folder}.", subject=name
        )
    return expected


def _hub() -> ModuleType:
    """The library, with its own output off. Raises PML418 if it is not installed."""
    try:
        import huggingface_hub
        from huggingface_hub import HfApi, hf_hub_download  # noqa: F401 (a late import would reset its logging)
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        fix = f'"{sys.executable}" -m pip install "pmlaunch[hf]"'
        raise PmlaunchError("PML418", "--from hf needs the package huggingface_hub.", fix=fix) from error
    disable_progress_bars()  # we draw our own, and the library's warnings would break it
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    hub: ModuleType = huggingface_hub
    return hub


def _name_of(hub: ModuleType, repository: str, pointer: Pointer) -> str:
    """The name of the file with the pointer's sha256. Raises PML419."""
    try:
        listed = hub.HfApi().model_info(repository, files_metadata=True).siblings or []
    except Exception as error:
        raise _undelivered(repository, error) from error
    for file in listed:
        if _sha256_of(file) == pointer.sha256:
            return str(file.rfilename)
    names = ", ".join(str(file.rfilename) for file in listed) or "nothing"
    message = (
        f"{repository} on Hugging Face has no file with the SHA-256 {pointer.sha256[:12]}... that the checkout asks "
        f"for. It has: {names}."
    )
    raise PmlaunchError("PML419", message, subject=repository).retrying({"--from": "lfs"})


def _sha256_of(file: object) -> str | None:
    """The sha256 of a listed file: an attribute in newer versions of the library, a dictionary entry in older ones."""
    lfs = getattr(file, "lfs", None)
    found = lfs.get("sha256") if isinstance(lfs, dict) else getattr(lfs, "sha256", None)
    return str(found) if found else None


def _undelivered(repository: str, error: Exception) -> PmlaunchError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    message = f"Download from {repository} on Hugging Face failed: {reason}"
    hint = "check the network and repeat the command, or use --from lfs"
    return PmlaunchError("PML419", message, hint=hint, subject=repository)


def _watched(work: Callable[[], T], look: Callable[[], None]) -> T:
    """The result of `work`, run on another thread so that Ctrl+C interrupts the wait, not the library.

    `look` is called several times a second meanwhile.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (raised again on the caller's thread)
            future.set_exception(error)

    threading.Thread(target=run, name="hugging face", daemon=True).start()
    while wait([future], _PERIOD).not_done:
        look()
    return future.result()


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # renamed meanwhile
    return total
