"""Every `pmlaunch` command that a text of the program recommends exists, with the options and the values it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import pmlaunch
from pmlaunch.cli.app import _COMMANDS, app
from pmlaunch.codes import CODES

ROOT = Path(pmlaunch.__file__).parent
# `pmlaunch NAME`, and the words and options that follow; {} stands for what the program puts in
RECOMMENDED = re.compile(r"(?<![\w/.])pmlaunch ([a-z]+)((?: (?:--?[\w-]+|\"?[\w./\\:{}|*=-]+\"?|\.\.\.))*)")
FOREIGN = {"--help", "-h"}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a file that are not documentation, with {} for what is filled in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation | inner:
            yield node.lineno, node.value


def recommended() -> list[Any]:
    """(command, its words) wherever one is written."""
    found: dict[tuple[str, ...], Any] = {}
    for path in sorted(ROOT.rglob("*.py")):
        for line, text in texts(path):
            for match in RECOMMENDED.finditer(text):
                words = match[2].split()
                if match[1] in _COMMANDS or any(word.startswith("--") for word in words):
                    place = f"{path.relative_to(ROOT).as_posix()}:{line} {match[0]}"
                    found.setdefault((match[1], *words), pytest.param(match[1], words, id=place))
    return list(found.values())


TABLE = recommended()


def problem_of(command: str, words: list[str]) -> str | None:
    """What is wrong with a recommended command; None if nothing is."""
    if command not in _COMMANDS:
        return f"there is no command {command}"
    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name="pmlaunch")
    chosen = group.get_command(context, command)
    while words and (within := getattr(chosen, "commands", {}).get(words[0])):
        chosen, words = within, words[1:]
    parameters = chosen.params
    flags = {flag: each for each in parameters for flag in (*each.opts, *each.secondary_opts)}
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word.startswith("-") and word not in FOREIGN:
            if word not in flags:
                return f"{command} has no option {word}"
            choices = getattr(flags[word].type, "choices", None)
            if choices and following.islower() and following not in choices:
                return f"{word} cannot be {following}"
    return None


@pytest.mark.parametrize(("command", "words"), TABLE)
def test_recommended_command_exists(command: str, words: list[str]) -> None:
    assert problem_of(command, words) is None


def test_the_table_is_no_smaller_than_it_was_and_wrong_commands_are_seen() -> None:
    assert len(TABLE) > 40
    assert {command for row in TABLE for command in row.values[:1]} >= {
        "eval",
        "install",
        "fetch",
        "list",
        "doctor",
        "stop",
    }
    assert problem_of("fetch", ["x", "--form", "hf"]) == "fetch has no option --form"
    assert problem_of("fetsh", ["--from", "hf"]) == "there is no command fetsh"


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_no_cure_pulls_from_git_lfs_what_settings_may_leave_out(code: Any) -> None:
    assert "lfs pull" not in code.cure or "--exclude" in code.cure
