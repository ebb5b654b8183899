"""The checkpoint: present, not a pointer, complete, and accompanied by its config."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pmlaunch.catalog.models import fetch_command
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.find import fetch_path_command
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.v2.training_config import config_of
from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.git.lfs_pointer import NotInLfs, Pointer
from pmlaunch.git.queries import CannotTell
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.command_line import corrected
from pmlaunch.planning.plan import Planned
from pmlaunch.support.file_kind import no_torch_file
from pmlaunch.support.paths import did_you_mean_path
from pmlaunch.support.text import megabytes

_WITHOUT_EXPERT = "agent.config.expert_model_path=null"


def check_checkpoint(planned: Planned) -> Iterator[Finding]:
    """Check the file itself, then compare it with git, then look for its config."""
    path, root = planned.plan.checkpoint, planned.checkout.root
    fix = download_command(path, planned.checkout)
    try:
        pointer = lfs.read_pointer(path)
        size = path.stat().st_size
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        near = did_you_mean_path(path, planned.folders) if gone else ""
        hint = fix if gone and not near and path.is_relative_to(root / "data") else None
        message = f"Checkpoint {path} " + (f"does not exist.{near}" if gone else f"cannot be read: {error.strerror}.")
        yield Finding("PML102", Severity.ERROR, message, hint, hint, str(path))
        return
    if pointer is not None:
        is_pointer = f"{path.name} is a Git LFS pointer of {size} bytes"
        message = f"{is_pointer}, not the {megabytes(pointer.size)} checkpoint: {path}"
        yield Finding("PML101", Severity.ERROR, message, fix, fix, str(path))
    else:
        demanded = Severity.ERROR if planned.request.verify else None
        found = []
        if demanded or not GENERATIONS[planned.plan.generation].embedded:  # the demo's own comes with pmlaunch
            found = list(check_against_git(path, size, fix, demanded))
        yield from found
        if all(finding.severity is not Severity.ERROR for finding in found):
            yield from check_whole(path)
    yield from _check_expert(planned)
    # planning has refused the checkpoint of another generation
    if planned.checkout.generation is Generation.V3:
        yield from _frozen_beside(path, planned)
    elif config_of(path) is None:
        message = (
            f"No config.yaml beside {path.name} or one folder above it, so eval_agent.py cannot rebuild the network."
        )
        hint = f"copy config.yaml from the training results to {path.parent}"
        yield Finding("PML105", Severity.ERROR, message, hint, None, str(path))


def check_against_git(path: Path, size: int, fix: str, demanded: Severity | None = None) -> Iterator[Finding]:
    """Compare a downloaded file of `size` bytes with the pointer its commit holds; `fix` downloads it again.

    Without `demanded`, its size only. With it the content, too, and a file that could not be compared is a finding of
    this severity. An ERROR was demanded by the user, who is also told that the file is right.
    """
    try:
        expected = lfs.pointer_in_git(path)
        sha256 = lfs.sha256_of(path) if demanded and isinstance(expected, Pointer) and size == expected.size else None
    except PmlaunchError as refused:  # a repository that is not safe to ask
        yield Finding(
            refused.code, demanded or Severity.WARNING, refused.message, refused.hint, subject=refused.subject
        )
    except OSError as error:
        yield _not_compared(path, f"it cannot be read ({error.strerror or error})", None, demanded or Severity.WARNING)
    else:
        if isinstance(expected, CannotTell):
            severity = Severity.ERROR if demanded is Severity.ERROR else Severity.WARNING
            yield _not_compared(path, expected.reason, expected.hint, severity)
        elif isinstance(expected, NotInLfs):
            if demanded is not None:
                yield _not_compared(path, expected.reason, None, demanded)
        elif size != expected.size:
            message = (
                f"{path} has {size} bytes, but git records {expected.size}. The download is incomplete, or the file "
                "was changed."
            )
            yield Finding("PML103", Severity.ERROR, message, f"delete the file, then: {fix}", fix, str(path))
        elif sha256 is not None and sha256 != expected.sha256:
            message = f"The SHA-256 of {path} differs from the one in git ({expected.sha256[:12]}...). Do not load it."
            yield Finding("PML104", Severity.ERROR, message, f"delete the file, then: {fix}", fix, str(path))
        elif demanded is Severity.ERROR:
            message = f"{path.name} matches git: SHA-256 {expected.sha256[:12]}..."
            yield Finding("PML161", Severity.NOTE, message, subject=str(path))


def _not_compared(path: Path, reason: str, hint: str | None, severity: Severity) -> Finding:
    return Finding("PML160", severity, f"{path.name} was not compared with git: {reason}.", hint, subject=str(path))


def check_whole(path: Path) -> Iterator[Finding]:
    """PML103 for a checkpoint that torch cannot have saved like this: git knows nothing of most checkpoints."""
    try:
        reason = no_torch_file(path)
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}"
    if reason:
        message = f"{path} is not a checkpoint that torch can load: {reason}."
        yield Finding("PML103", Severity.ERROR, message, "copy or download the file again", None, str(path))


def _check_expert(planned: Planned) -> Iterator[Finding]:
    """PML158 for an expert whose files are not there. Upstream's path is relative to the checkout."""
    expert = planned.report.expert_model
    if not expert or planned.plan.foreign:
        return
    path = planned.checkout.root / expert
    if planned.checkout.generation is Generation.V3:
        needed, off = (path, path.parent / "resolved_configs.pt"), "agent.expert_model_path=None"
    else:
        scored = path / "score_based.ckpt"
        needed, off = (path / "config.yaml", scored if scored.exists() else path / "last.ckpt"), _WITHOUT_EXPERT
    missing = next((file for file in needed if not file.is_file()), None)
    if missing:
        message = (
            f"The checkpoint's config names an expert, but {missing} does not exist. The evaluation does not use the "
            "expert."
        )
        fix = corrected(planned.request, overrides=(*planned.request.overrides, off))
        yield Finding("PML158", Severity.ERROR, message, fix, fix, str(path))


def _frozen_beside(path: Path, planned: Planned) -> Iterator[Finding]:
    from pmlaunch.generations.v3.frozen_configs import FrozenState, read_frozen

    configs = path.parent / FROZEN_CONFIGS
    state = read_frozen(path).state
    fix = fetch_command(path, planned.checkout) or fetch_path_command(configs)
    if state is FrozenState.MISSING:
        message = f"No {FROZEN_CONFIGS} beside {path.name}, so inference_agent.py cannot rebuild the network."
        hint = f"copy {FROZEN_CONFIGS} from the training results to {path.parent}"
        yield Finding("PML129", Severity.ERROR, message, hint, None, str(path))
    elif state is FrozenState.POINTER:
        message = f"{FROZEN_CONFIGS} is a Git LFS pointer, not the configs: {configs}"
        yield Finding("PML130", Severity.ERROR, message, fix, fix, str(configs))
    elif state is FrozenState.UNREADABLE:
        message = f"{configs} was not saved by torch."
        yield Finding("PML130", Severity.ERROR, message, f"delete the file, then: {fix}", None, str(configs))
    elif planned.request.verify:
        yield from check_against_git(configs, configs.stat().st_size, fix, Severity.ERROR)


def download_command(path: Path, checkout: Checkout) -> str:
    """The command that downloads a checkpoint of the checkout, and nothing else."""
    return fetch_command(path, checkout) or fetch_path_command(path)
