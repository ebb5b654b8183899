"""Follow a pickle's opcodes symbolically: which names it asks for, what it calls, which keys it sets.

Nothing is imported, built or executed. `pickletools` decodes the opcodes and knows how many stack items each one
takes and leaves; an item is a description of where it came from, never a value.
"""

from __future__ import annotations

import pickletools
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_OPCODES = 200_000
"""A motion takes a few hundred opcodes and frozen configs ten thousand; a longer pickle is an attack."""

PLAIN_OPCODES = frozenset({
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINPUT",
    "LONG_BINPUT", "BINGET", "LONG_BINGET", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "REDUCE", "BUILD",
    "BINPERSID",
})  # fmt: skip
"""What torch.save writes for plain containers, numbers and tensors, in protocol 2."""

_TEXTS = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_NAMES = {"GLOBAL", "STACK_GLOBAL"}
_PUTS = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS = {"BINGET", "LONG_BINGET"}
_IN_PLACE = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "BUILD", "MEMOIZE"}  # these leave their first operand


class UnexpectedOpcodeError(ValueError):
    """The pickle uses an opcode that is not allowed, or, as `detail` says, not allowed there."""

    def __init__(self, opcode: str, detail: str = "") -> None:
        self.summary = f"{opcode}: {detail}" if detail else opcode
        super().__init__(f"unexpected pickle opcode {self.summary}")


@dataclass(frozen=True, eq=False)
class Item:
    """A stack item: the opcode that pushed it, the items it was made from, and the text of a string or dotted name."""

    opcode: str
    operands: Sequence[Item] = ()
    text: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether the item is a string constant."""
        return self.opcode in _TEXTS

    @property
    def name(self) -> str | None:
        """The dotted name of a global; None for anything else."""
        return self.text if self.opcode in _NAMES else None


@dataclass(frozen=True, eq=False)
class Step:
    """One opcode: its decoded argument, its offset, the items it consumed and the one it left on top of the stack."""

    opcode: str
    argument: Any
    offset: int
    operands: Sequence[Item]
    result: Item | None


def walk(payload: bytes, allowed: Container[str]) -> Iterator[Step]:
    """Yield the steps of a pickle up to its STOP.

    The checks mirror those of the unpickler, so a pickle that loads has been seen as it is executed: items cannot be
    taken from below a mark, and memo indices, which an unpickler allocates for, stay below `MAX_OPCODES`.

    Raises:
        UnexpectedOpcodeError: an opcode is not in `allowed`.
        ValueError: the bytes are not a pickle, or it has more than `MAX_OPCODES` opcodes.
    """
    stack: list[Item] = []
    marks: list[int] = []
    memo: dict[int, Item] = {}
    for count, (info, argument, offset) in enumerate(pickletools.genops(payload)):
        if count >= MAX_OPCODES:
            raise ValueError("the pickle is too long for data")
        if info.name not in allowed:
            raise UnexpectedOpcodeError(info.name)
        operands = _take(stack, marks, info)
        result: Item | None = None
        if info.name == "MARK":
            marks.append(len(stack))
        elif info.name in _IN_PLACE:
            result = operands[0]
        elif info.name in _GETS:
            if (result := memo.get(int(argument or 0))) is None:
                raise ValueError("the pickle fetches what it has not stored")
        elif info.stack_after:
            result = Item(info.name, operands, _text(info.name, argument, operands))
        if result is not None:
            stack.append(result)
        if info.name in _PUTS:
            index = len(memo) if argument is None else argument
            if index >= MAX_OPCODES or len(stack) <= (marks[-1] if marks else 0):
                raise ValueError("the pickle stores nothing, or stores it too far away")
            memo[index] = stack[-1]
        yield Step(info.name, argument, offset or 0, operands, result)


def _take(stack: list[Item], marks: list[int], info: pickletools.OpcodeInfo) -> list[Item]:
    """Remove and return what an opcode consumes: a fixed number of items, and for some all above the last mark."""
    start, fixed = len(stack), len(info.stack_before)
    if pickletools.markobject in info.stack_before:
        if not marks:
            raise ValueError("the pickle has no mark to go back to")
        start, fixed = marks.pop(), info.stack_before.index(pickletools.markobject)
    start -= fixed
    if start < (marks[-1] if marks else 0):
        raise ValueError("the pickle takes more than it has put")
    taken = stack[start:]
    del stack[start:]
    return taken


def _text(opcode: str, argument: Any, operands: Sequence[Item]) -> str | None:
    """The text of a string constant, or the dotted name of a global."""
    if opcode == "GLOBAL":
        return str(argument).replace(" ", ".", 1)
    if opcode == "STACK_GLOBAL":
        if not all(item.is_text for item in operands):
            raise ValueError("the pickle asks for a name that is not text")
        return ".".join(item.text or "" for item in operands)
    return str(argument) if opcode in _TEXTS else None
