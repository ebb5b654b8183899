"""Download a checkpoint from Hugging Face instead of Git LFS: exactly the same bytes, or an error.

The file is identified by its sha256: Hugging Face lists the sha256 of every large file, and git's pointer names the
wanted one. No file name is guessed, and a file that merely has the right name is not accepted.

Not verified, because this was written offline: that ctessler/MaskedMimic (the model card of MaskedMimic's authors, whose
evaluation command names data/pretrained_models/masked_mimic/smpl/last.ckpt) holds exactly the file of the tag v2.3. If
it does not, the error lists what is there, and Git LFS remains.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.git.progress import OnProgress, Progress
from pmlaunch.git.runner import cannot_write

T = TypeVar("T")
_PERIOD = 0.2  # seconds between two looks at the growing file


class _RepoFile(Protocol):
    """A file of a repository, as huggingface_hub lists it."""

    rfilename: str
    lfs: object


class _ModelInfo(Protocol):
    siblings: Sequence[_RepoFile] | None


class _HubApi(Protocol):
    def model_info(self, repo_id: str, *, files_metadata: bool) -> _ModelInfo: ...


class _Hub(Protocol):
    """The part of the huggingface_hub module that is used here."""

    def HfApi(self) -> _HubApi: ...  # noqa: N802 (the library's name)
    def hf_hub_download(self, repo_id: str, filename: str, *, local_dir: Path) -> str: ...


def download(repository: str, pointer: Pointer, folder: Path, report: OnProgress) -> Path:
    """Download the file in `repository` that has the pointer's content; return its path below `folder`.

    Resumes an interrupted download. Raises PML402, PML418 and PML419.
    """
    hub = _hub()
    name = _name_of(hub, repository, pointer)
    text = f"{repository}/{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _watched(
            lambda: hub.hf_hub_download(repository, name, local_dir=folder),
            lambda: report(Progress(text, min(_bytes_below(folder), pointer.size), pointer.size)),
        )
    except OSError as error:  # a full disk, but the library's network errors are OSErrors, too
        if error.errno is not None and getattr(error, "response", None) is None and type(error) is OSError:
            raise cannot_write(folder, error) from error
        raise _undelivered(repository, error) from error
    except Exception as error:  # whatever the library raises for a network problem
        raise _undelivered(repository, error) from error
    return Path(path)


def _hub() -> _Hub:
    """The library, with its own output off. Raises PML418 if it is not installed."""
    try:
        import huggingface_hub
        from huggingface_hub import HfApi, hf_hub_download  # noqa: F401 (a late import would reset its logging)
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        raise PmlaunchError(
            "PML418",
            "--from hf needs the package huggingface_hub.",
            hint=f'"{sys.executable}" -m pip install "pmlaunch[hf]"',
        ) from error
    disable_progress_bars()  # we draw our own, and the library's warnings would break it
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    hub: _Hub = huggingface_hub
    return hub


def _name_of(hub: _Hub, repository: str, pointer: Pointer) -> str:
    """The name of the file with the pointer's sha256. Raises PML419."""
    try:
        listed = hub.HfApi().model_info(repository, files_metadata=True).siblings or []
    except Exception as error:
        raise _undelivered(repository, error) from error
    for file in listed:
        if _sha256_of(file) == pointer.sha256:
            return str(file.rfilename)
    names = ", ".join(str(file.rfilename) for file in listed) or "nothing"
    raise PmlaunchError(
        "PML419",
        f"{repository} on Hugging Face holds no file with sha256 {pointer.sha256[:12]}..., which the checkout asks for. "
        f"It holds: {names}.",
        hint="pmlaunch fetch MODEL --from lfs",
        subject=repository,
    )


def _sha256_of(file: _RepoFile) -> str | None:
    """The sha256 of a listed file: an attribute in newer versions of the library, a dictionary entry in older ones."""
    lfs = getattr(file, "lfs", None)
    found = lfs.get("sha256") if isinstance(lfs, dict) else getattr(lfs, "sha256", None)
    return str(found) if found else None


def _undelivered(repository: str, error: Exception) -> PmlaunchError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return PmlaunchError(
        "PML419",
        f"{repository} on Hugging Face did not deliver: {reason}",
        hint="check the network, then the same command; or --from lfs",
        subject=repository,
    )


def _watched(work: Callable[[], T], look: Callable[[], None]) -> T:
    """The result of `work`, which runs on another thread while `look` is called from time to time.

    Ctrl+C then interrupts the wait and not the library.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (raised again on the caller's thread)
            errors.append(error)

    thread = threading.Thread(target=run, name="hugging face", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_PERIOD)
        look()
    if errors:
        raise errors[0]
    return results[0]


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # renamed meanwhile
    return total
