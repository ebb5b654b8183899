"""Git LFS: installed, and known to git. Without its filters a checkout silently holds pointers."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.doctor.check import CheckGroup, MachineCheck, Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import ask_git, setting_in_files
from pmlaunch.git.safety import git_folder
from pmlaunch.model import Finding, Severity

_SECTION, _KEY = "filter.lfs", "process"


def _look(target: DoctorTarget) -> Observation:
    path = _program(target)
    answer = None if target.quick else ask_git(target.environment, "lfs", "version")
    words = answer[1].split() if answer and answer[0] == 0 else []
    version = words[0].removeprefix("git-lfs/") if words else None
    if path is None and version is None:
        message = "git-lfs is not here: checkpoints cannot be downloaded, a checkout holds pointers in their place."
        name = "GitHub.GitLFS" if target.windows else "git-lfs"
        install = f"winget install {name}" if target.windows else f"install {name} with your system's package manager"
        return Observation(findings=(Finding("PML222", Severity.WARNING, message, install),))
    facts = [("version", version)] if version else []
    facts.append(("path", path or "git's own folder"))
    known = _is_set_up(target)
    if known is None:
        return Observation((*facts, ("set up", "not looked at with --quick")))
    if known:
        return Observation((*facts, ("set up", "yes")))
    message = "git does not know Git LFS's filters: files arrive as pointers, without a word."
    hint = "pmlaunch doctor --fix" if _has_repository(target) else "git lfs install"
    return Observation((*facts, ("set up", "no")), (Finding("PML223", Severity.WARNING, message, hint),))


def _has_repository(target: DoctorTarget) -> bool:
    """Whether the checkout is a git repository of its own; one unpacked from an archive is not."""
    return target.checkout is not None and git_folder(target.checkout.root) is not None


def _is_set_up(target: DoctorTarget) -> bool | None:
    """Whether git would run git-lfs in the checkout; None if files alone do not show it."""
    root = target.checkout.root if target.checkout else None
    if not target.quick:
        answer = ask_git(target.environment, "config", "--get", f"{_SECTION}.{_KEY}", folder=root)
        if answer is not None:
            return answer[0] == 0 and bool(answer[1].strip())
    return True if setting_in_files(root, _SECTION, _KEY, Path.home()) else None


def _program(target: DoctorTarget) -> str | None:
    """git-lfs on PATH, or the one of Git for Windows, which lies beside git and not on PATH."""
    path = target.environment.get("PATH")
    found = shutil.which("git-lfs", path=path)
    git = shutil.which("git", path=path)
    if found is None and git is not None and target.windows:
        for name in ("mingw64", "clangarm64", "mingw32"):
            place = Path(git).parent.parent / name / "bin" / "git-lfs.exe"
            if place.is_file():
                return str(place)
    return found


def fix(target: DoctorTarget) -> str | None:
    """Set the filters in the checkout's own configuration; install no hooks, change nothing outside the checkout."""
    if not _has_repository(target) or target.checkout is None:
        return None  # a repository around the checkout is not ours to change
    root = target.checkout.root
    done = ask_git(target.environment, "lfs", "install", "--local", "--skip-repo", folder=root)
    if done is None or done[0] != 0:
        raise PmlaunchError("PML223", f"git lfs install failed: {done[1].strip() if done else 'git did not start'}")
    return f"git lfs install --local --skip-repo in {root}"


GIT_LFS = MachineCheck("git_lfs", "Git LFS", CheckGroup.TOOLS, _look, fixes=frozenset({"PML223"}), fix=fix)
