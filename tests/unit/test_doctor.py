"""doctor's frame: checks side by side, each within its time, none ending the others; mending and looking again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from doctor_schema import SCHEMA, schema_errors
from pmlaunch.checks.environment import DEMO_PACKAGES
from pmlaunch.cli.app import run
from pmlaunch.doctor.check import Check, Group, Seen, Site, finding
from pmlaunch.doctor.examination import Examination, examine, mend
from pmlaunch.doctor.registry import CHECKS
from pmlaunch.doctor.target import make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Severity
from pmlaunch.settings import Settings

Json = Callable[..., dict[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(Settings(tmp_path, {"PATH": ""}), simulator="genesis", quick=True)


def check(name: str, look: Callable[[Site], Seen], **more: Any) -> Check:
    return Check(name, name, Group.TOOLS, look, **more)


def seen(site: Site, *checks: Check) -> Examination:
    return examine(site, {one.name: one for one in checks})


def test_checks_run_side_by_side(site: Site) -> None:
    """Both wait for the other: one after the other they would wait for ever."""
    meet = threading.Barrier(2, timeout=10)

    def look(_: Site) -> Seen:
        meet.wait()
        return Seen((("met", "yes"),))

    results = seen(site, check("one", look), check("two", look)).results
    assert [result.seen.facts for result in results] == [(("met", "yes"),)] * 2


def test_a_check_that_breaks_off_is_a_finding_of_its_own(site: Site) -> None:
    def broken(_: Site) -> Seen:
        raise ZeroDivisionError("by nothing")

    broke, fine = seen(site, check("broken", broken), check("fine", lambda _: Seen())).results
    assert [(found.code, found.severity) for found in broke.seen.findings] == [("PML220", Severity.WARNING)]
    assert "ZeroDivisionError: by nothing" in broke.seen.findings[0].message
    assert (broke.state, fine.state) == ("warning", "fine")


def test_an_error_of_ours_keeps_its_code(site: Site) -> None:
    def refuses(_: Site) -> Seen:
        raise PmlaunchError("PML015", "not a setting", hint="mend it", subject="x")

    examination = seen(site, check("refuses", refuses))
    (found,) = examination.findings
    assert (found.code, found.hint, found.subject) == ("PML015", "mend it", "x")
    assert examination.exit_code == 4


def test_a_check_that_hangs_is_left_behind(site: Site) -> None:
    never = threading.Event()

    def hangs(_: Site) -> Seen:
        never.wait(60)
        return Seen()

    late, fine = seen(site, check("hangs", hangs, limit=0.05), check("fine", lambda _: Seen())).results
    assert [found.code for found in late.seen.findings] == ["PML220"]
    assert "0.05 s" in late.seen.findings[0].message
    assert fine.state == "fine"
    never.set()


def test_quick_leaves_out_what_is_slow(site: Site) -> None:
    def slow(_: Site) -> Seen:
        raise AssertionError("it was asked")

    (result,) = seen(site, check("slow", slow, quick=False)).results
    assert (result.state, result.seen.skipped) == ("skipped", "left out by --quick")


@pytest.mark.parametrize(
    ("severity", "state", "code"),
    [(Severity.ERROR, "error", 4), (Severity.WARNING, "warning", 0), (Severity.NOTE, "note", 0)],
)
def test_only_errors_count(site: Site, severity: Severity, state: str, code: int) -> None:
    examination = seen(site, check("one", lambda _: Seen(findings=(finding("PML236", severity, "full"),))))
    assert examination.results[0].state == state
    assert examination.exit_code == code


def broken_until_mended(**more: Any) -> tuple[Check, list[str]]:
    done: list[str] = []

    def look(_: Site) -> Seen:
        return Seen() if done else Seen(findings=(finding("PML243", Severity.NOTE, "left over"),))

    def fix(_: Site) -> str | None:
        done.append("mended")
        return "removed it"

    return check("one", look, mends=frozenset({"PML243"}), **{"fix": fix, **more}), done


def test_fix_mends_and_looks_again(site: Site) -> None:
    one, done = broken_until_mended()
    before = seen(site, one)
    after = mend(before)
    assert done == ["mended"]
    assert [(item.check, item.text, item.done) for item in after.mended] == [("one", "removed it", True)]
    assert ([result.state for result in after.before], [result.state for result in after.results]) == (
        ["note"],
        ["fine"],
    )


def test_fix_touches_nothing_that_is_fine(site: Site) -> None:
    def fix(_: Site) -> str | None:
        raise AssertionError("nothing was wrong")

    after = mend(seen(site, check("fine", lambda _: Seen(), mends=frozenset({"PML243"}), fix=fix)))
    assert (after.fixed, after.mended, after.before) == (True, (), ())


def test_a_fix_that_fails_is_told(site: Site) -> None:
    def fix(_: Site) -> str | None:
        raise PermissionError(13, "not yours")

    one, _ = broken_until_mended(fix=fix)
    after = mend(seen(site, one))
    assert [item.done for item in after.mended] == [False]
    assert "not yours" in after.mended[0].text
    assert after.results[0].state == "note"


def test_every_check_belongs_to_a_group_and_every_group_has_one() -> None:
    assert {check.group for check in CHECKS.values()} == set(Group)
    assert [name for name, check in CHECKS.items() if check.name != name] == []


def test_a_check_that_may_mend_says_what() -> None:
    assert {check.name for check in CHECKS.values() if check.fix} == {"git_lfs", "long_paths", "cache"}
    assert {check.name for check in CHECKS.values() if check.mends} == {"git_lfs", "long_paths", "cache"}


# the command


def test_without_a_checkout_it_says_what_comes_next(as_json: Json) -> None:
    document = as_json("doctor", "--quick")
    assert schema_errors(document) == []
    assert document["exit_code"] == 4
    (missing,) = (found for found in document["findings"] if found["code"] == "PML012")
    assert "pmlaunch install" in missing["hint"]
    assert "pmlaunch eval demo" in missing["hint"]
    assert [found["code"] for found in document["findings"] if found["code"] == "PML220"] == []


def test_the_embedded_evaluation_needs_no_checkout(as_json: Json) -> None:
    if any(find_spec(name) is None for name in DEMO_PACKAGES):
        pytest.skip("the packages of the embedded evaluation are not installed")
    document = as_json("doctor", "--quick", "--simulator", "mujoco")
    assert (document["ok"], schema_errors(document)) == (True, [])
    severities = {found["code"]: found["severity"] for found in document["findings"]}
    assert severities["PML012"] == "note"


def test_a_checkout_is_looked_at(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    document = as_json("doctor", "--quick")
    assert schema_errors(document) == []
    checks = {check["name"]: check for group in document["data"]["groups"] for check in group["checks"]}
    assert set(checks) == set(CHECKS)
    assert checks["checkout"]["state"] == "fine"
    assert checks["config"]["facts"] == [{"name": "composes", "value": "masked_mimic"}]
    assert checks["runtime"]["state"] == "fine"
    # one checkpoint is here, so the other is a choice and no error
    assert [(found["code"], found["severity"]) for found in checks["models"]["findings"]] == [("PML101", "warning")]


def test_quick_starts_nothing(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    """In unit tests whoever starts a process fails; a check that did would be a PML220 here."""
    codes = [found["code"] for found in as_json("doctor", "--quick")["findings"]]
    assert "PML220" not in codes


def test_the_schema_refuses_wrong_documents() -> None:
    document = {"schema": 1, "command": "doctor", "ok": True, "exit_code": 0, "data": {}, "findings": [], "errors": []}
    assert schema_errors(document) == []
    wrong = [
        {**document, "schema": "1"},
        {**document, "more": 1},
        {name: value for name, value in document.items() if name != "data"},
        {**document, "findings": [{"code": "PML12"}]},
        {**document, "exit_code": -1},
        {**document, "data": {"quick": True}},
    ]
    assert [bool(schema_errors(one)) for one in wrong] == [True] * len(wrong)


def test_the_schema_itself_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.usefixtures("typed_in")
def test_usage_errors(as_json: Json) -> None:
    for arguments in (("--report",), ("--quick", "--fix"), ("--via", "train")):
        document = as_json("doctor", *arguments)
        assert (document["exit_code"], document["errors"][0]["code"]) == (2, "PML001")
        assert schema_errors(document) == []
    assert as_json("doctor", "--simulator", "havok")["errors"][0]["code"] == "PML010"


@pytest.mark.usefixtures("typed_in")
def test_for_people_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["doctor", "--quick"]) == 4
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[:8] == [group.value for group in Group]
    assert "This would stop a run for isaaclab" in headings[8]
    # commands are never wrapped: they are there to be copied
    assert [line for line in lines if len(line) > 80 and "next: " not in line and "/" not in line] == []


@pytest.mark.usefixtures("typed_in")
def test_the_report_is_a_text_to_paste(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    assert run(["doctor", "--quick", "--report"]) == 4
    text = capsys.readouterr().out
    assert text.startswith("```text\npmlaunch doctor --report")
    assert text.endswith("```\n")
    assert "PML101" in text


@pytest.mark.usefixtures("typed_in")
def test_the_report_goes_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor", "--quick", "--report-to", "text.md"]) == 4
    assert capsys.readouterr().out == ""
    assert "PML012" in (tmp_path / "text.md").read_text(encoding="utf-8")
    assert run(["doctor", "--quick", "--report-to", str(tmp_path / "nowhere" / "text.md")]) == 5
    assert "PML204" in capsys.readouterr().err


def test_site_asks_gloo_where_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.doctor.target.has_nvidia", lambda _: True)
    settings = Settings(tmp_path, {})
    chosen = [
        make_site(settings, simulator=simulator, device=device, quick=True).backend
        for simulator, device in (("genesis", None), ("genesis", "cpu"), ("mujoco", None))
    ]
    own = make_site(settings, simulator="mujoco", quick=True).platform.ddp_backend
    assert chosen == [own or "nccl", own or "gloo", own or "gloo"]
    without = replace(settings, environment={"PMLAUNCH_DDP_BACKEND": "none"})
    assert make_site(without, quick=True).backend is None
