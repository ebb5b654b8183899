"""What the documentation site generates is complete: commands with their options, settings, codes."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

from pmlaunch.codes import CODES, Exit
from pmlaunch.request import SETTINGS, EvalRequest, parameters

site_pages: Any = importlib.import_module("site_pages")


@pytest.fixture(scope="module")
def commands() -> str:
    return str(site_pages.commands())


def test_commands_have_their_options(commands: str) -> None:
    from pmlaunch.cli.app import _COMMANDS

    assert re.findall(r"^## pmlaunch (\w+)$", commands, re.MULTILINE) == list(_COMMANDS)
    section = commands.partition("## pmlaunch eval\n")[2].partition("\n## ")[0]
    for parameter in parameters(EvalRequest).values():
        assert f"`{parameter.name if parameter.option.positional else parameter.flags[0]}`" in section
    assert "`PMLAUNCH_NUM_ENVS`" in section
    assert "```text\npmlaunch eval demo" in section


def test_tables_are_regular(commands: str) -> None:
    for page in (commands, site_pages.settings(), site_pages.exit_codes()):
        tables = re.findall(r"(?:^\|.*\|$\n?)+", page, re.MULTILINE)
        assert tables
        for table in tables:
            assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_settings_and_codes_are_complete() -> None:
    assert re.findall(r"^\| `(\w+)`", site_pages.settings(), re.MULTILINE) == list(SETTINGS)
    numbers = [value for name, value in vars(Exit).items() if not name.startswith("_")]
    assert re.findall(r"^\| (\d+)", site_pages.exit_codes(), re.MULTILINE) == [str(number) for number in numbers]
    assert re.findall(r"^### (PML\d{3})", site_pages.errors(), re.MULTILINE) == list(CODES)


def test_marks_are_filled_in_and_chinese_lines_joined() -> None:
    page = site_pages.on_page_markdown("before\n\n<!-- generated: exit_codes -->\n\n第一行，\n第二行 and\nmore")
    assert "| 130 |" in page
    assert "<!--" not in page
    assert page.endswith("第一行，第二行 and\nmore")
