"""Run git and git-lfs without a shell.

There are three ways, which differ in how they handle an interruption. `ask` is a query that answers at once. `tell` is a
short change of a repository; it runs to its end whatever happens to the launcher, so that no lock is left behind in a
repository that may be the user's. `run` is a download; it ends with the launcher, however that ends.
"""

from __future__ import annotations

import contextlib
import copy
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import writing
from pmlaunch.git.process import neutral_folder
from pmlaunch.git.progress import Reporter
from pmlaunch.git.queries import owned_by_another, why_not
from pmlaunch.git.repository import Repository, refuse_links
from pmlaunch.git.safety import Confinement, confine, git_program, lfs_program, options, safe_environment
from pmlaunch.git.settings import overrides
from pmlaunch.processes.child import NEW_GROUP, ChildCommand
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.supervise import ChildLimits, ChildResult, Watcher, run_child
from pmlaunch.support.paths import real_path
from pmlaunch.support.secrets import redact

_SHORT = 60.0  # seconds for a query
_CHANGE = 600.0  # seconds for a change: git may write a thousand files
_SETTINGS = (
    "advice.detachedHead=false",
    *("http.lowSpeedLimit=1000", "http.lowSpeedTime=60"),  # give up after a minute on a server that sends nothing
)
# Check out LFS files as pointers; Git LFS is called for the selected ones afterwards.
NO_LFS = ("filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.process=", "filter.lfs.required=false")
# Compare LFS files with their pointers even if Git LFS was never set up in this repository.
WITH_LFS = (
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.process=git-lfs filter-process",  # an empty command would count as a failing one
    "filter.lfs.required=true",
)


