"""The commands: their exit codes, their JSON documents and what they print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch import __version__
from pmlaunch.cli.app import run
from pmlaunch.codes import CODES

Json = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.usefixtures("typed_in")


def errors(document: dict[str, Any]) -> list[str]:
    return [error["code"] for error in document["errors"]]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"pmlaunch {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["eval", "--help"], ["list", "-h"], ["explain", "--help"]])
def test_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 0
    assert "Usage: pmlaunch" in capsys.readouterr().out


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "Usage: pmlaunch" in captured.out
    assert "pmlaunch eval demo --motion walk" in captured.out
    assert captured.err == ""


def test_dry_run_document(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    document = as_json("eval", "tracker", "-m", "walk", "--headless", "--dry-run", "seed=1")
    plan = document["data"]["plan"]
    assert list(document["data"]) == ["plan"]
    assert document["findings"] == []
    assert {"model", "robot", "simulator", "terrain", "checkpoint", "motions", "overrides", "command", "env"} <= set(
        plan
    )
    assert {"cwd", "script", "ddp_backend", "runtime", "platform", "foreign", "generation", "headless"} <= set(plan)
    assert {"max_steps", "timeout", "silence", "runs", "plain_command", "provenance"} <= set(plan)
    assert plan["overrides"][:2] == ["+robot=smpl", "+simulator=isaaclab"]
    assert plan["overrides"][-1] == "++seed=1"
    assert set(plan["plain_command"]) == {"bash", "powershell"}
    assert plan["provenance"]["headless"] == {"value": True, "source": "flag"}
    assert not Path("runs").exists()


def test_failed_check_starts_nothing(as_json: Json, checkout: Path, isaaclab: Path) -> None:
    document = as_json("eval", "maskmimic", "-m", "walk")
    assert document["exit_code"] == 4
    assert [finding["code"] for finding in document["findings"]] == ["PML101"]
    assert set(document["findings"][0]) == {"code", "severity", "message", "hint", "fix", "subject"}
    assert not Path("runs").exists()


def test_dry_run_for_people(capsys: pytest.CaptureFixture[str], checkout: Path, isaaclab: Path) -> None:
    assert run(["eval", "maskmimic", "-m", "walk", "--dry-run"]) == 4
    captured = capsys.readouterr()
    assert "Plan: evaluate masked_mimic" in captured.out
    assert "++checkpoint=" in captured.out
    assert captured.err.startswith("error PML101 ")
    assert "  next: pmlaunch fetch masked_mimic " in captured.err


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("models", "models"),
        ("Motions", "motions"),
        ("robot", "robots"),
        ("sim", "simulators"),
        ("constraint", "constraints"),
    ],
)
def test_list(as_json: Json, checkout: Path, typed: str, kind: str) -> None:
    data = as_json("list", typed)["data"]
    assert list(data) == ["kind", "checkout", kind]
    assert (data["kind"], data["checkout"]) == (kind, str(checkout.resolve()))
    assert data[kind]


def test_list_refuses_an_ambiguous_kind(as_json: Json) -> None:
    assert errors(as_json("list", "mo")) == ["PML001"]


def test_list_rows(as_json: Json, checkout: Path) -> None:
    names = {
        kind: [row["name"] for row in as_json("list", kind)["data"][kind]]
        for kind in ("models", "motions", "robots", "simulators", "constraints")
    }
    assert names["models"] == ["demo", "masked_mimic", "motion_tracker"]
    assert names["motions"] == ["amp_humanoid_walk", "smpl_humanoid_walk"]
    assert names["robots"] == ["amp", "smpl"]
    assert names["simulators"] == ["genesis", "isaaclab"]
    assert names["constraints"] == ["pelvis", "pelvis_hands_position", "vr"]
    motions = as_json("list", "motions", "--robot", "SMPL")["data"]["motions"]
    assert [row["name"] for row in motions] == ["smpl_humanoid_walk"]


def test_list_without_a_checkout_shows_the_demo(as_json: Json) -> None:
    document = as_json("list", "models")
    assert document["data"]["checkout"] is None
    assert [row["name"] for row in document["data"]["models"]] == ["demo"]


@pytest.mark.parametrize("kind", ["models", "motions", "robots", "simulators", "constraints"])
def test_list_for_people(capsys: pytest.CaptureFixture[str], checkout: Path, kind: str) -> None:
    assert run(["list", kind]) == 0
    captured = capsys.readouterr()
    assert kind in captured.out
    assert "checkout  " in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_only_verbose_shows_the_help(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert run([option]) == 2
    assert "Usage: pmlaunch" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["list", "models"], ["explain", "101"]], ids=" ".join)
def test_json_may_precede_the_command(as_json: Json, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    document = as_json(*arguments)
    assert run(["--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == document


def test_explain_without_a_code_lists_all(as_json: Json, capsys: pytest.CaptureFixture[str]) -> None:
    codes = as_json("explain")["data"]["codes"]
    assert [code["code"] for code in codes] == list(CODES)
    assert set(codes[0]) == {"code", "title", "exit_code", "cause", "cure"}
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{code.code}  {code.title}" for code in CODES.values()]


@pytest.mark.parametrize("form", ["PML101", "pml101", "101"])
def test_explain(as_json: Json, capsys: pytest.CaptureFixture[str], form: str) -> None:
    data = as_json("explain", form)["data"]
    assert (data["code"], data["cure"]) == ("PML101", CODES["PML101"].cure)
    assert run(["explain", form]) == 0
    assert "PML101" in capsys.readouterr().out


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(capsys: pytest.CaptureFixture[str], code: str) -> None:
    assert run(["explain", code]) == 0
    assert CODES[code].title in capsys.readouterr().out
