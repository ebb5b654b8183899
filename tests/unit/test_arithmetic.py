"""Evaluate arithmetic; refuse anything else without executing it."""

from __future__ import annotations

import pytest

from pmlaunch.generations.v2.arithmetic import NotArithmeticError, evaluate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1+24*15-3", 358),
        (" 2 ** 4 + 1\n", 17),
        ("-(3 - 5) // 2", 1),
        ("7 % 4 / 2", 1.5),
        ("True + 1", 2),
        ("0x10", 16),
        ("1e3", 1000.0),
        ("2**-1", 0.5),
        (3, 3),
        (0.5, 0.5),
        (True, True),
    ],
)
def test_numbers_and_operators(expression: object, value: object) -> None:
    found = evaluate(expression)
    assert (type(found), found) == (type(value), value)


REFUSED = {
    "name": "robot",
    "name of a builtin": "exit",
    "call": "__import__('os').system('id')",
    "call of a number": "(1)()",
    "attribute": "(1).__class__",
    "attribute of a float": "1.0.real",
    "subscript": "(1)[0]",
    "list": "[1, 2]",
    "tuple": "1, 2",
    "dict": "{1: 2}",
    "set": "{1}",
    "comprehension": "[x for x in (1, 2)]",
    "generator": "(x for x in ())",
    "text": "'1'",
    "bytes": "b'1'",
    "joined texts": "'a' * 10",
    "f-string": "f'{1}'",
    "lambda": "lambda: 1",
    "walrus": "(x := 1)",
    "await": "await x",
    "yield": "(yield)",
    "star": "*1",
    "comparison": "1 < 2",
    "condition": "1 if 1 else 2",
    "and": "1 and 2",
    "not": "not 1",
    "bits": "1 << 2",
    "inverted": "~1",
    "matrix product": "1 @ 2",
    "None": "None",
    "ellipsis": "...",
    "complex": "2j",
    "statement": "import os",
    "two statements": "1; 2",
    "assignment": "x = 1",
    "nothing": "",
    "blank": "  ",
    "unfinished": "1 +",
    "null byte": "1\x00",
    "wide digit": "１",
    "long text": "1+" * 500 + "1",
    "many digits": "9" * 1001,
    "deep parentheses": "(" * 300 + "1" + ")" * 300,
    "deep brackets": "[" * 300,
    "object": [1],
    "nothing at all": None,
}


@pytest.mark.parametrize("expression", REFUSED.values(), ids=REFUSED.keys())
def test_anything_but_arithmetic_is_refused(expression: object) -> None:
    with pytest.raises(NotArithmeticError):
        evaluate(expression)


@pytest.mark.parametrize("expression", ["1/0", "1//0", "1%0", "0**-1", "0.0**-1", "1/(2-2)"])
def test_division_by_zero_is_an_arithmetic_error(expression: str) -> None:
    with pytest.raises(ZeroDivisionError):
        evaluate(expression)


@pytest.mark.parametrize(
    "expression", ["9**9**9", "9**9**9**9", "2**10**10", "(-2)**99999", "10**2000", "9**999*9**999*9**999", "2.0**9999"]
)
def test_huge_result_is_refused_before_it_is_computed(expression: str) -> None:
    with pytest.raises(OverflowError):
        evaluate(expression)


def test_complex_result_is_an_arithmetic_error() -> None:
    with pytest.raises(ArithmeticError):
        evaluate("(-8)**0.5")


def test_error_names_the_expression() -> None:
    with pytest.raises(NotArithmeticError, match="'open'"):
        evaluate("open")
