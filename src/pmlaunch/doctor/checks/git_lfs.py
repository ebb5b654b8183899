"""Git LFS: here, and known to git; without its filters a checkout holds pointers and nothing says so."""

from __future__ import annotations

import shutil
from pathlib import Path

from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import ask_git, setting_in_files
from pmlaunch.git.safety import git_folder
from pmlaunch.model import Severity

_SECTION, _KEY = "filter.lfs", "process"


def _look(site: Site) -> Seen:
    path = _program(site)
    said = None if site.quick else ask_git(site.environment, "lfs", "version")
    version = said[1].split()[0].removeprefix("git-lfs/") if said and said[0] == 0 and said[1].split() else None
    if path is None and version is None:
        message = "git-lfs is not here: checkpoints cannot be downloaded, a checkout holds pointers in their place."
        name = "GitHub.GitLFS" if site.windows else "git-lfs"
        install = f"winget install {name}" if site.windows else f"install {name} with your system's package manager"
        return Seen(findings=(finding("PML222", Severity.WARNING, message, install),))
    facts = [("version", version)] if version else []
    facts.append(("path", path or "git's own folder"))
    known = _is_set_up(site)
    if known is None:
        return Seen((*facts, ("set up", "not looked at with --quick")))
    if known:
        return Seen((*facts, ("set up", "yes")))
    message = "git does not know Git LFS's filters: files arrive as pointers, without a word."
    hint = "pmlaunch doctor --fix" if _has_repository(site) else "git lfs install"
    return Seen((*facts, ("set up", "no")), (finding("PML223", Severity.WARNING, message, hint),))


def _has_repository(site: Site) -> bool:
    """Whether the checkout is a git repository of its own: one that was unpacked from an archive is not."""
    return site.checkout is not None and git_folder(site.checkout.root) is not None


def _is_set_up(site: Site) -> bool | None:
    """Whether git would run git-lfs in the checkout; None where files alone do not tell."""
    root = site.checkout.root if site.checkout else None
    if not site.quick:
        said = ask_git(site.environment, "config", "--get", f"{_SECTION}.{_KEY}", folder=root)
        if said is not None:
            return said[0] == 0 and bool(said[1].strip())
    return True if setting_in_files(root, _SECTION, _KEY, Path.home()) else None


def _program(site: Site) -> str | None:
    """git-lfs on PATH, or where Git for Windows keeps its own: beside git, and not on PATH."""
    path = site.environment.get("PATH")
    found = shutil.which("git-lfs", path=path)
    git = shutil.which("git", path=path)
    if found is None and git is not None and site.windows:
        for name in ("mingw64", "clangarm64", "mingw32"):
            place = Path(git).parent.parent / name / "bin" / "git-lfs.exe"
            if place.is_file():
                return str(place)
    return found


def fix(site: Site) -> str | None:
    """The filters in the checkout's own configuration; no hooks, and nothing outside the checkout."""
    if not _has_repository(site) or site.checkout is None:
        return None  # a repository around the checkout is not ours to change
    root = site.checkout.root
    done = ask_git(site.environment, "lfs", "install", "--local", "--skip-repo", folder=root)
    if done is None or done[0] != 0:
        raise PmlaunchError("PML223", f"git lfs install failed: {done[1].strip() if done else 'git did not start'}")
    return f"git lfs install --local --skip-repo in {root}"


GIT_LFS = Check("git_lfs", "Git LFS", Group.TOOLS, _look, mends=frozenset({"PML223"}), fix=fix)
