"""A checkpoint from Hugging Face instead of Git LFS: the same bytes, or none.

Which file it is, is told by its sha256: Hugging Face lists that of every large file, git's pointer names the wanted one.
So no file name is guessed, and none that merely bears the right name is taken.

Not verified, because it was written offline: that ctessler/MaskedMimic (the model card of MaskedMimic's authors, whose
evaluation command names data/pretrained_models/masked_mimic/smpl/last.ckpt) holds exactly the file of the tag v2.3. If
it does not, this fails with the list of what is there, and Git LFS remains.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.git.runner import cannot_write
from pmlaunch.installing.step import Progress, Report

_PERIOD = 0.2  # seconds between two looks at the growing file


def download(repository: str, pointer: Pointer, folder: Path, report: Report) -> Path:
    """The path below `folder` of the file in `repository` whose content `pointer` names.

    Broken off, it goes on from there the next time. Raises PML402, PML418 and PML419.
    """
    hub = _hub()
    name = _name_of(hub, repository, pointer)
    text = f"{repository}/{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _while_watched(
            lambda: hub.hf_hub_download(repository, name, local_dir=folder),
            lambda: report(Progress(text, min(_bytes_below(folder), pointer.size), pointer.size)),
        )
    except OSError as error:  # a full disk; the hub's own network errors are OSErrors, too
        if error.errno is not None and getattr(error, "response", None) is None and type(error) is OSError:
            raise cannot_write(folder, error) from error
        raise _undelivered(repository, error) from error
    except Exception as error:  # whatever the library raises when the network does not play along
        raise _undelivered(repository, error) from error
    return Path(path)


def _hub() -> Any:
    try:
        import huggingface_hub
        from huggingface_hub import HfApi, hf_hub_download  # noqa: F401 (what it imports late resets its logging)
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        raise PmlaunchError(
            "PML418",
            "--from hf needs the package huggingface_hub.",
            hint=f'"{sys.executable}" -m pip install "pmlaunch[hf]"',
        ) from error
    disable_progress_bars()  # ours is drawn, and the library's warnings would be drawn over it
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    return huggingface_hub


def _name_of(hub: Any, repository: str, pointer: Pointer) -> str:
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


def _sha256_of(file: Any) -> str | None:
    """The sha256 of a listed file: an attribute in newer versions of the library, a dictionary's entry in older ones."""
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


def _while_watched(work: Callable[[], Any], look: Callable[[], None]) -> Any:
    """The result of `work`, done on another thread, so that Ctrl+C ends the wait and not a piece of a library."""
    came: list[Any] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="hugging face", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_PERIOD)
        look()
    if failed:
        raise failed[0]
    return came[0]


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # renamed between listing and looking
    return total
