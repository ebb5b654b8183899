"""Every failure of the command line is a message and an exit code, and with --json one document."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run

Json = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.usefixtures("typed_in")


def errors(document: dict[str, Any]) -> list[str]:
    return [error["code"] for error in document["errors"]]


USAGE = [
    ["evall"],
    ["eval"],
    ["eval", "demo", "--num-env", "4"],
    ["eval", "demo", "--num-envs", "many"],
    ["list"],
    ["list", "monsters"],
    ["--bogus"],
    ["eval", "demo", "--timeout", "0"],
    ["eval", "demo", "--silence", "-1"],
    ["eval", "demo", "--timeout", "nan"],
    ["eval", "demo", "--no-check", "PML999"],
    ["eval", "demo", "--target-os", "macos"],
    ["eval", "demo", "--num-envs", "0", "--dry-run"],
    ["eval", "demo", "--via", "docker", "--dry-run"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_usage_error_is_one_document_and_exit_code_2(as_json: Json, arguments: list[str]) -> None:
    document = as_json(*arguments)
    assert (document["exit_code"], errors(document)) == (2, ["PML001"])
    assert document["command"] == ("pmlaunch" if arguments[0].startswith("-") else arguments[0])


@pytest.mark.parametrize("arguments", [*USAGE, ["eval", "demo", "--motion"]], ids=" ".join)
def test_usage_error_is_a_message_on_stderr(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error PML001 ")
    assert "Traceback" not in captured.err


def test_run_for_another_system_is_refused_without_dry_run(as_json: Json) -> None:
    other = "linux" if sys.platform == "win32" else "windows"
    document = as_json("eval", "demo", "--target-os", other)
    assert errors(document) == ["PML001"]
    assert document["errors"][0]["hint"] == f"pmlaunch eval demo --target-os {other} --dry-run --json"


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["eval", "maskmimc"], "PML010", 3),
        (["eval", "maskmimic"], "PML012", 3),
        (["eval", "demo", "x=("], "PML002", 2),
        (["list", "models", "--protomotions", "gone"], "PML012", 3),
        (["explain", "PML999"], "PML010", 3),
        (["eval", "demo", "--robot", "spot"], "PML010", 3),
    ],
)
def test_error_that_ends_a_command(as_json: Json, arguments: list[str], code: str, exit_code: int) -> None:
    document = as_json(*arguments)
    assert (errors(document), document["exit_code"]) == ([code], exit_code)
    assert set(document["errors"][0]) == {"code", "message", "hint", "subject"}
    assert document["data"] == {}


def break_planning(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pmlaunch.planning.plan.make_plan", fail)


def test_internal_error_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: Json
) -> None:
    break_planning(monkeypatch, ZeroDivisionError("division by zero"))
    assert run(["eval", "demo"]) == 70
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        "error PML000 Internal error. This is a bug in pmlaunch; please report it: ZeroDivisionError: division by zero"
        in captured.err
    )
    assert "Traceback" not in captured.err
    assert "next: pmlaunch eval demo -v" in captured.err
    document = as_json("eval", "demo")
    assert (document["exit_code"], errors(document)) == (70, ["PML000"])


def test_verbose_shows_the_traceback_of_an_internal_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_planning(monkeypatch, ZeroDivisionError("division by zero"))
    assert run(["eval", "demo", "-v"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["-v", "eval", "demo"], ["doctor", "-v"], ["list", "--verbose", "models"], ["install", "-v"], ["smoke", "-v"]],
    ids=" ".join,
)
def test_every_command_has_verbose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The message for an internal error recommends -v, whatever the command was."""
    monkeypatch.setattr("pmlaunch.settings.Settings.here", lambda: 1 // 0)
    assert run(arguments) == 70
    assert "Traceback" in capsys.readouterr().err


def test_debug_variable_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_planning(monkeypatch, ZeroDivisionError("division by zero"))
    monkeypatch.setenv("PMLAUNCH_DEBUG", "1")
    assert run(["eval", "demo"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_only_the_json_option_asks_for_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A word that Typer reads as the value of another option, or as an argument, does not."""
    for words in (["eval", "demo", "--num-envs", "many", "--motion", "--json"], ["eval", "x y.ckpt", "--", "--json"]):
        assert run(words) in (2, 4)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error PML")


@pytest.mark.parametrize("words", [["--json"], ["-v", "--json"]], ids=" ".join)
def test_json_without_a_command_is_a_usage_error(as_json: Json, words: list[str]) -> None:
    document = as_json(*words)
    assert (document["command"], document["exit_code"], errors(document)) == ("pmlaunch", 2, ["PML001"])


def test_interrupt_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: Json
) -> None:
    break_planning(monkeypatch, KeyboardInterrupt())
    assert run(["eval", "demo"]) == 130
    assert capsys.readouterr().err == "error PML340 Interrupted.\n"
    document = as_json("eval", "demo")
    assert (document["exit_code"], errors(document)) == (130, ["PML340"])


def test_unreadable_file_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_planning(monkeypatch, PermissionError(13, "Permission denied", "/x"))
    assert run(["eval", "demo"]) == 70
    assert "Traceback" not in capsys.readouterr().err


def test_invalid_settings_are_a_message(as_json: Json, typed_in: Path) -> None:
    (typed_in / "pmlaunch.yaml").write_text("isaclab: x\n")
    document = as_json("eval", "maskmimic")
    assert (document["exit_code"], errors(document)) == (2, ["PML015"])
    assert "Did you mean isaaclab?" in document["errors"][0]["message"]
