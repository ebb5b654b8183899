"""The checks, run side by side, each within its time; and the mending of what may be mended."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlaunch.codes import Exit
from pmlaunch.doctor.check import Check, Group, Result, Seen, Site, finding
from pmlaunch.doctor.registry import CHECKS
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.support.json import to_json


@dataclass(frozen=True)
class Mended:
    """What --fix did about a check's findings; `done` is False where it could not, and `text` says why."""

    check: str
    text: str
    done: bool

    def __json__(self) -> dict[str, Any]:
        return {"check": self.check, "text": self.text, "done": self.done}


@dataclass(frozen=True)
class Examination:
    """What doctor saw: the results in the order of the groups, what was mended, and how it was before."""

    site: Site
    results: tuple[Result, ...]
    seconds: float
    mended: tuple[Mended, ...] = ()
    before: tuple[Result, ...] = ()
    fixed: bool = False

    @property
    def findings(self) -> list[Finding]:
        return [found for result in self.results for found in result.seen.findings]

    @property
    def exit_code(self) -> int:
        return Exit.CHECK if any(found.severity is Severity.ERROR for found in self.findings) else Exit.DONE

    def __json__(self) -> dict[str, Any]:
        site = self.site
        return {
            "quick": site.quick,
            "seconds": round(self.seconds, 3),
            "simulator": site.simulator.name,
            "checkout": str(site.checkout.root) if site.checkout else None,
            "runtime": to_json(site.runtime.facts),
            "backend": site.backend,
            "groups": [
                {
                    "name": group.name.lower(),
                    "title": group.value,
                    "checks": [to_json(result) for result in self.results if result.check.group is group],
                }
                for group in Group
            ],
            "fix": {
                "asked": self.fixed,
                "mended": to_json(self.mended),
                "before": [
                    {"check": result.check.name, "state": result.state, "codes": _codes(result)}
                    for result in self.before
                ],
            },
        }


def examine(site: Site, checks: Mapping[str, Check] = CHECKS) -> Examination:
    """Run the checks side by side. Nothing that a check does wrong ends the others, or this."""
    start = time.monotonic()
    wanted = [check for check in checks.values() if check.quick or not site.quick]
    answers: queue.SimpleQueue[Result] = queue.SimpleQueue()
    for check in wanted:
        # a daemon each and no pool: the end of the program waits for a pool's threads, also for one that hangs
        threading.Thread(target=_run, args=(check, site, answers), name=f"check {check.name}", daemon=True).start()
    if site.probe is not None and any(check.probes for check in wanted):
        site.probe.ask()  # here, because Ctrl+C reaches the main thread only
    found = _collect(wanted, answers, start)
    skipped = Seen(skipped="left out by --quick")
    results = tuple(found.get(check.name) or Result(check, skipped, 0.0) for check in checks.values())
    return Examination(site, results, time.monotonic() - start)


def mend(examination: Examination) -> Examination:
    """Mend what may be mended, and look again: at everything, so that nothing is believed."""
    mended = [item for result in examination.results if (item := _mend(result, examination.site)) is not None]
    if not mended:
        return Examination(examination.site, examination.results, examination.seconds, fixed=True)
    again = examine(examination.site, {result.check.name: result.check for result in examination.results})
    seconds = examination.seconds + again.seconds
    return Examination(again.site, again.results, seconds, tuple(mended), examination.results, fixed=True)


def _run(check: Check, site: Site, answers: queue.SimpleQueue[Result]) -> None:
    start = time.monotonic()
    try:
        seen = check.look(site)
    except PmlaunchError as error:
        seen = Seen(findings=(Finding(error.code, Severity.ERROR, error.message, error.hint, subject=error.subject),))
    except Exception as error:
        message = f"The check {check.title!r} broke off with {type(error).__name__}: {error}"
        seen = Seen(findings=(finding("PML220", Severity.WARNING, message, "pmlaunch doctor --report"),))
    answers.put(Result(check, seen, time.monotonic() - start))


def _collect(wanted: Sequence[Check], answers: queue.SimpleQueue[Result], start: float) -> dict[str, Result]:
    """The answers by name, and a finding for every check whose time was over first."""
    found: dict[str, Result] = {}
    waiting = {check.name: check for check in wanted}
    while waiting:
        left = min(check.limit for check in waiting.values()) - (time.monotonic() - start)
        try:
            result = answers.get(timeout=max(left, 0.0))
        except queue.Empty:
            for check in [check for check in waiting.values() if time.monotonic() - start >= check.limit]:
                found[check.name] = _too_slow(check)
                del waiting[check.name]
            continue
        if waiting.pop(result.check.name, None):
            found[result.check.name] = result
    return found


def _too_slow(check: Check) -> Result:
    message = f"The check {check.title!r} took more than {check.limit:g} s."
    late = finding("PML220", Severity.WARNING, message, "pmlaunch doctor --quick leaves out what is slow")
    return Result(check, Seen(findings=(late,)), check.limit)


def _mend(result: Result, site: Site) -> Mended | None:
    check = result.check
    if check.fix is None or not check.mends & set(_codes(result)):
        return None
    try:
        text = check.fix(site)
    except (OSError, PmlaunchError) as error:
        return Mended(check.name, str(error), False)
    return None if text is None else Mended(check.name, text, True)


def _codes(result: Result) -> list[str]:
    return list(dict.fromkeys(found.code for found in result.seen.findings))
