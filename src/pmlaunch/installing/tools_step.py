"""The step that checks the tools: git, Git LFS, and the length of paths on Windows."""

from __future__ import annotations

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.step import AlreadyDone, Done
from pmlaunch.model import Finding, Severity
from pmlaunch.support.disk import free_bytes
from pmlaunch.support.platforms import long_paths_of_windows
from pmlaunch.support.text import megabytes

_OLDEST_GIT = (2, 20)
_OLDEST_LFS = (2, 3)
_WINDOWS_PATH = 259  # characters, unless long paths are switched on
_LONGEST = 150  # characters of the longest path inside a checkout and its repository, with a margin


class ToolsStep:
    """Check git and Git LFS. Installs nothing: an error names what is missing."""

    name = "tools"
    title = "tools and disk"

    def plan(self, context: InstallContext) -> AlreadyDone:
        """Raises PML400 and PML401."""
        git = context.git()
        if git.version < _OLDEST_GIT:
            message = f"git {_text(git.version)} is too old; pmlaunch needs {_text(_OLDEST_GIT)} or later."
            raise PmlaunchError("PML400", message, hint="install a newer git: https://git-scm.com")
        if git.lfs_version < _OLDEST_LFS:
            message = "There is no git-lfs on PATH, but ProtoMotions stores its checkpoints in Git LFS."
            hint = "winget install GitHub.GitLFS" if context.windows else "apt install git-lfs"
            raise PmlaunchError("PML401", message, fix=hint)
        free = megabytes(free_bytes(context.checkout))
        text = f"git {_text(git.version)}, git-lfs {_text(git.lfs_version)}, {free} free"
        return AlreadyDone(text, notes=_path_warning(context))

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Check once more; `plan` never asks for it."""
        return Done(self.plan(context).text)


def _path_warning(context: InstallContext) -> tuple[Finding, ...]:
    """PML421 if paths below the checkout would be too long for this Windows."""
    if not context.windows or long_paths_of_windows() or len(str(context.checkout)) + _LONGEST <= _WINDOWS_PATH:
        return ()
    message = f"The path {context.checkout} is too long: this Windows limits whole paths to {_WINDOWS_PATH} characters."
    hint = "choose a shorter folder with --dir, or enable LongPathsEnabled"
    return (Finding("PML421", Severity.WARNING, message, hint, None, str(context.checkout)),)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
