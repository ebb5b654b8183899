"""The plain command line, pasted into bash or PowerShell, passes the program exactly these arguments."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmlaunch.planning.command_line import _bash, _powershell, powershell_argument, powershell_text

SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
PIECES = (
    *('"', "\\", '\\"', "\\\\", " ", "  ", "\t", "\u00a0", "\u3000", "'", "''", *SINGLE_QUOTES, "`", "$", "$env:PATH"),
    *("$(rm)", "%PATH%", "!", "&", "|", ";", "^", "(", ")", "{", "}", "@", "#", "~", "*", "=", ",", "\u201c", "走路"),
)
# characters of a terminal line: neither control characters nor line ends
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"))
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(CHARACTERS, max_size=4), max_size=8).map("".join)


# A model of how PowerShell and the C runtime process a line, in three steps.


def literals(line: str) -> list[str]:
    """Step 1, PowerShell's tokenizer: the contents of a line of single-quoted strings.

    Five characters count as a single quote; two in a row stand for one; nothing else is special (tokenizer.cs).
    """
    found, at = [], 0
    while at < len(line):
        if line[at] not in SINGLE_QUOTES:
            assert line[at] == " ", f"{line[at]!r} is outside the quotes"
            at += 1
            continue
        text, at = "", at + 1
        while True:
            if line[at] in SINGLE_QUOTES:
                at += 1
                if at == len(line) or line[at] not in SINGLE_QUOTES:
                    break
            text += line[at]
            at += 1
        found.append(text)
    return found


def command_line(arguments: list[str], trailing_backslashes_are_doubled: bool) -> str:
    """Step 2, Legacy passing: double quotes around an argument with a blank outside double quotes, and no escaping.

    PowerShell 6 and later double the backslashes before the quote that they add; Windows PowerShell 5.1 does not
    (PowerShell issues 4358 and 26432).
    """
    words = []
    for argument in arguments:
        quotes, needed = 0, False
        for before, character in zip(" " + argument, argument, strict=False):
            quotes += character == '"' and before != "\\"
            needed = needed or (character.isspace() and quotes % 2 == 0)
        if needed:
            more = re.search(r"\\*\Z", argument)[0] if trailing_backslashes_are_doubled else ""
            words.append(f'"{argument}{more}"')
        else:
            words.append(argument)
    return " ".join(words)


def c_runtime(line: str) -> list[str]:
    """Step 3, the program's C runtime: the inverse of subprocess.list2cmdline.

    Source: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
    """
    arguments: list[str] = []
    word, open_word, quoted = "", False, False
    for backslashes, character in re.findall(r"(\\*)([^\\]|\Z)", line, re.DOTALL):
        if character == '"':
            word += "\\" * (len(backslashes) // 2)
            open_word = True
            if len(backslashes) % 2:
                word += '"'
            else:
                quoted = not quoted
            continue
        word += backslashes
        if (character in (" ", "\t") and not quoted) or not character:
            if word or open_word:
                arguments.append(word)
            word, open_word = "", False
        else:
            word += character
    return arguments


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=200)
def test_c_runtime_model_inverts_list2cmdline(arguments: list[str]) -> None:
    assert c_runtime(subprocess.list2cmdline(arguments)) == arguments


@given(TEXTS)
def test_powershell_text_is_one_literal_string(text: str) -> None:
    assert literals(powershell_text(text)) == [text]


@pytest.mark.parametrize("doubled", [False, True], ids=["Windows PowerShell 5.1", "PowerShell 7, Legacy"])
@given(arguments=st.lists(TEXTS, min_size=1, max_size=4))
@example(arguments=["a b\\"])
@example(arguments=["\\ \\\\", 'say "hi there"\\'])
@example(arguments=["", "++key='it’s'", "C:\\Program Files\\"])
def test_powershell_arguments_arrive_unchanged(doubled: bool, arguments: list[str]) -> None:
    line = " ".join(powershell_argument(argument) for argument in arguments)
    assert c_runtime(command_line(literals(line), doubled)) == arguments


@given(TEXTS, TEXTS.filter(bool), st.lists(TEXTS, max_size=4))
@settings(max_examples=200)
def test_powershell_line_sets_folder_and_variable_and_runs_the_program(
    folder: str, program: str, arguments: list[str]
) -> None:
    line = _powershell(folder, {"USE_LIBUV": "0"}, [program, *arguments])
    head, place, rest = "$PSNativeCommandArgumentPassing = 'Legacy'; ", "Set-Location -LiteralPath ", "; $env:USE_LIBUV"
    assert line.startswith(f"{head}{place}{powershell_text(folder)}{rest} = '0'; & ")
    call = line.removeprefix(f"{head}{place}{powershell_text(folder)}{rest} = '0'; & ")
    assert literals(call)[0] == program
    assert c_runtime(command_line(literals(call)[1:], False)) == arguments


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=200)
def test_bash_line_splits_into_the_same_words(folder: str, arguments: list[str]) -> None:
    assert shlex.split(_bash(folder, {}, arguments)) == ["cd", folder, "&&", *arguments]


def test_bash_line_sets_variables_for_one_command() -> None:
    assert _bash("/a b", {"USE_LIBUV": "0"}, ["python", "x.py"]) == "cd '/a b' && USE_LIBUV=0 python x.py"
