"""Find out who owns a file: this user, the system, or somebody else, whose content is not trusted."""

from __future__ import annotations

import os
from pathlib import Path


def other_owner(path: Path) -> str | None:
    """The owner of a file or link if it is neither this user nor an administrator; None also if unknown."""
    if os.name == "nt":
        from pmlaunch.support.windows_owners import other_sid

        return other_sid(path)
    try:
        owners = {path.lstat().st_uid, path.stat().st_uid} - {os.geteuid(), 0}
    except OSError:
        return None
    return f"user {min(owners)}" if owners else None
