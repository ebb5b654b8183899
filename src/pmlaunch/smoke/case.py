"""What a smoke test consists of: cases, each with an outcome and the sentence for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pmlaunch.support.json import to_json


class Verdict(str, Enum):
    """What became of a case. An error is a case that could not be judged because something broke."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One thing that was tried. `suite` is doctor, evaluation or thresholds; `code` a PML code where there is one."""

    suite: str
    name: str
    verdict: Verdict
    text: str = ""
    seconds: float = 0.0
    code: str | None = None

    def __json__(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "name": self.name,
            "verdict": self.verdict.value,
            "text": self.text,
            "seconds": round(self.seconds, 3),
            "code": self.code,
        }


@dataclass(frozen=True)
class SmokeResult:
    """What came of a smoke test; `folder` is that of the run, None when none was started."""

    model: str
    cases: tuple[Case, ...]
    exit_code: int
    seconds: float
    folder: str | None = None

    def of(self, suite: str) -> Sequence[Case]:
        return [case for case in self.cases if case.suite == suite]

    def count(self, verdict: Verdict) -> int:
        return sum(case.verdict is verdict for case in self.cases)

    def __json__(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "seconds": round(self.seconds, 3),
            "folder": self.folder,
            "counts": {verdict.value: self.count(verdict) for verdict in Verdict},
            "cases": to_json(self.cases),
        }
