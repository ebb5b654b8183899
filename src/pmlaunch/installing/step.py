"""An installation step: the interface of all steps, and the types of their plans and results."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import NOTHING_NEW, InstallContext, Learned
from pmlaunch.model import Finding


@dataclass(frozen=True)
class AlreadyDone:
    """Nothing has to be done. `text` describes what is installed; `notes` are findings about it."""

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
    """One step of an installation; `name` is for JSON, `title` for people.

    It may be interrupted at any moment. The next install plans it again, so it must recognise half-finished work.
    """

    name: str
    title: str

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Plan the step. Changes nothing and needs no network.

        A branch that was asked for by name is looked up at its source; if that does not answer, what is here counts.

        Raises PmlaunchError if the step cannot be done at all.
        """
        ...

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Carry out the step and verify the result. Raises PmlaunchError with the reason and the next command."""
        ...


class StepState(str, Enum):
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
    state: StepState
    text: str
    seconds: float = 0.0
    commands: tuple[str, ...] = ()
    bytes: int | None = None
    log: Path | None = None
    findings: tuple[Finding, ...] = ()


def seconds_since(begin: float) -> float:
    """Wall time since `begin` (time.monotonic) in seconds, to the millisecond."""
    return round(time.monotonic() - begin, 3)
