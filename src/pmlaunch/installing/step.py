"""An installation step: plan it, do it, and the outcome of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from pmlaunch.git.progress import OnProgress, Progress, Reporter
from pmlaunch.installing.context import NOTHING_NEW, InstallContext, Learned
from pmlaunch.model import Finding


@dataclass(frozen=True)
class AlreadyDone:
    """There is nothing to do. `text` says what is there; `notes` are findings about it."""

    text: str
    notes: tuple[Finding, ...] = ()
    learned: Learned = NOTHING_NEW


@dataclass(frozen=True)
class Todo:
    """What a step would do.

    Attributes:
        text: the plan in a sentence.
        commands: what a person could type instead.
        bytes: to download; None if unknown.
        disk: bytes it takes on the checkout's disk, if that differs from the download.
        findings: warnings about the plan, shown with the step.
        notes: findings about what is there already.
    """

    text: str
    commands: tuple[str, ...] = ()
    bytes: int | None = None
    disk: int | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def room(self) -> int:
        """Bytes it takes on the checkout's disk."""
        return self.disk if self.disk is not None else self.bytes or 0


@dataclass(frozen=True)
class Done:
    """A step was carried out and its result verified. `text` says what was verified."""

    text: str
    learned: Learned = NOTHING_NEW


class InstallStep(Protocol):
    """One step of an installation.

    It may be interrupted at any moment and is planned again then: what is half-done must be recognised as such.
    """

    @property
    def name(self) -> str:
        """The step's name in JSON."""
        ...

    @property
    def title(self) -> str:
        """The step's name for people."""
        ...

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """What there is to do. Changes nothing and needs no network.

        A branch that was asked for by name is looked up at its source; if that does not answer, what is here counts.

        Raises PmlaunchError if the step cannot be done at all.
        """
        ...

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Do it and verify the result. Raises PmlaunchError with what happened, why, and what to type next."""
        ...


@dataclass
class StepReport:
    """A Reporter that passes progress on and collects the rest: findings, and the log of the last program."""

    on_progress: OnProgress
    findings: list[Finding] = field(default_factory=list)
    last_log: Path | None = None

    def progress(self, progress: Progress) -> None:
        """Pass progress on."""
        self.on_progress(progress)

    def found(self, finding: Finding) -> None:
        """Keep a finding."""
        self.findings.append(finding)

    def log(self, path: Path) -> None:
        """Remember the newest log."""
        self.last_log = path


class State(str, Enum):
    """The state of a step."""

    PLANNED = "planned"
    ALREADY = "already done"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class StepResult:
    """The result of one step: `text` is for people, `seconds` wall time, `log` the output of its last program."""

    name: str
    title: str
    state: State
    text: str
    seconds: float = 0.0
    commands: tuple[str, ...] = ()
    bytes: int | None = None
    log: Path | None = None
    findings: tuple[Finding, ...] = ()
