"""Arithmetic agrees with Python's eval for every expression of numbers and operators."""

from __future__ import annotations

import math
import warnings
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from pmlaunch.generations.v2.arithmetic import NotArithmeticError, evaluate

NUMBERS = st.one_of(
    st.integers(0, 50).map(str),
    st.integers(0, 10**30).map(str),
    st.floats(0, 1e6, allow_nan=False).map(repr),
    st.sampled_from(["True", "False", "0x1f", "1_000", "1e3", ".5", "0.0"]),
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])


def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}{}{}".format, smaller, OPERATORS, smaller),
        st.builds("({} {} {})".format, smaller, OPERATORS, smaller),
        st.builds("{}{}".format, st.sampled_from(["-", "+", "--"]), smaller),
    )


EXPRESSIONS = st.recursive(NUMBERS, larger, max_leaves=12)
# pieces of expressions that contain names, attributes, calls or strings
WORDS = st.sampled_from(
    [*"abcxyz0123456789().,:[]{}+-*/%'\"_ @<>=!~&|^", "__import__", "os", "lambda", "1", "if", "not"]
)


@given(EXPRESSIONS)
def test_arithmetic_agrees_with_python(expression: str) -> None:
    found: Any
    expected: Any
    try:
        found = evaluate(expression)
    except ZeroDivisionError:
        expected = ZeroDivisionError
        found = type(_error_of_eval(expression))
    except ArithmeticError:  # too large or complex: Python's eval might never finish
        assume(False)
    else:
        expected = eval(expression)  # small enough, as evaluate() has just computed it
    assert type(found) is type(expected)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@given(st.lists(WORDS, max_size=12).map("".join))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SyntaxWarning: 'int' object is not callable
        try:
            found = evaluate(text)
        except (NotArithmeticError, ArithmeticError):
            return
    assert type(found) in (int, float, bool)


def _error_of_eval(expression: str) -> BaseException:
    try:
        eval(expression)
    except ZeroDivisionError as error:
        return error
    raise AssertionError(f"{expression} does not divide by zero")
