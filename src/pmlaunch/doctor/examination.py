"""Run the checks concurrently, each within its time limit, and repair what is safe to repair."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pmlaunch.codes import Exit
from pmlaunch.doctor.check import CheckGroup, CheckResult, CheckState, MachineCheck, Observation
from pmlaunch.doctor.registry import MACHINE_CHECKS
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity


@dataclass(frozen=True)
class Repair:
    """What --fix did about the findings of a check; if it failed, `done` is False and `text` says why."""

    check: str
    text: str
    done: bool


@dataclass(frozen=True)
class Examination:
    """The results of the checks in the order of the groups; with --fix (`fixed`), the repairs and the results before."""

    target: DoctorTarget
    results: tuple[CheckResult, ...]
    seconds: float
    repairs: tuple[Repair, ...] = ()
    before: tuple[CheckResult, ...] = ()
    fixed: bool = False

    @property
    def findings(self) -> list[Finding]:
        """The findings of all checks."""
        return [found for result in self.results for found in result.observation.findings]

    @property
    def exit_code(self) -> int:
        """Exit.CHECK if a check found an error, else Exit.DONE."""
        return Exit.CHECK if any(result.state is CheckState.ERROR for result in self.results) else Exit.DONE

    def __json__(self) -> dict[str, Any]:
        target = self.target
        return {
            "quick": target.quick,
            "seconds": round(self.seconds, 3),
            "simulator": target.simulator.name,
            "checkout": target.checkout.root if target.checkout else None,
            "runtime": target.runtime.facts,
            "backend": target.backend,
            "groups": [
                {
                    "name": group.name.lower(),
                    "title": group.value,
                    "checks": [result for result in self.results if result.check.group is group],
                }
                for group in CheckGroup
            ],
            "fix": {
                "asked": self.fixed,
                "mended": self.repairs,
                "before": [
                    {"check": result.check.name, "state": result.state, "codes": result.codes} for result in self.before
                ],
            },
        }


def examine(target: DoctorTarget, checks: Mapping[str, MachineCheck] = MACHINE_CHECKS) -> Examination:
    """Run the checks concurrently. A check that fails or hangs ends neither the others nor the examination."""
    start = time.monotonic()
    wanted = [check for check in checks.values() if check.quick or not target.quick]
    answers: queue.SimpleQueue[CheckResult] = queue.SimpleQueue()
    for check in wanted:
        # daemon threads instead of a pool: at exit the interpreter would wait for a pool's threads, even for a hung one
        threading.Thread(target=_run, args=(check, target, answers), name=f"check {check.name}", daemon=True).start()
    if target.probe is not None and any(check.probes for check in wanted):
        target.probe.ask()  # here, because Ctrl+C reaches the main thread only
    found = _collect(wanted, answers, start)
    left_out = Observation(skipped="skipped by --quick")
    results = tuple(found.get(check.name, CheckResult(check, left_out, 0.0)) for check in checks.values())
    return Examination(target, results, time.monotonic() - start)


def repair(examination: Examination) -> Examination:
    """Repair what is safe to repair, then run every check again to see the effect."""
    before = examination.results
    repairs = tuple(done for result in before if (done := _repair(result, examination.target)) is not None)
    if not repairs:
        return replace(examination, fixed=True)
    again = examine(examination.target, {result.check.name: result.check for result in before})
    seconds = examination.seconds + again.seconds
    return replace(again, seconds=seconds, repairs=repairs, before=before, fixed=True)


def _run(check: MachineCheck, target: DoctorTarget, answers: queue.SimpleQueue[CheckResult]) -> None:
    start = time.monotonic()
    try:
        seen = check.look(target)
    except PmlaunchError as error:
        failed = Finding(error.code, Severity.ERROR, error.message, error.hint, subject=error.subject)
        seen = Observation(findings=(failed,))
    except Exception as error:  # noqa: BLE001 (a bug in one check must not hide the results of the others)
        message = f"The check {check.title!r} raised {type(error).__name__}: {error}"
        seen = Observation(findings=(Finding("PML220", Severity.WARNING, message, "pmlaunch doctor --report"),))
    answers.put(CheckResult(check, seen, time.monotonic() - start))


def _collect(
    wanted: Sequence[MachineCheck], answers: queue.SimpleQueue[CheckResult], start: float
) -> dict[str, CheckResult]:
    """The results by name, with a finding for every check that exceeded its time limit."""
    found: dict[str, CheckResult] = {}
    waiting = {check.name: check for check in wanted}
    while waiting:
        left = min(check.limit for check in waiting.values()) - (time.monotonic() - start)
        try:
            result = answers.get(timeout=max(left, 0.0))
        except queue.Empty:
            for check in [check for check in waiting.values() if time.monotonic() - start >= check.limit]:
                message = f"The check {check.title!r} took longer than {check.limit:g} s."
                late = Finding("PML220", Severity.WARNING, message, "to skip slow checks: pmlaunch doctor --quick")
                found[check.name] = CheckResult(check, Observation(findings=(late,)), check.limit)
                del waiting[check.name]
            continue
        if waiting.pop(result.check.name, None):
            found[result.check.name] = result
    return found


def _repair(result: CheckResult, target: DoctorTarget) -> Repair | None:
    check = result.check
    if check.fix is None or not result.fixable:
        return None
    try:
        text = check.fix(target)
    except (OSError, PmlaunchError) as error:
        return Repair(check.name, str(error), done=False)
    return None if text is None else Repair(check.name, text, done=True)
