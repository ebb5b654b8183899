"""The step that looks at the tools: git, Git LFS, and on Windows whether paths may be long."""

from __future__ import annotations

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.runner import Git
from pmlaunch.installing.step import Report, Site, Todo
from pmlaunch.model import Finding, Severity
from pmlaunch.support.disk import free_bytes
from pmlaunch.support.platforms import long_paths_of_windows
from pmlaunch.support.text import megabytes

_OLDEST_GIT = (2, 20)
_OLDEST_LFS = (2, 3)
_WINDOWS_PATH = 259  # characters, unless long paths are switched on
_LONGEST = 150  # characters of the longest path inside a checkout and its repository, with a margin


class ToolsStep:
    """git and Git LFS. Nothing is installed: what is missing is named."""

    name = "tools"
    title = "tools and disk"

    def todo(self, site: Site) -> Todo | None:
        """Raises PML400 and PML401."""
        git = Git(site)
        if git.version < _OLDEST_GIT:
            raise PmlaunchError(
                "PML400",
                f"git {_text(git.version)} is too old; pmlaunch needs {_text(_OLDEST_GIT)} or later.",
                hint="install a newer git: https://git-scm.com",
            )
        if git.lfs_version < _OLDEST_LFS:
            raise PmlaunchError(
                "PML401",
                "There is no git-lfs on PATH, and ProtoMotions keeps its checkpoints in Git LFS.",
                hint="apt install git-lfs" if site.platform.name != "windows" else "winget install GitHub.GitLFS",
            )
        if site.platform.name == "windows" and not long_paths() and len(str(site.checkout)) + _LONGEST > _WINDOWS_PATH:
            message = (
                f"{site.checkout} is a long path, and this Windows allows {_WINDOWS_PATH} characters for a whole one."
            )
            hint = "--dir with a shorter folder, or switch on LongPathsEnabled"
            site.findings.append(Finding("PML421", Severity.WARNING, message, hint, None, str(site.checkout)))
        free = megabytes(free_bytes(site.checkout))
        site.said[self.name] = f"git {_text(git.version)}, git-lfs {_text(git.lfs_version)}, {free} free"
        return None

    def do(self, site: Site, report: Report) -> None:
        """There is nothing to do: `todo` raises or is content."""

    def prove(self, site: Site) -> str:
        return site.said.get(self.name, "")


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def long_paths() -> bool:
    """Whether this Windows is known to allow paths of more than 259 characters."""
    return bool(long_paths_of_windows())
