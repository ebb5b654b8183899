"""Unpickle plain data from untrusted files: lists, dicts, text, numbers and numpy arrays. Nothing else is called.

`pickle.load` executes what a file asks for. Here `pickle.Unpickler` runs only after every opcode has passed
`pickle_walk`, finds only the few names that a pickled array mentions, and gets stand-ins of our own for them. A file
cannot import, call or modify anything, recurse, or make the reader allocate much more than its own length.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pmlaunch.support.pickle_walk import PLAIN_OPCODES, Item, walk

Constructor = Callable[..., object]

_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "O", "O8"}
_OPCODES = PLAIN_OPCODES | {
    "FRAME", "MEMOIZE", "STACK_GLOBAL", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "BYTEARRAY8",
}  # fmt: skip
_NAMES_CODE = {"INST", "EXT1", "EXT2", "EXT4"}  # name a global in a way that find_class may not see
_FILLED = re.compile(r"numpy\.dtype|numpy\.ndarray|numpy\._?core\.multiarray\._reconstruct")
_FRAME_HEADER = 9  # bytes: the opcode and a length
_LONGEST_NAME = 200


class ForbiddenGlobalError(ValueError):
    """The pickle names something that plain data does not need; `name` is `module.attribute`, safe to print."""

    def __init__(self, name: str) -> None:
        self.name = ascii(name[:_LONGEST_NAME])[1:-1]
        super().__init__(f"the pickle asks for {self.name}")


class Named:
    """What the unpickler gets for an allowed name: made anew for each load, so that a pickle cannot change ours."""

    __slots__ = ("_constructor", "name")

    def __init__(self, name: str, constructor: Constructor) -> None:
        self.name, self._constructor = name, constructor

    def __call__(self, *arguments: object) -> object:
        """Call the constructor that stands in for the name."""
        return self._constructor(*arguments)


class _Dtype:
    """Stand-in for numpy.dtype, built from a code such as `f8` and then given its byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_copy_and_align: object) -> None:
        if not isinstance(code, str) or code not in _DTYPES:
            raise ValueError("an array of an unknown type")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if not isinstance(order, str) or order not in ("<", ">", "=", "|"):
            raise ValueError("an array of an unknown byte order")
        self.order = order


class _Array:
    """Stand-in for numpy.ndarray, which a pickle first makes empty and then gives shape, type and content."""

    __slots__ = ("value",)

    def __init__(self, *_kind_and_shape: object) -> None:
        self.value: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, is_fortran, content = state
        self.value = _numbers(content, dtype, shape, "F" if is_fortran else "C")


