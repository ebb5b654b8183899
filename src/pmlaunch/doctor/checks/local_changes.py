"""Local changes of the checkout: they are the user's, and whoever reads a report must know of them."""

from __future__ import annotations

from collections import Counter

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.git.queries import ask_git
from pmlaunch.git.safety import git_folder
from pmlaunch.model import Severity

_NAMES = {"M": "changed", "D": "deleted", "A": "added", "R": "renamed", "T": "of another type", "U": "in conflict"}
_SHOWN = 3


def _look(site: Site) -> Seen:
    if site.checkout is None:
        return Seen(skipped="there is no checkout")
    root = site.checkout.root
    if git_folder(root) is None:
        return Seen(skipped="the checkout is no git repository")
    # checkpoints are told apart by their sha256 (see models.py); untracked files are a user's results
    said = ask_git(
        site.environment,
        *("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"),
        *("--", ".", ":(exclude)*.ckpt"),
        folder=root,
    )
    if said is None or said[0] != 0:
        why = said[1].strip().splitlines()[0] if said and said[1].strip() else "git did not answer"
        return Seen(skipped=f"git could not tell: {why}")
    entries = [(line[:2].strip()[:1], line[3:]) for line in said[1].split("\0") if len(line) > 3]
    if not entries:
        return Seen((("local changes", "none"),))
    kinds = Counter(_NAMES.get(kind, "changed") for kind, _ in entries)
    count = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    names = ", ".join(name for _, name in entries[:_SHOWN]) + (", ..." if len(entries) > _SHOWN else "")
    message = f"Files of the checkout differ from its commit ({count}): {names}"
    note = finding("PML225", Severity.NOTE, message, f'git -C "{root}" status', about=str(root))
    return Seen((("local changes", count),), (note,))


CHANGES = Check("changes", "local changes", Group.CHECKOUT, _look, quick=False, limit=30.0)
