"""Run git once for a short answer, without prompts, in a folder where no other user can put a program or repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TIMEOUT = 15.0  # seconds


def neutral_folder(git: str) -> Path:
    """A folder to start git in. Only the user who installed git can put a program or a repository there."""
    return Path(os.path.realpath(git)).parent


def run_git(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes] | None:
    """The result of a git command, whose first word is git's path; None if git cannot be started or hangs."""
    try:
        return subprocess.run(
            command,
            env=environment,
            cwd=neutral_folder(command[0]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