def _numbers(content: object, dtype: object, shape: object, order: object = "C") -> np.ndarray[Any, Any]:
    """An array from its bytes, or from a list for an array of objects. The lengths must agree exactly."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not isinstance(dtype, _Dtype) or len(shape) > 8 or not all(is_size(n) for n in shape):
        raise ValueError("an array without a proper shape and type")
    count = math.prod(shape)
    if dtype.code.startswith("O"):
        if not isinstance(content, list) or len(content) != count:
            raise ValueError("an array of objects without its objects")
        value = np.empty(count, dtype=object)
        for index, item in enumerate(content):  # value[:] = content would descend into lists, which may be cyclic
            value[index] = item
        return value.reshape(shape)
    kind = np.dtype(dtype.order + dtype.code)
    if not isinstance(content, bytes | bytearray) or len(content) != count * kind.itemsize:
        raise ValueError("an array without its numbers")
    return np.frombuffer(content, kind).reshape(shape, order="F" if order == "F" else "C")


def _frombuffer(content: object, dtype: object, shape: object, order: object) -> _Array:
    array = _Array()
    array.value = _numbers(content, dtype, shape, order)
    return array


def _scalar(dtype: object, content: object) -> object:
    return _numbers(content, dtype, ()).item()


def _mapping() -> dict[str, object]:
    """Stand-in for OrderedDict, whose instances have a `__dict__` that a pickle could fill. Its items come later."""
    return {}


def is_size(n: object) -> bool:
    """Whether `n` is a length that an array or tensor can have."""
    return type(n) is int and 0 <= n < 2**31


_CONSTRUCTORS: dict[str, Constructor] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "collections.OrderedDict": _mapping,
}
for _numpy in ("numpy.core", "numpy._core"):  # numpy 2 renamed it
    _CONSTRUCTORS[f"{_numpy}.multiarray._reconstruct"] = _Array
    _CONSTRUCTORS[f"{_numpy}.multiarray.scalar"] = _scalar
    _CONSTRUCTORS[f"{_numpy}.numeric._frombuffer"] = _frombuffer


class _Unpickler(pickle.Unpickler):
    """Finds allowed names only, and asks `stored` for what the pickle keeps outside itself."""

    def __init__(self, payload: bytes, constructors: Mapping[str, Constructor], stored: Constructor | None) -> None:
        super().__init__(io.BytesIO(payload))
        self._constructors, self._stored = constructors, stored

    def find_class(self, module: str, name: str) -> Named:
        full = f"{module}.{name}"
        if full not in self._constructors:
            raise ForbiddenGlobalError(full)
        return Named(full, self._constructors[full])

    def persistent_load(self, description: object) -> object:
        if self._stored is None:
            raise ValueError("the pickle keeps something outside itself")
        return self._stored(description)


def loads(
    payload: bytes, more: Mapping[str, Constructor] | None = None, stored: Callable[[object], object] | None = None
) -> Any:
    """Return the plain data in a pickle. Call `array_of` on anything in it that may be an array.

    Args:
        payload: the pickle, protocol 2 to 5.
        more: further names the pickle may mention, each with a constructor that validates its arguments.
        stored: called with each persistent id (torch keeps its numbers outside the pickle); None refuses them.

    Raises:
        ForbiddenGlobalError: the pickle names anything else.
        ValueError: it is not a pickle of plain data, or too long.
    """
    constructors = {**_CONSTRUCTORS, **(more or {})}
    try:
        return _Unpickler(_checked(payload, constructors), constructors, stored).load()
    except (LookupError, TypeError, AttributeError, OverflowError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"not a pickle of plain data: {error}") from error


def _checked(payload: bytes, constructors: Mapping[str, Constructor]) -> bytes:
    """Refuse what the unpickler would do unasked: huge allocations (see `walk`), endless hashing, filling our objects.

    Returns the pickle without its frames. They only help buffering, and where one ends inside an opcode CPython's
    unpickler loses bytes: it would read other opcodes than those that were checked.
    """
    pieces, rest = [], 0
    for step in walk(payload, _OPCODES | _NAMES_CODE):
        if step.opcode in _NAMES_CODE:
            raise ForbiddenGlobalError(f"{step.argument} ({step.opcode})")
        if step.opcode == "PROTO" and not 2 <= step.argument <= pickle.HIGHEST_PROTOCOL:
            raise ValueError(f"pickle protocol {step.argument}")
        if step.opcode == "FRAME":
            pieces.append(payload[rest : step.offset])
            rest = step.offset + _FRAME_HEADER
        if step.result and step.result.name and step.result.name not in constructors:
            raise ForbiddenGlobalError(step.result.name)
        if step.opcode == "BUILD" and not _is_filled(step.operands[0]):
            raise ValueError("the pickle fills what is neither an array nor a type")
        if step.opcode in ("APPEND", "APPENDS") and step.operands[0].opcode != "EMPTY_LIST":
            raise ValueError("the pickle appends to what is not a list")
        # nested tuples that share their parts take exponential time to hash
        if step.opcode in ("SETITEM", "SETITEMS") and not all(key.is_text for key in step.operands[1::2]):
            raise ValueError("a mapping with a key that is not text")
    return b"".join((*pieces, payload[rest:])) if pieces else payload


def _is_filled(item: Item) -> bool:
    """Whether `item` is a call of one of our stand-ins that take a state."""
    return item.opcode == "REDUCE" and _FILLED.fullmatch(item.operands[0].name or "") is not None


def array_of(value: object) -> Any:
    """The numpy array behind a value from `loads`; any other value unchanged."""
    return value.value if isinstance(value, _Array) else value
