"""Help is grouped, shows choices, defaults and variables, and fits its terminal."""

from __future__ import annotations

import pytest

from pmlaunch.cli.app import _COMMANDS, _SECTIONS, run
from pmlaunch.request import SETTINGS, EvalRequest, parameters

pytestmark = pytest.mark.usefixtures("typed_in")


@pytest.fixture(params=[60, 80, 120])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert run([*command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["", *_COMMANDS])
def test_help_fits_its_terminal(capsys: pytest.CaptureFixture[str], columns: int, name: str) -> None:
    lines = help_of(capsys, *name.split()).splitlines()
    examples = [line for line in lines if line.strip().startswith("pmlaunch ")]
    assert max(map(len, set(lines) - set(examples))) <= columns
    assert max(map(len, examples), default=0) <= 80, "examples are never wrapped"


def test_wide_terminals_are_used(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    longest = max(map(len, help_of(capsys, "eval").splitlines()))
    assert 100 < longest <= 120


def test_options_are_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, "eval")
    headings = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Arguments:", "What:", "How:", "Where:", "Output:"]
    assert "Options:" in help_of(capsys, "fetch"), "a few options need no groups"


def test_help_shows_choices_and_variables(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, "eval")
    assert "--device gpu|cpu" in text
    assert "--protomotions DIR" in text
    assert all(f"[env:{setting.variable}]" in text for setting in SETTINGS.values())
    assert "[env:PMLAUNCH_SEED]" not in text
    assert all(flag in text for parameter in parameters(EvalRequest).values() if not parameter.option.positional
               for flag in parameter.flags)  # fmt: skip


def test_root_help_says_where_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.strip() for line in help_of(capsys).splitlines()]
    start = lines.index("Start here:")
    assert lines[start + 1].startswith("pmlaunch eval demo --motion walk ")
    assert lines.index("Evaluate:") > start


def test_every_command_has_a_section() -> None:
    listed = [name for names in _SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(_COMMANDS)
