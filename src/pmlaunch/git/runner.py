"""Run git and git-lfs without a shell.

There are three ways, which differ in how they handle an interruption. `ask` is a query that answers at once. `tell` is a
short change of a repository; it runs to its end whatever happens to the launcher, so that no lock is left behind in a
repository that may be the user's. `run` is a download; it ends with the launcher, however that ends.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.safety import FILTERS, SETTINGS, may_filter, options, safe_environment, without_filters
from pmlaunch.processes.child import NEW_GROUP, ChildCommand
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Watcher, run_child

_SHORT = 60.0  # seconds for a query
_CHANGE = 600.0  # seconds for a change: git may write a thousand files
_SETTINGS = (
    *SETTINGS,
    # start nothing in the background
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    # give up after a minute on a server that sends nothing
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
# Check out LFS files as pointers; Git LFS is called for the selected ones afterwards.
NO_LFS = ("filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.process=", "filter.lfs.required=false")
# Compare LFS files with their pointers even if Git LFS was never set up in this repository.
WITH_LFS = (
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.process=git-lfs filter-process",  # an empty command would count as a failing one
    "filter.lfs.required=true",
)


@dataclass(frozen=True)
class RunOptions:
    """What few downloads need.

    A change of what `poll` returns is a sign of life; `stdin` is a file; `variables` are added to the environment;
    after `patience` seconds without a sign of life the download is given up.
    """

    poll: Callable[[], object] | None = None
    stdin: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    patience: float = 300.0


def executable(environment: Mapping[str, str]) -> str:
    """Return the path of git. Raises PML400 if it is not on PATH."""
    found = shutil.which("git", path=environment.get("PATH"))
    if found is None:
        raise PmlaunchError("PML400", "There is no git on PATH.", hint="install git: https://git-scm.com")
    return found


class Git:
    """git and git-lfs for one operation.

    Args:
        environment: the user's; what would name another repository is left out.
        logs: the folder for the output of commands, created with the first log.
        windows: whether git itself must be told to use long paths.
        on_log: is called with the path of each log before its command starts.

    Raises PML400 if git is not on PATH.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        *,
        windows: bool = False,
        on_log: Callable[[Path], None] | None = None,
    ) -> None:
        self.logs = logs
        self._on_log = on_log
        self._git = executable(environment)
        self.environment = {**safe_environment(environment), "GIT_LFS_SKIP_SMUDGE": "1"}
        self.longpaths = windows
        self._settings = [*_SETTINGS, *(["core.longpaths=true"] if windows else [])]

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Git's version, such as (2, 39, 5); (0,) if unknown."""
        return version_in(self._short([self._git, "version"]).stdout)

    @cached_property
    def lfs_version(self) -> tuple[int, ...]:
        """The version of Git LFS; (0,) if it is not installed."""
        return version_in(self._short([self._git, "lfs", "version"]).stdout)

    def command(self, arguments: Sequence[str], cwd: Path, settings: Sequence[str] = ()) -> list[str]:
        """Return the full command line. Raises PML409 if a configured filter cannot be disabled."""
        # Git LFS installs hooks wherever it works; keep it away from those of the user's repository
        hooks = f"core.hooksPath={self.logs / ('lfs-hooks' if arguments[0] == 'lfs' else 'no-hooks')}"
        start = [self._git, "-C", str(cwd), *options(*self._settings, hooks)]
        return [*start, *options(*(self._filters(start, cwd) if may_filter(arguments) else ()), *settings), *arguments]

    def _filters(self, start: Sequence[str], cwd: Path) -> tuple[str, ...]:
        """Return the settings that disable the filters configured here. Raises PML409 if that is impossible."""
        settings = without_filters(self._short([*start, *FILTERS]).stdout)
        if settings is None:
            raise PmlaunchError(
                "PML409",
                f"The configuration of the repository at {cwd} names a filter that cannot be switched off, so git is not "
                "started there.",
                hint=f'git -C "{cwd}" config --get-regexp ^filter',
                subject=str(cwd),
            )
        return settings

    def ask(self, *arguments: str, cwd: Path, settings: Sequence[str] = ()) -> str | None:
        """Return git's output without its last newline, or None if it fails."""
        done = self._short(self.command(arguments, cwd, settings))
        return done.stdout.decode("utf-8", "replace").rstrip("\r\n") if done.returncode == 0 else None

    def ask_bytes(self, *arguments: str, cwd: Path, given: bytes = b"") -> bytes | None:
        """Return git's output for `given` on its standard input, or None if it fails."""
        done = self._short(self.command(arguments, cwd), given=given)
        return done.stdout if done.returncode == 0 else None

    def tell(self, *arguments: str, cwd: Path, settings: Sequence[str] = ()) -> ChildResult:
        """Make a short change. If interrupted, let it finish, then raise KeyboardInterrupt."""
        log = self._log(arguments)
        with Interrupts() as interrupts:
            done = self._short(self.command(arguments, cwd, settings), merged=True)
        with contextlib.suppress(OSError):
            log.write_bytes(done.stdout)
        interrupts.raise_if_any()
        return ChildResult(done.returncode, _lines(done.stdout), log)

    def run(
        self,
        *arguments: str,
        cwd: Path,
        settings: Sequence[str] = (),
        listener: Callable[[bytes], None] | None = None,
        more: RunOptions = RunOptions(),
    ) -> ChildResult:
        """Run a download; `listener` gets its output on another thread.

        Ctrl+C ends it and everything it started, then raises KeyboardInterrupt.
        """
        command = ChildCommand(
            self.command(arguments, cwd, settings),
            environment={**self.environment, **more.variables},
            cwd=self.logs,
            log=self._log(arguments),
            stdin=more.stdin,
        )
        limits = ChildLimits(silence=more.patience)
        return run_child(command, str(self.logs), limits, Watcher(listener, more.poll))

    def _short(
        self, command: list[str], merged: bool = False, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                check=False,
                env=self.environment,
                input=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merged else subprocess.DEVNULL,
                timeout=_CHANGE if merged else _SHORT,
                creationflags=NEW_GROUP,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(command, 1, (error.stdout or b"") + b"\nno answer in time")
        except OSError as error:
            raise PmlaunchError(
                "PML400", f"git cannot be started ({self._git}): {error.strerror or error}.", subject=self._git
            ) from error

    def _log(self, arguments: Sequence[str]) -> Path:
        """Return the file for a command's output, and add the command to commands.txt."""
        folder = self.logs
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "commands.txt").open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%H:%M:%S')} git {' '.join(arguments)}\n")
        except OSError as error:
            raise cannot_write(folder, error) from error
        words = [word for word in arguments[:2] if word.isalpha()]
        log = folder / f"{sum(1 for _ in folder.glob('*.log')) + 1:02}-git-{'-'.join(words)}.log"
        if self._on_log:
            self._on_log(log)
        return log


def version_in(told: bytes) -> tuple[int, ...]:
    """Return the first version number in a program's output, or (0,)."""
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)


def cannot_write(folder: Path, error: OSError) -> PmlaunchError:
    """Return the error for a folder that cannot be written: PML402 if its disk is full, else PML422."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        return PmlaunchError(
            "PML402",
            f"The disk of {folder} is full.",
            hint="free some space, then the same command",
            subject=str(folder),
        )
    return PmlaunchError(
        "PML422", f"Cannot write to {folder}: {error.strerror or error}.", hint="--dir FOLDER", subject=str(folder)
    )


def _lines(output: bytes) -> tuple[str, ...]:
    return tuple(line for line in output.decode("utf-8", "replace").splitlines() if line.strip())
