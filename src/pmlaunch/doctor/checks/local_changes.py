"""Local changes of the checkout: they are the user's, and anyone who reads a report has to know of them."""

from __future__ import annotations

from collections import Counter

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.git.queries import CannotTell, ask_git, owned_by_another
from pmlaunch.model import Finding, Severity

_NAMES = {"M": "changed", "D": "deleted", "A": "added", "R": "renamed", "T": "of another type", "U": "in conflict"}
_SHOWN = 3  # names of files in a message


def look(target: DoctorTarget) -> Observation:
    if target.checkout is None:
        return Observation(skipped="there is no checkout")
    root = target.repository
    if root is None:
        return Observation(skipped="the checkout is not a git repository")
    # checkpoints are compared by their sha256 (see models.py); untracked files are a user's results
    answer = ask_git(
        target.environment,
        *("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"),
        *("--", ".", ":(exclude)*.ckpt"),
        folder=root,
    )
    if answer is None or answer[0] != 0:
        output = answer[1].strip() if answer else ""
        words = output.splitlines()[0] if output else "git is not on PATH, or did not answer"
        foreign = owned_by_another(output)
        why = foreign or CannotTell(f"git did not report changed files ({words})")
        code = "PML162" if foreign else "PML160"
        return Observation(findings=(Finding(code, Severity.WARNING, f"{why.reason}.", why.hint, subject=str(root)),))
    entries = [(line[:2].strip()[:1], line[3:]) for line in answer[1].split("\0") if len(line) > 3]
    if not entries:
        return Observation((("local changes", "none"),))
    kinds = Counter(_NAMES.get(kind, "changed") for kind, _ in entries)
    count = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    names = ", ".join(name for _, name in entries[:_SHOWN]) + (", ..." if len(entries) > _SHOWN else "")
    message = f"Files in the checkout differ from its commit ({count}): {names}"
    note = Finding("PML225", Severity.NOTE, message, f'git -C "{root}" status', subject=str(root))
    return Observation((("local changes", count),), (note,))
