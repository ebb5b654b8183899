"""Doctor's questions to git, and the only change that --fix makes with it: to the checkout's own configuration."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import ask_git, setting_in_files

_NOT_SET = 1  # what `git config --get` ends with


def git_output(target: DoctorTarget, *arguments: str) -> str | None:
    """The output of a git command that concerns no repository; None if it fails, or --quick forbids it."""
    answer = None if target.quick else ask_git(target.environment, *arguments)
    return answer[1].strip() if answer and answer[0] == 0 else None


def git_setting(target: DoctorTarget, section: str, key: str) -> str | None:
    """The effective setting in the checkout, "" if there is none.

    Read from files if git must not or cannot be started; they do not show every setting, so None means unknown.
    """
    root = target.checkout.root if target.checkout else None
    if not target.quick:
        answer = ask_git(target.environment, "config", "--get", f"{section}.{key}", folder=root)
        if answer is not None:
            return answer[1].strip() if answer[0] == 0 else "" if answer[0] == _NOT_SET else None
    return setting_in_files(root, section, key, Path.home()) or None


def change_checkout(target: DoctorTarget, code: str, *arguments: str) -> str | None:
    """Run a git command in the checkout and describe it; None without a repository. Raises `code` if it fails."""
    root = target.repository
    if root is None:
        return None  # a repository around the checkout is not ours to change
    command = f"git {' '.join(arguments)}"
    done = ask_git(target.environment, *arguments, folder=root, changes=True)
    if done is None or done[0] != 0:
        raise PmlaunchError(code, f"{command} failed: {done[1].strip() if done else 'git did not start'}")
    return f"{command} in {root}"
