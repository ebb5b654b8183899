"""`pmlaunch doctor`: its document, its table and its report."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from doctor_schema import SCHEMA, schema_errors
from pmlaunch.checks.environment import DEMO_PACKAGES
from pmlaunch.cli.app import run
from pmlaunch.doctor.check import CheckGroup
from pmlaunch.doctor.registry import MACHINE_CHECKS

Json = Callable[..., dict[str, Any]]


def test_missing_checkout_names_the_next_step(as_json: Json) -> None:
    document = as_json("doctor", "--quick")
    assert schema_errors(document) == []
    assert document["exit_code"] == 4
    (missing,) = (found for found in document["findings"] if found["code"] == "PML012")
    assert "pmlaunch install" in missing["hint"]
    assert "`pmlaunch eval demo`" in missing["message"]
    assert [found["code"] for found in document["findings"] if found["code"] == "PML220"] == []


def test_several_checkouts_are_reported(as_json: Json, checkout: Path, checkout3: Path) -> None:
    checkout.rename(checkout.with_name("two"))
    document = as_json("doctor", "--quick")
    assert (document["exit_code"], schema_errors(document)) == (4, [])
    (ambiguous,) = (found for found in document["findings"] if found["code"] == "PML011")
    assert ambiguous["hint"].startswith('--protomotions "')
    assert str(checkout3) in ambiguous["message"]
    refused = as_json("list", "models")
    assert [error["code"] for error in refused["errors"]] == ["PML011"], "the demo's models would not be the answer"


def test_embedded_evaluation_needs_no_checkout(as_json: Json) -> None:
    if any(find_spec(name) is None for name in DEMO_PACKAGES):
        pytest.skip("the packages of the embedded evaluation are not installed")
    document = as_json("doctor", "--quick", "--simulator", "mujoco")
    assert (document["ok"], schema_errors(document)) == (True, [])
    severities = {found["code"]: found["severity"] for found in document["findings"]}
    assert severities["PML012"] == "note"


def test_checkout_is_examined(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    document = as_json("doctor", "--quick")
    assert schema_errors(document) == []
    checks = {check["name"]: check for group in document["data"]["groups"] for check in group["checks"]}
    assert set(checks) == set(MACHINE_CHECKS)
    assert checks["checkout"]["state"] == "fine"
    assert checks["config"]["facts"] == [{"name": "composes", "value": "masked_mimic"}]
    assert checks["runtime"]["state"] == "fine"
    # one checkpoint is downloaded, so the other is optional
    assert [(found["code"], found["severity"]) for found in checks["models"]["findings"]] == [("PML101", "warning")]


def test_quick_starts_nothing(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    """Unit tests forbid starting a process, so a check that did would yield PML220."""
    codes = [found["code"] for found in as_json("doctor", "--quick")["findings"]]
    assert "PML220" not in codes


def test_schema_rejects_invalid_documents() -> None:
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


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.usefixtures("typed_in")
def test_usage_errors(as_json: Json) -> None:
    for arguments in (("--report",), ("--quick", "--fix"), ("--via", "train")):
        document = as_json("doctor", *arguments)
        assert (document["exit_code"], document["errors"][0]["code"]) == (2, "PML001")
        assert schema_errors(document) == []
    assert as_json("doctor", "--simulator", "havok")["errors"][0]["code"] == "PML010"


@pytest.mark.usefixtures("typed_in")
def test_table_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["doctor", "--quick"]) == 4
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[:8] == [group.value for group in CheckGroup]
    assert "This would stop a run for isaaclab" in headings[8]
    # commands are never wrapped, so that they can be copied
    assert [line for line in lines if len(line) > 80 and not re.search("(next|hint): ", line) and "/" not in line] == []


@pytest.mark.usefixtures("typed_in")
def test_report_is_text_to_paste(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    assert run(["doctor", "--quick", "--report"]) == 4
    text = capsys.readouterr().out
    assert text.startswith("```text\npmlaunch doctor --report")
    assert text.endswith("```\n")
    assert "PML101" in text


@pytest.mark.usefixtures("typed_in")
def test_report_goes_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor", "--quick", "--report-to", "text.md"]) == 4
    assert capsys.readouterr().out == ""
    assert "PML012" in (tmp_path / "text.md").read_text(encoding="utf-8")
    assert run(["doctor", "--quick", "--report-to", str(tmp_path / "nowhere" / "text.md")]) == 5
    assert "PML204" in capsys.readouterr().err
