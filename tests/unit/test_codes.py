"""The registry of codes agrees with the source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pmlaunch
from pmlaunch.codes import CODES, Code, Exit

SOURCES = sorted(Path(pmlaunch.__file__).parent.rglob("*.py"))
EXITS = {value for name, value in vars(Exit).items() if name.isupper()}


def codes_in(path: Path) -> set[str]:
    return set(re.findall(r"PML\d{3}", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [path for path in SOURCES if codes_in(path)], ids=lambda path: path.name)
def test_every_used_code_is_registered(path: Path) -> None:
    assert codes_in(path) <= set(CODES)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_entry_is_complete(code: Code) -> None:
    assert re.fullmatch(r"PML\d{3}", code.code)
    assert CODES[code.code] is code
    for text in (code.title, code.cause, code.cure):
        assert text.strip() == text != ""
    assert code.exit_code in EXITS - {Exit.DONE}


def test_no_code_is_registered_twice() -> None:
    text = (Path(pmlaunch.__file__).parent / "codes.py").read_text(encoding="utf-8")
    entered = re.findall(r'Code\(\s*"(PML\d{3})"', text)
    assert sorted(entered) == sorted(set(entered)) == sorted(CODES)


def test_titles_are_unique() -> None:
    assert len({code.title for code in CODES.values()}) == len(CODES)


@pytest.mark.parametrize(
    ("prefix", "exits"),
    [
        ("PML0", {Exit.INTERNAL, Exit.USAGE, Exit.NOT_FOUND}),
        ("PML1", {Exit.CHECK}),
        ("PML2", {Exit.ENVIRONMENT, Exit.CHECK}),
        (
            "PML3",
            {Exit.FAILED, Exit.TIME, Exit.NO_VERDICT, Exit.INTERRUPTED, Exit.USAGE, Exit.NOT_FOUND, Exit.ENVIRONMENT},
        ),
        (("PML40", "PML41", "PML42", "PML43", "PML44"), {Exit.NOT_FOUND, Exit.INSTALL}),
        ("PML45", {Exit.USAGE, Exit.ENVIRONMENT}),
    ],
)
def test_hundreds_digit_limits_the_exit_code(prefix: str | tuple[str, ...], exits: set[int]) -> None:
    assert {code.exit_code for code in CODES.values() if code.code.startswith(prefix)} <= exits


def test_exit_codes_keep_their_contract() -> None:
    assert {name: value for name, value in vars(Exit).items() if name.isupper()} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "CHECK": 4,
        "ENVIRONMENT": 5,
        "INSTALL": 6,
        "TIME": 7,
        "NO_VERDICT": 8,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
    }
