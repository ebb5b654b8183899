"""Determine from a pickle's opcodes what loading it would import and call. Nothing is loaded.

A pickle can call only what it names. So a pickle whose names are all harmless is harmless however it combines them.
What cannot be followed counts as not harmless.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pmlaunch.support.harmless_names import HARMLESS

MAX_PICKLE = 16 << 20
"""Bytes of the longest pickle that is followed; that of a checkpoint of 2.4 GB has less than one million."""
_MAX_OPCODES = 300_000  # less than a second
_CALLS = frozenset({"REDUCE", "NEWOBJ", "NEWOBJ_EX"})
_CHANGES = frozenset({"BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_TUPLES = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"})
_TEXTS = frozenset({b"I", b"L", b"F", b"S", b"V", b"P", b"c", b"i", b"g", b"p"})  # opcodes whose argument is a line
_NOT_VALUES = (pickletools.markobject, pickletools.stackslice)


class _Effect(NamedTuple):
    """What an opcode does to the stack: takes all down to the last mark, then some values, and leaves some."""

    to_mark: bool
    taken: int
    left: int


_EFFECTS: Mapping[str, _Effect] = {
    info.name: _Effect(
        pickletools.markobject in info.stack_before,
        sum(item not in _NOT_VALUES for item in info.stack_before),
        len(info.stack_after),
    )
    for info in pickletools.opcodes
} | {"OBJ": _Effect(True, 0, 1)}  # what it calls is above the mark


class PickledName(NamedTuple):
    """Something that a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        return ascii(f"{self.module}.{self.name}"[:200])[1:-1]


@dataclass
class PickleCalls:
    """What loading a pickle would do beyond making plain data; `end` is the length of the pickle."""

    names: set[PickledName] = field(default_factory=set)  # imports that are not known to be harmless
    odd: set[str] = field(default_factory=set)  # descriptions of what pickles of data do not do
    end: int = 0
    broken: bool = False  # whether loading would stop before the pickle's end


_LOADER = PickledName("torch.storage", "_load_from_bytes")

_VALUE = object()
"""Stands for a value that is not followed."""


def pickle_calls(payload: bytes, inner: Callable[[bytes], PickleCalls] | None = None) -> PickleCalls:
    """Follow the first pickle in `payload`; `inner` looks into a file of torch's that the pickle holds. Never raises."""
    reader = _Reader(inner)
    calls, stream, start = reader.calls, io.BytesIO(payload), 0
    try:
        if len(payload) > MAX_PICKLE:
            raise _HiddenError  # noqa: TRY301
        for count, (info, argument, position) in enumerate(pickletools.genops(stream)):
            if count > _MAX_OPCODES:
                raise _HiddenError  # noqa: TRY301
            reader.step(info.name, argument, position or 0)
            start = stream.tell()
    except (_HiddenError, TypeError, RecursionError):
        calls.odd.add("(something that cannot be analyzed)")
    except (ValueError, LookupError):  # pickle stops here as well
        calls.broken = True
        # pickle reads more numbers and texts than pickletools
        if payload[start : start + 1] in _TEXTS and b"\n" in payload[start:]:
            calls.odd.add("(something that cannot be analyzed)")
    if reader.loaders:  # numpy.random's constructors, for one, call what they are given
        calls.odd.add("(torch.storage._load_from_bytes, for something else to call)")
    if reader.omegaconf and reader.interpolates:
        calls.odd.add("(an interpolation in an OmegaConf container, which may name code)")
    return calls


class _HiddenError(Exception):
    """The pickle continues with something that cannot be analyzed."""


