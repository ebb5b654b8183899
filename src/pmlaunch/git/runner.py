"""git and git-lfs without a shell: asked, told, and watched while they download.

Three ways, by what a moment's interruption would do. `ask` is a question, answered at once. `tell` is a short change of
a repository: it runs to its end whatever happens to the launcher, so that no lock is left behind in a repository that
may be the user's. `run` is a download: it ends with the launcher, however that comes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.safety import FILTERS, SETTINGS, may_filter, options, safe_environment, without_filters
from pmlaunch.installing.step import Site
from pmlaunch.processes.child import Child
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.job_object import join_job
from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE
from pmlaunch.support.atomic import write_text

_PERIOD = 0.05  # seconds between two looks at a download
_SHORT = 60.0  # seconds for a question
_CHANGE = 600.0  # seconds for a change: git writes a thousand files
_SILENCE = 300.0  # seconds without a byte after which a download hangs
_SETTINGS = (
    *SETTINGS,
    # nothing goes on in the background
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    # a server that has fallen silent is given up after a minute
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
# LFS files are written as the pointers that they are; Git LFS is called for the chosen ones afterwards
NO_LFS = ("filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.process=", "filter.lfs.required=false")
# ... or compared with their pointers although Git LFS was never set up in this repository
WITH_LFS = (
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.process=git-lfs filter-process",  # an empty one would count as one that fails
    "filter.lfs.required=true",
)


@dataclass(frozen=True)
class Ended:
    """What came of a command: its exit code (None: given up in silence) and the last lines of its output."""

    exit_code: int | None
    tail: tuple[str, ...]
    log: Path

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


def executable(environment: Mapping[str, str]) -> str:
    """The path of git. Raises PML400."""
    found = shutil.which("git", path=environment.get("PATH"))
    if found is None:
        raise PmlaunchError("PML400", "There is no git on PATH.", hint="install git: https://git-scm.com")
    return found


class Git:
    """git for one installation, with its logs in the site's folder. Raises PML400 when there is none."""

    def __init__(self, site: Site):
        self._site = site
        self._git = executable(site.environment)
        self.environment = {
            **safe_environment(site.environment),
            "GIT_LFS_SKIP_SMUDGE": "1",
            "LANGUAGE": "en",  # what git says is read
            SPEC_VARIABLE: str(site.logs / "spec.json"),  # by this the guardian knows what is ours
        }
        self.longpaths = site.platform.name == "windows"
        self._settings = [*_SETTINGS, *(["core.longpaths=true"] if self.longpaths else [])]

    @cached_property
    def version(self) -> tuple[int, ...]:
        """git's version, (2, 39, 5); (0,) when it does not say."""
        return version_in(self._short([self._git, "version"]).stdout)

    @cached_property
    def lfs_version(self) -> tuple[int, ...]:
        """Git LFS's version; (0,) when it is not there."""
        return version_in(self._short([self._git, "lfs", "version"]).stdout)

    def command(self, arguments: Sequence[str], cwd: Path, settings: Sequence[str] = ()) -> list[str]:
        # Git LFS installs hooks wherever it works; those of the user's repository stay as they are
        hooks = f"core.hooksPath={self._site.logs / ('lfs-hooks' if arguments[0] == 'lfs' else 'no-hooks')}"
        start = [self._git, "-C", str(cwd), *options(*self._settings, hooks)]
        return [*start, *options(*(self._filters(start, cwd) if may_filter(arguments) else ()), *settings), *arguments]

    def _filters(self, start: Sequence[str], cwd: Path) -> tuple[str, ...]:
        """What switches off the filters that are configured here. Raises PML409 where that cannot be done."""
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
        """The answer without its last newline; None when git has none."""
        done = self._short(self.command(arguments, cwd, settings))
        return done.stdout.decode("utf-8", "replace").rstrip("\r\n") if done.returncode == 0 else None

    def ask_bytes(self, *arguments: str, cwd: Path, given: bytes = b"") -> bytes | None:
        """The answer as it is, to what is `given` on its standard input; None when git has none."""
        done = self._short(self.command(arguments, cwd), given=given)
        return done.stdout if done.returncode == 0 else None

    def tell(self, *arguments: str, cwd: Path, settings: Sequence[str] = ()) -> Ended:
        """Make a short change. Interrupted, it runs to its end first, then KeyboardInterrupt is raised."""
        log = self._log(arguments)
        with Interrupts() as interrupts:
            done = self._short(self.command(arguments, cwd, settings), merged=True)
        with contextlib.suppress(OSError):
            log.write_bytes(done.stdout)
        if interrupts.count:
            raise KeyboardInterrupt
        return Ended(done.returncode, _lines(done.stdout), log)

    def run(
        self,
        *arguments: str,
        cwd: Path,
        settings: Sequence[str] = (),
        listener: Callable[[bytes], None] | None = None,
        poll: Callable[[], object] | None = None,
        stdin: Path | None = None,
        variables: Mapping[str, str] | None = None,
        patience: float = _SILENCE,
    ) -> Ended:
        """Run a download. `listener` hears its output on another thread; what `poll` returns is a sign of life when it
        changes. Ctrl+C ends it and everything below it, then raises KeyboardInterrupt.
        """
        log = self._log(arguments)
        self._state("running")
        with Interrupts() as interrupts:
            guardian = Guardian(self._site.logs)
            join_job()
            try:
                child = Child(
                    self.command(arguments, cwd, settings),
                    environment={**self.environment, **(variables or {})},
                    cwd=self._site.logs,
                    log=log,
                    listener=listener or (lambda _: None),
                    stdin=stdin,
                )
                guardian.watch(child.pid)
                exit_code = _wait(child, interrupts, poll, patience)
            finally:
                self._state("ended")
                guardian.dismiss()
            if interrupts.count:
                raise KeyboardInterrupt
        return Ended(exit_code, tuple(child.tail()), log)

    def _short(
        self, command: list[str], merged: bool = False, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        group = {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
        try:
            return subprocess.run(
                command,
                env=self.environment,
                input=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merged else subprocess.DEVNULL,
                timeout=_CHANGE if merged else _SHORT,
                **group,
            )
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(command, 1, (error.stdout or b"") + b"\nno answer in time")
        except OSError as error:
            raise PmlaunchError(
                "PML400", f"git cannot be started ({self._git}): {error.strerror or error}.", subject=self._git
            ) from error

    def _log(self, arguments: Sequence[str]) -> Path:
        """The file for a command's output; the command itself is noted beside it."""
        folder = self._site.logs
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "commands.txt").open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%H:%M:%S')} git {' '.join(arguments)}\n")
        except OSError as error:
            raise cannot_write(folder, error) from error
        words = [word for word in arguments[:2] if word.isalpha()]
        log = folder / f"{sum(1 for _ in folder.glob('*.log')) + 1:02}-git-{'-'.join(words)}.log"
        self._site.log = log
        return log

    def _state(self, state: str) -> None:
        """What the guardian looks at: ended while it says "running" is an accident."""
        with contextlib.suppress(OSError):
            write_text(self._site.logs / "record.json", json.dumps({"state": state}) + "\n")


def version_in(told: bytes) -> tuple[int, ...]:
    """The first version number in what a program says of itself; (0,) when there is none."""
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)


def cannot_write(folder: Path, error: OSError) -> PmlaunchError:
    """The sentence for a folder that the system does not let us write, or a disk that is full."""
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


def _wait(child: Child, interrupts: Interrupts, poll: Callable[[], object] | None, patience: float) -> int | None:
    """The exit code, None when it was given up; the child and everything below it has ended."""
    exit_code, seen, since = None, None, time.monotonic()
    while exit_code is None and not interrupts.count:
        exit_code = child.wait(_PERIOD)
        now = poll() if poll else None
        if now != seen:
            seen, since = now, time.monotonic()
        if exit_code is None and time.monotonic() - max(since, child.last_output) > patience:
            break
    silent = exit_code is None
    if silent:
        child.end_tree()
    child.close()
    return None if silent else exit_code


def _lines(output: bytes) -> tuple[str, ...]:
    return tuple(line for line in output.decode("utf-8", "replace").splitlines() if line.strip())