class Git:
    """git and git-lfs in `folder`, for one operation.

    Args:
        environment: the user's; what would name another repository is left out.
        logs: the folder for the output of commands, created with the first log.
        folder: the working directory of every command.
        windows: whether git itself must be told to use long paths.
        report: is told the path of each log before its command starts.

    Raises PML400 if git is not on PATH. Every command raises PML140 to PML142 for a repository in which git cannot be
    started safely. A command contacts nobody, unless it is one of `online`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        folder: Path,
        *,
        windows: bool = False,
        report: Reporter | None = None,
    ) -> None:
        self.logs = logs
        self.folder = folder
        self._report = report
        self.above = self.network = False
        self._git = git_program(environment)
        self._lfs = lfs_program(environment)
        self._given = environment
        self._confined: dict[Path, Confinement] = {}
        self.longpaths = windows
        self.settings = [*_SETTINGS, *(["core.longpaths=true"] if windows else [])]

    def adding(self, *settings: str) -> Git:
        """The same git with more settings in every command."""
        other = copy.copy(self)
        other.settings = [*self.settings, *settings]
        return other

    def at(self, folder: Path, *, above: bool = False) -> Git:
        """The same git in another folder; with `above` the repository may be that of a folder above."""
        other = copy.copy(self)
        other.folder, other.above = folder, above
        return other

    @property
    def online(self) -> Git:
        """The same git with commands that use the network."""
        other = copy.copy(self)
        other.network = True
        return other

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Git's version, such as (2, 39, 5); (0,) if unknown."""
        return version_in(self._short([self._git, "version"], self._outside()).stdout)

    @cached_property
    def lfs_version(self) -> tuple[int, ...]:
        """The version of Git LFS; (0,) if it is not installed."""
        return version_in(self._short([self._lfs, "version"], self._outside()).stdout) if self._lfs else (0,)

    def command(self, arguments: Sequence[str], settings: Sequence[str] = ()) -> list[str]:
        """The full command line. Raises PML401 for a command of Git LFS that is not installed."""
        lfs = arguments[0] == "lfs"
        if lfs and self._lfs is None:  # git would try an alias of that name
            raise PmlaunchError("PML401", "There is no git-lfs on PATH.", hint="install it: https://git-lfs.com")
        # Git LFS installs hooks wherever it works; keep it away from those of the user's repository
        hooks = f"core.hooksPath={self.logs / ('lfs-hooks' if lfs else 'no-hooks')}"
        own = self._confinement().settings
        return [self._git, "-C", str(self.folder), *options(*own, *self.settings, hooks, *settings), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command."""
        own = {**safe_environment(self._given, network=self.network), "GIT_LFS_SKIP_SMUDGE": "1"}
        return {**own, **self._confinement().variables}

    def _confinement(self) -> Confinement:
        """How git is confined in this folder; its repository is examined once."""
        known = self._confined.get(self.folder)
        if known is None:
            known = confine(self._git, self.folder, safe_environment(self._given), above=self.above)
            if known.repository:
                self._refuse_foreign(known)
            if known.repository and not self.above:
                refuse_links(self.folder)
                self._confined[self.folder] = known
        return known

    def _refuse_foreign(self, known: Confinement) -> None:
        """Raise PML162 if git refuses the repository because of its owner, since every query would fail."""
        command = [self._git, "-C", str(self.folder), *options(*known.settings), "rev-parse", "--git-dir"]
        environment = {**safe_environment(self._given), **known.variables}
        foreign = owned_by_another(self._short(command, environment, merged=True).stdout.decode("utf-8", "replace"))
        if foreign is not None:
            raise PmlaunchError("PML162", f"{foreign.reason}.", hint=foreign.hint, subject=str(self.folder))

    def overrides_in(self, own: Path) -> tuple[str, ...]:
        """The overrides for the repository `own` of a submodule that is to be checked out in this folder."""
        repository = Repository(real_path(self.folder), own, own)
        return overrides(self._git, repository, safe_environment(self._given), checked_out=False)

    def _outside(self) -> dict[str, str]:
        """The variables of a command that uses no repository."""
        return {**safe_environment(self._given), "GIT_CEILING_DIRECTORIES": str(neutral_folder(self._git).parent)}

    def ask(self, *arguments: str, settings: Sequence[str] = ()) -> str | None:
        """Git's output without its last newline; None if it fails."""
        done = self._short(self.command(arguments, settings), self.environment)
        return done.stdout.decode("utf-8", "replace").rstrip("\r\n") if done.returncode == 0 else None

    def answer(self, *arguments: str, given: bytes = b"") -> bytes:
        """Git's output for `given` on its standard input. Raises PML409 if it fails: no answer is not an empty one."""
        done = self._short(self.command(arguments), self.environment, given=given)
        if done.returncode != 0:
            why = why_not(done)
            raise PmlaunchError("PML409", f"{self.folder}: {why.reason}.", hint=why.hint, subject=str(self.folder))
        return done.stdout

    def tell(self, *arguments: str, settings: Sequence[str] = ()) -> ChildResult:
        """Make a short change. If interrupted, let it finish, then raise KeyboardInterrupt."""
        log = self._log(arguments)
        with Interrupts() as interrupts:
            done = self._short(self.command(arguments, settings), self.environment, merged=True)
        output = redact(done.stdout.decode("utf-8", "replace"))
        with contextlib.suppress(OSError):
            log.write_text(output, encoding="utf-8", newline="")
        interrupts.raise_if_any()
        lines = output.splitlines()
        return ChildResult(done.returncode, tuple(line for line in lines if line.strip()), log)

    def run(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        watcher: Watcher | None = None,
        stdin: Path | None = None,
        variables: Mapping[str, str] = MappingProxyType({}),
        patience: float = 300.0,
    ) -> ChildResult:
        """Run a download. Give it up after `patience` seconds without a sign of life.

        Ctrl+C ends it and everything it started, then raises KeyboardInterrupt.
        """
        argv, environment = self.command(arguments, settings), {**self.environment, **variables}
        command = ChildCommand(argv, environment, cwd=self.logs, log=self._log(arguments), stdin=stdin)
        return run_child(command, str(self.logs), ChildLimits(silence=patience), watcher or Watcher())

    def _short(
        self, command: list[str], environment: Mapping[str, str], merged: bool = False, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                check=False,
                env=environment,
                cwd=neutral_folder(self._git),
                input=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                timeout=_CHANGE if merged else _SHORT,
                creationflags=NEW_GROUP,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(
                command, 1, (error.stdout or b"") + b"\nno answer in time", b"no answer in time"
            )
        except OSError as error:
            raise PmlaunchError(
                "PML400", f"git cannot be started ({self._git}): {error.strerror or error}.", subject=self._git
            ) from error

    def _log(self, arguments: Sequence[str]) -> Path:
        """The file for a command's output, announced to `report`; the command is added to commands.txt."""
        folder = self.logs
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "commands.txt").open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%H:%M:%S')} git {redact(' '.join(arguments))}\n")
        words = [word for word in arguments[:2] if word.isalpha()]
        log = folder / f"{sum(1 for _ in folder.glob('*.log')) + 1:02}-git-{'-'.join(words)}.log"
        if self._report:
            self._report.last_log = log
        return log


def version_in(told: bytes) -> tuple[int, ...]:
    """The first version number in a program's output; (0,) if there is none."""
    found = re.search(rb"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", told)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)