class _Reader:
    """Follows opcodes with a stack of names, constants, tuples and values that are not followed."""

    def __init__(self, inner: Callable[[bytes], PickleCalls] | None) -> None:
        self.calls = PickleCalls()
        self.omegaconf = self.interpolates = False
        self.loaders = 0  # times that _LOADER came onto the stack, less the calls of it
        self._inner = inner
        self._stack: list[Any] = []
        self._marks: list[int] = []  # lengths of the stack
        self._memo: dict[int, Any] = {}
        self._frame_end: int | None = None

    def step(self, opcode: str, argument: Any, position: int) -> None:
        """Follow one opcode. Raises ValueError or LookupError where pickle would fail."""
        self._check_frame(opcode, argument, position)
        self.calls.end = position + 1
        stack, effect, above = self._stack, _EFFECTS[opcode], ()
        if opcode == "MARK":
            self._marks.append(len(stack))
            return
        if opcode == "POP" and self._marks and self._marks[-1] == len(stack):
            self._marks.pop()
            return
        if effect.to_mark:
            start = self._marks.pop()
            above = tuple(stack[start:])
            del stack[start:]
        first = len(stack) - effect.taken
        if first < (self._marks[-1] if self._marks else 0):
            raise ValueError("nothing on the stack")
        taken = stack[first:]
        del stack[first:]
        stack.extend([self._value(opcode, argument, taken, above)] * effect.left)
        if opcode == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif opcode in _PUTS:
            if self._marks and self._marks[-1] == len(stack):
                raise ValueError("a mark in the memo")
            self._memo[argument] = stack[-1]

    def _check_frame(self, opcode: str, argument: Any, position: int) -> None:
        """Frames end between opcodes: elsewhere CPython's unpickler reads other opcodes than pickletools."""
        if self._frame_end is not None and position > self._frame_end:
            raise _HiddenError
        if position == self._frame_end:
            self._frame_end = None
        if opcode == "FRAME":
            if self._frame_end is not None:
                raise _HiddenError
            self._frame_end = position + 9 + argument

    def _value(self, opcode: str, argument: Any, taken: list[Any], above: tuple[Any, ...]) -> Any:
        """What the opcode leaves on the stack."""
        if opcode in ("DUP", "MEMOIZE"):
            return self._counted(taken[0]) if opcode == "DUP" else taken[0]
        if opcode in _TUPLES:
            return above or tuple(taken)
        if opcode in _GETS:
            return self._counted(self._memo[argument])
        if opcode == "GLOBAL":
            return self._import(*argument.split(" "))
        if opcode == "STACK_GLOBAL":
            return self._import(*taken)
        if opcode == "INST":
            return self._call(self._import(*argument.split(" ")), above)
        if opcode == "OBJ":
            return self._call(above[0], above[1:])
        if opcode in _CALLS:
            return self._call(taken[0], taken[1])
        if opcode.startswith("EXT"):
            self.calls.odd.add(f"(extension {argument})")
        elif opcode in _CHANGES:
            if isinstance(taken[0] if taken else None, PickledName):
                self.calls.odd.add(f"(a change of {taken[0]})")
            return taken[0] if taken else _VALUE
        elif isinstance(argument, (str, bytes)):
            text = argument if isinstance(argument, str) else argument.decode("latin-1")
            self.interpolates |= "${" in text.replace("\0", "")  # numpy has text in UTF-32
            return argument
        return _VALUE

    def _import(self, module: object, name: object) -> PickledName:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is not constant")
        found = PickledName(module, name)
        self.omegaconf |= module.startswith("omegaconf")
        if found not in HARMLESS:
            self.calls.names.add(found)
        self._counted(found)
        return found

    def _counted(self, value: Any) -> Any:
        self.loaders += value == _LOADER
        return value

    def _call(self, called: object, arguments: object) -> Any:
        if not isinstance(called, PickledName):
            self.calls.odd.add("(a call of something without a name)")
            return _VALUE
        first = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if called == ("_codecs", "encode"):  # bytes in protocol 2
            if (
                not isinstance(first, str)
                or not isinstance(arguments, tuple)
                or arguments[1:] not in (("latin1",), ("latin-1",))
            ):
                self.calls.odd.add("(_codecs.encode in another encoding)")
                return _VALUE
            return first.encode("latin-1")
        if called == _LOADER:  # a file of torch's inside the pickle
            self.loaders -= 1
            found = self._inner(first) if self._inner and isinstance(first, bytes) else None
            self.calls.names |= found.names if found else set()
            self.calls.odd |= found.odd if found else {"(a tensor that is not in the pickle)"}
        return _VALUE
