"""doctor's framework: concurrent checks with time limits, errors in a check, and repairs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.doctor.check import CheckGroup, CheckState, MachineCheck, Observation
from pmlaunch.doctor.examination import Examination, examine, repair
from pmlaunch.doctor.registry import MACHINE_CHECKS
from pmlaunch.doctor.target import DoctorTarget, TargetRequest, resolve_target
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.settings import Settings
from wine import has_gloo


@pytest.fixture
def target(tmp_path: Path) -> DoctorTarget:
    return resolve_target(TargetRequest("genesis", quick=True), Settings(tmp_path, {"PATH": ""}))


def check(name: str, look: Callable[[DoctorTarget], Observation], **more: Any) -> MachineCheck:
    return MachineCheck(name, name, CheckGroup.TOOLS, look, **more)


def seen(target: DoctorTarget, *checks: MachineCheck) -> Examination:
    return examine(target, {one.name: one for one in checks})


def test_checks_run_concurrently(target: DoctorTarget) -> None:
    """Each waits for the other: run in sequence, the first would never finish."""
    meet = threading.Barrier(2, timeout=10)

    def look(_: DoctorTarget) -> Observation:
        meet.wait()
        return Observation((("met", "yes"),))

    results = seen(target, check("one", look), check("two", look)).results
    assert [result.observation.facts for result in results] == [(("met", "yes"),)] * 2


def test_failing_check_becomes_a_finding(target: DoctorTarget) -> None:
    def broken(_: DoctorTarget) -> Observation:
        raise ZeroDivisionError("by nothing")

    broke, fine = seen(target, check("broken", broken), check("fine", lambda _: Observation())).results
    assert [(found.code, found.severity) for found in broke.observation.findings] == [("PML220", Severity.WARNING)]
    assert "ZeroDivisionError: by nothing" in broke.observation.findings[0].message
    assert (broke.state, fine.state) == (CheckState.WARNING, CheckState.FINE)


def test_pmlaunch_error_keeps_its_code(target: DoctorTarget) -> None:
    def refuses(_: DoctorTarget) -> Observation:
        raise PmlaunchError("PML015", "not a setting", hint="mend it", subject="x")

    examination = seen(target, check("refuses", refuses))
    (found,) = examination.findings
    assert (found.code, found.hint, found.subject) == ("PML015", "mend it", "x")
    assert examination.exit_code == 4


def test_hanging_check_is_given_up(target: DoctorTarget) -> None:
    never = threading.Event()

    def hangs(_: DoctorTarget) -> Observation:
        never.wait(60)
        return Observation()

    late, fine = seen(target, check("hangs", hangs, limit=0.05), check("fine", lambda _: Observation())).results
    assert [found.code for found in late.observation.findings] == ["PML220"]
    assert "0.05 s" in late.observation.findings[0].message
    assert fine.state is CheckState.FINE
    never.set()


def test_quick_skips_slow_checks(target: DoctorTarget) -> None:
    def slow(_: DoctorTarget) -> Observation:
        raise AssertionError("it was asked")

    (result,) = seen(target, check("slow", slow, quick=False)).results
    assert (result.state, result.observation.skipped) == (CheckState.SKIPPED, "skipped by --quick")


@pytest.mark.parametrize(
    ("severity", "state", "code"),
    [
        (Severity.ERROR, CheckState.ERROR, 4),
        (Severity.WARNING, CheckState.WARNING, 0),
        (Severity.NOTE, CheckState.NOTE, 0),
    ],
)
def test_only_errors_fail_the_examination(
    target: DoctorTarget, severity: Severity, state: CheckState, code: int
) -> None:
    examination = seen(target, check("one", lambda _: Observation(findings=(Finding("PML236", severity, "full"),))))
    assert examination.results[0].state is state
    assert examination.exit_code == code


def broken_until_repaired(**more: Any) -> tuple[MachineCheck, list[str]]:
    done: list[str] = []

    def look(_: DoctorTarget) -> Observation:
        return Observation() if done else Observation(findings=(Finding("PML243", Severity.NOTE, "left over"),))

    def fix(_: DoctorTarget) -> str | None:
        done.append("repaired")
        return "removed it"

    return check("one", look, fixes=frozenset({"PML243"}), **{"fix": fix, **more}), done


def test_fix_repairs_and_checks_again(target: DoctorTarget) -> None:
    one, done = broken_until_repaired()
    before = seen(target, one)
    after = repair(before)
    assert done == ["repaired"]
    assert [(item.check, item.text, item.done) for item in after.repairs] == [("one", "removed it", True)]
    assert ([result.state for result in after.before], [result.state for result in after.results]) == (
        [CheckState.NOTE],
        [CheckState.FINE],
    )


def test_fix_leaves_alone_what_is_fine(target: DoctorTarget) -> None:
    def fix(_: DoctorTarget) -> str | None:
        raise AssertionError("nothing was wrong")

    after = repair(seen(target, check("fine", lambda _: Observation(), fixes=frozenset({"PML243"}), fix=fix)))
    assert (after.fixed, after.repairs, after.before) == (True, (), ())


def test_failed_fix_is_reported(target: DoctorTarget) -> None:
    def fix(_: DoctorTarget) -> str | None:
        raise PermissionError(13, "not yours")

    one, _ = broken_until_repaired(fix=fix)
    after = repair(seen(target, one))
    assert [item.done for item in after.repairs] == [False]
    assert "not yours" in after.repairs[0].text
    assert after.results[0].state is CheckState.NOTE


def test_every_group_has_a_check() -> None:
    assert {check.group for check in MACHINE_CHECKS.values()} == set(CheckGroup)
    assert [name for name, check in MACHINE_CHECKS.items() if check.name != name] == []


def test_checks_with_a_fix_name_its_codes() -> None:
    assert {check.name for check in MACHINE_CHECKS.values() if check.fix} == {"git_lfs", "long_paths", "cache"}
    assert {check.name for check in MACHINE_CHECKS.values() if check.fixes} == {"git_lfs", "long_paths", "cache"}


def test_backend_without_a_gpu_is_gloo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.doctor.target.has_nvidia", lambda _: True)
    settings = Settings(tmp_path, {})
    chosen = [
        resolve_target(TargetRequest(simulator, device=device, quick=True), settings).backend
        for simulator, device in (("genesis", None), ("genesis", "cpu"), ("mujoco", None))
    ]
    own: str | None = "one_rank"
    if has_gloo():
        own = resolve_target(TargetRequest("mujoco", quick=True), settings).platform.ddp_backend
    assert chosen == [own or "nccl", own or "gloo", own or "gloo"]
    without = replace(settings, environment={"PMLAUNCH_DDP_BACKEND": "none"})
    assert resolve_target(TargetRequest(quick=True), without).backend == "one_rank"
