"""The checkpoint: present, not a pointer, complete, and accompanied by its config."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.v2.training_config import config_of
from pmlaunch.generations.v3 import frozen_configs as frozen
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.support.text import megabytes


def check_checkpoint(planned: Planned) -> Iterator[Finding]:
    """Check the file itself, then compare it with git, then look for its config."""
    path = planned.plan.checkpoint
    fix = fetch_command(path, planned.checkout.root)
    try:
        pointer = lfs.read_pointer(path)
        size = path.stat().st_size
    except FileNotFoundError:
        hint = fix if path.is_relative_to(planned.checkout.root / "data") else None
        yield Finding("PML102", Severity.ERROR, f"Checkpoint {path} does not exist.", hint, hint, str(path))
        return
    except OSError as error:
        yield Finding(
            "PML102",
            Severity.ERROR,
            f"Checkpoint {path} cannot be read: {error.strerror}.",
            subject=str(path),
        )
        return
    if pointer is not None:
        message = (
            f"{path.name} is a Git LFS pointer of {size} bytes, not the checkpoint of {megabytes(pointer.size)}: {path}"
        )
        yield Finding("PML101", Severity.ERROR, message, fix, fix, str(path))
    else:
        yield from check_against_git(path, size, fix, hashed=planned.request.verify)
    yield from _config_beside(path, planned.checkout)


def check_against_git(path: Path, size: int, fix: str, *, hashed: bool) -> Iterator[Finding]:
    """Compare a downloaded file of `size` bytes with the pointer its commit holds; with `hashed` also the sha256.

    `fix` is the command that downloads it again.
    """
    expected = lfs.pointer_in_git(path)
    if expected is None:
        return
    if size != expected.size:
        message = f"{path} has {size} bytes; git says {expected.size}. The download broke off, or the file was changed."
        yield Finding("PML103", Severity.ERROR, message, f"delete it, then {fix}", fix, str(path))
    elif hashed and lfs.sha256_of(path) != expected.sha256:
        message = f"{path} has another sha256 than git says ({expected.sha256[:12]}...). Do not load it."
        yield Finding("PML104", Severity.ERROR, message, f"delete it, then {fix}", fix, str(path))


def _config_beside(path: Path, checkout: Checkout) -> Iterator[Finding]:
    """What the program needs beside the checkpoint; planning has refused one of another generation."""
    if checkout.generation is Generation.V3:
        yield from _frozen_beside(path, checkout)
    elif config_of(path) is None:
        message = f"No config.yaml beside {path.name} or one folder above it: eval_agent.py cannot rebuild the network."
        hint = f"copy the training's config.yaml to {path.parent}"
        yield Finding("PML105", Severity.ERROR, message, hint, None, str(path))


def _frozen_beside(path: Path, checkout: Checkout) -> Iterator[Finding]:
    configs = path.parent / frozen.CONFIGS
    state = frozen.read_frozen(path).state
    fix = fetch_command(configs, checkout.root)
    if state == "missing":
        message = f"No {frozen.CONFIGS} beside {path.name}: inference_agent.py cannot rebuild the network."
        hint = f"copy the training's {frozen.CONFIGS} to {path.parent}"
        yield Finding("PML129", Severity.ERROR, message, hint, None, str(path))
    elif state == "pointer":
        message = f"{frozen.CONFIGS} is a Git LFS pointer, not the configs: {configs}"
        yield Finding("PML130", Severity.ERROR, message, fix, fix, str(configs))
    elif state == "unreadable":
        message = f"{configs} is no file that torch saved."
        yield Finding("PML130", Severity.ERROR, message, f"delete it, then {fix}", None, str(configs))


def fetch_command(path: Path, root: Path) -> str:
    """The git command that fetches one checkpoint and nothing else."""
    include = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return f'git -C "{root}" lfs pull --include="{include}"'
