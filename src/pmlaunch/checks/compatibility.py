"""Whether the versions that a run would bring together can work: what the table in runtimes/compatibility.py says."""

from __future__ import annotations

from collections.abc import Iterator

from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import ChosenPython, Finding, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.runtimes.compatibility import ABSENT, Judgement, Part, Row, Verdict, judge
from pmlaunch.runtimes.python_files import pip_install
from pmlaunch.runtimes.versions import combination

_NOT_NAMED = (Part.SIMULATOR, Part.SYSTEM)


def check_compatibility(planned: Planned) -> Iterator[Finding]:
    """Refuse a combination that is known not to work. Doctor notes untested ones."""
    plan, runtime = planned.plan, planned.runtime
    if GENERATIONS[plan.generation].embedded or plan.foreign:
        return
    judgement = judge(combination(planned.checkout.root, plan.simulator, runtime))
    yield from failures(judgement, runtime.facts.python)


def failures(judgement: Judgement, python: ChosenPython | None) -> Iterator[Finding]:
    """PML246 for every reason why the combination does not work: what was found where, what works, what to type."""
    lab = judgement.versions.get(Part.ISAACLAB)
    for row in [row for row in judgement.rows if row.verdict is Verdict.FAILS]:
        hint = row.instead.format(pip=pip_install(python), isaaclab=lab.version if lab else "")
        found = _named(row, judgement)
        yield Finding("PML246", Severity.ERROR, f"{found} will not work: {row.text}.", hint, None, found)


def observations(judgement: Judgement, python: ChosenPython | None) -> Iterator[Finding]:
    """Everything the table says: failures, what a run repairs (PML233), and that nothing is known (PML247)."""
    yield from failures(judgement, python)
    for row in judgement.rows:
        if row.verdict is Verdict.REPAIRED:
            message = f"{_named(row, judgement)}: {row.text}. pmlaunch repairs this in every run ({row.repair})."
            yield Finding("PML233", Severity.NOTE, message)
    if judgement.verdict is Verdict.UNKNOWN:
        reasons = [row.text for row in judgement.rows if row.verdict is Verdict.UNKNOWN]
        known = "; ".join(reasons) or "no source says whether these versions work together"
        yield Finding(
            "PML247",
            Severity.NOTE,
            f"Not known to work: {known}.",
            "docs/compatibility.md lists combinations that are known to work",
        )


def _named(row: Row, judgement: Judgement) -> str:
    """What a row is about, with versions and places."""
    parts = [part for part in row.where if part not in _NOT_NAMED] or [Part.SIMULATOR, *row.where]
    found = {part: judgement.versions[part] for part in parts}
    return " with ".join(
        f"{part.value} {it}" if it.version != ABSENT else f"no {part.value}" for part, it in found.items()
    )
