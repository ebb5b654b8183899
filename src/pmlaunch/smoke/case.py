"""The cases of a smoke test, each with a verdict and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pmlaunch.model import Finding


class CaseVerdict(Enum):
    """The verdict on a case. ERROR means it could not be judged because something broke."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class Suite(Enum):
    """The part of a smoke test that a case belongs to."""

    DOCTOR = "doctor"
    EVALUATION = "evaluation"
    THRESHOLDS = "thresholds"


@dataclass(frozen=True)
class Case:
    """One thing that was tested; `seconds` is kept to three digits, `code` is a PML code if there is one."""

    suite: Suite
    name: str
    verdict: CaseVerdict
    text: str = ""
    seconds: float = 0.0
    code: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", round(self.seconds, 3))


@dataclass(frozen=True)
class SmokeResult:
    """The result of a smoke test; `folder` is the run folder, None if no run was started.

    `not_started` are findings about programs that another one replaced.
    """

    model: str
    cases: tuple[Case, ...]
    exit_code: int
    seconds: float
    folder: str | None = None
    not_started: tuple[Finding, ...] = ()

    def of(self, suite: Suite) -> Sequence[Case]:
        """The cases of one suite."""
        return [case for case in self.cases if case.suite is suite]

    def __json__(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "seconds": round(self.seconds, 3),
            "folder": self.folder,
            "counts": {verdict.value: count(self.cases, verdict) for verdict in CaseVerdict},
            "cases": self.cases,
        }


def count(cases: Sequence[Case], verdict: CaseVerdict) -> int:
    """The number of cases with that verdict."""
    return sum(case.verdict is verdict for case in cases)
