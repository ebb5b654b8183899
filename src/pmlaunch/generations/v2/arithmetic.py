"""Evaluate `${eval:...}` without Python's eval: only numbers and + - * / // % ** ( ).

ProtoMotions registers Python's `eval` as an OmegaConf resolver, so resolving a downloaded config.yaml can execute
arbitrary code. Its own configs need nothing but arithmetic.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

Number = int | float

_MAXIMUM_LENGTH = 1000  # characters; keeps the parser far from its recursion limit
_MAXIMUM_BITS = 4096  # of a result; 2**10**10 must not exhaust the memory

_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


class NotArithmeticError(ValueError):
    """The expression is not arithmetic on numbers. None of it was executed."""


def evaluate(expression: object) -> Number | bool:
    """The value of an arithmetic expression, as Python's eval would return it.

    Raises NotArithmeticError for anything but numbers, True, False and + - * / // % **, and ArithmeticError for a division
    by zero or a result of more than 4096 bits.
    """
    if isinstance(expression, (int, float)):
        return expression
    text = str(expression).strip()
    if len(text) > _MAXIMUM_LENGTH:
        raise NotArithmeticError(f"{len(text)} characters are too many for arithmetic")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotArithmeticError(f"{text!r} is not arithmetic") from error
    return _value(tree.body, text)


def _value(node: ast.expr, text: str) -> Number | bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, text))
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, text), _value(node.right, text)
        if isinstance(node.op, ast.Pow):
            return _bounded(_power(left, right))
        if type(node.op) in _BINARY:
            return _bounded(_BINARY[type(node.op)](left, right))
    raise NotArithmeticError(f"{text!r} is not arithmetic")


def _power(base: Number, exponent: Number) -> Number:
    # check the size before computing; only integers grow without bound
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > _MAXIMUM_BITS:
        raise OverflowError("the result of ** is too large")
    result: Number | complex = base**exponent
    if isinstance(result, complex):  # the square root of a negative number
        raise ArithmeticError("the result of ** is not a real number")  # noqa: TRY004
    return result


def _bounded(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > _MAXIMUM_BITS:
        raise OverflowError("the result is too large")
    return value
