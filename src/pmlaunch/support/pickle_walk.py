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

_FRAME_HEADER = 9  # bytes: the opcode and a length
_TEXTS = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_PUTS = {"BINPUT", "LONG_BINPUT"}
_GETS = {"BINGET", "LONG_BINGET"}
_IN_PLACE = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "BUILD", "MEMOIZE"}  # these leave their first operand

DATA_OPCODES = frozenset({
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT",
    "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BINPERSID", *_TEXTS, *_PUTS, *_GETS,
    *_IN_PLACE,
})  # fmt: skip
"""What plain data and numpy arrays need. The rest (EXT, INST, NEWOBJ, DUP, sets, out-of-band buffers...) is refused."""


class UnexpectedOpcodeError(ValueError):
    """The pickle uses an opcode outside the allowed set."""

    def __init__(self, opcode: str):
        super().__init__(f"unexpected pickle opcode {opcode}")
        self.opcode = opcode


@dataclass(frozen=True, eq=False)
class Item:
    """One stack item: the opcode that pushed it, the text of a string or dotted name, the items it was made from.

    `text` is None for anything but a string constant or a name; `operands` is empty for constants.
    """

    opcode: str
    text: str | None = None
    operands: Sequence[Item] = ()

    @property
    def is_text(self) -> bool:
        return self.opcode in _TEXTS

    @property
    def name(self) -> str | None:
        """The dotted name, if the item is a global."""
        return self.text if self.opcode in ("GLOBAL", "STACK_GLOBAL") else None


@dataclass(frozen=True, eq=False)
class Step:
    """One opcode with its decoded argument, the items it consumed, and the one it left on top of the stack."""

    opcode: str
    argument: Any
    operands: Sequence[Item]
    result: Item | None


def walk(payload: bytes, allowed: Container[str] = DATA_OPCODES) -> Iterator[Step]:
    """Yield the steps of a pickle up to its STOP.

    The checks mirror those of the unpickler, so a pickle that loads has been seen as it is executed: items cannot be
    taken from below a mark, memo indices, which an unpickler allocates for, stay below `MAX_OPCODES`, and frames end
    between opcodes: CPython's unpickler drops the rest of a frame that ends inside one and so reads other opcodes.

    Raises:
        UnexpectedOpcodeError: an opcode is not in `allowed`.
        ValueError: the bytes are not a pickle, or it has more than `MAX_OPCODES` opcodes.
    """
    stack: list[Item] = []
    marks: list[int] = []
    memo: dict[int, Item] = {}
    for info, argument in _opcodes(payload):
        if info.name not in allowed:
            raise UnexpectedOpcodeError(info.name)
        operands = _take(stack, marks, info)
        result: Item | None = None
        if info.name == "MARK":
            marks.append(len(stack))
        elif info.name in _PUTS:
            _memoize(memo, argument, stack[marks[-1] if marks else 0 :])
        elif info.name in _GETS:
            if argument not in memo:
                raise ValueError("the pickle fetches what it has not stored")
            result = memo[argument]
        elif info.name in _IN_PLACE:
            result = operands[0]
        elif info.stack_after:
            result = Item(info.name, _text(info.name, argument, operands), operands)
        if info.name == "MEMOIZE":
            _memoize(memo, len(memo), operands)
        if result is not None:
            stack.append(result)
        yield Step(info.name, argument, operands, result)


def _opcodes(payload: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """Yield opcodes with their arguments; refuse too many of them, and frames that do not end between two of them."""
    frame_end = 0
    for count, (info, argument, position) in enumerate(pickletools.genops(payload)):
        start = position or 0
        if count >= MAX_OPCODES:
            raise ValueError("the pickle is too long for data")
        if start >= frame_end > 0:
            if start > frame_end:
                raise ValueError("a frame of the pickle ends inside an opcode")
            frame_end = 0
        if info.name == "FRAME":
            if frame_end:
                raise ValueError("a frame of the pickle holds another frame")
            frame_end = start + _FRAME_HEADER + argument
        yield info, argument


def _take(stack: list[Item], marks: list[int], info: pickletools.OpcodeInfo) -> list[Item]:
    """Remove and return the items that an opcode consumes: a fixed number, plus all above the last mark if it says."""
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


def _memoize(memo: dict[int, Item], index: int, items: Sequence[Item]) -> None:
    if index >= MAX_OPCODES or not items:
        raise ValueError("the pickle stores nothing, or stores it too far away")
    memo[index] = items[-1]


def _text(opcode: str, argument: object, operands: Sequence[Item]) -> str | None:
    if opcode == "GLOBAL":
        return ".".join(str(argument).split(" ", 1))
    if opcode == "STACK_GLOBAL":
        if not all(item.is_text for item in operands):
            raise ValueError("the pickle asks for a name that is not text")
        return ".".join(item.text or "" for item in operands)
    return argument if opcode in _TEXTS and isinstance(argument, str) else None
