"""A pickle reader for data that strangers made: it can build lists, dicts, numbers and arrays, and call nothing.

`pickle.load` executes what a file asks for. Here the file's opcodes are read by `pickletools`, which executes
nothing, and obeyed by a small machine that knows only those that plain data needs. The few names a pickled
numpy array must mention stand for constructors of our own; any other name is refused, whether or not it is
called. A file can neither recurse nor ask for more memory than it is long.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MAX_OPCODES = 200_000
"""A motion needs a few hundred. More is not data, it is an attempt to keep us busy."""

_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "O", "O8"}


class ForbiddenGlobalError(ValueError):
    """The pickle names something that plain data has no need of; `name` is `module.attribute`."""

    def __init__(self, name: str):
        super().__init__(f"the pickle asks for {name}")
        self.name = name


class _Dtype:
    """numpy.dtype, as far as a pickle needs it: a code such as `f8`, then a byte order."""

    def __init__(self, code: object, *_copy_and_align: object):
        if code not in _DTYPES:
            raise ValueError("an array of an unknown type")
        self.code, self.order = str(code), "="

    def build(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError("an array of an unknown byte order")
        self.order = state[1]

    @property
    def holds_objects(self) -> bool:
        return self.code.startswith("O")

    def numbers(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.code)


class _Array:
    """numpy.ndarray between its two steps in a pickle: made empty, then given shape, type and content."""

    def __init__(self, *_kind_and_shape: object):
        self.value: Any = None

    def build(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, fortran, content = state
        self.value = _array(content, dtype, shape, "F" if fortran else "C").value

    @classmethod
    def of(cls, value: Any) -> _Array:
        array = cls()
        array.value = value
        return array


def _array(content: Any, dtype: Any, shape: Any, order: Any = "C") -> _Array:
    """An array from its bytes, or from a list for an array of objects; the lengths must agree exactly."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not isinstance(dtype, _Dtype) or len(shape) > 8 or not all(_is_size(n) for n in shape):
        raise ValueError("an array without a proper shape and type")
    count = math.prod(shape)
    if dtype.holds_objects:
        if not isinstance(content, list) or len(content) != count:
            raise ValueError("an array of objects without its objects")
        value = np.empty(count, dtype=object)
        for index, item in enumerate(content):  # value[:] = content would look into lists, which may hold themselves
            value[index] = item
        return _Array.of(value.reshape(shape))
    numbers = dtype.numbers()
    if not isinstance(content, bytes | bytearray) or len(content) != count * numbers.itemsize:
        raise ValueError("an array without its numbers")
    return _Array.of(np.frombuffer(content, numbers).reshape(shape, order="F" if order == "F" else "C"))


def _scalar(dtype: Any, content: Any) -> Any:
    return _array(content, dtype, ()).value.item()


def _mapping(pairs: Any = ()) -> dict[str, Any]:
    return {_key(key): value for key, value in pairs}


def _key(key: object) -> str:
    # a key of nested tuples could take for ever to hash
    if not isinstance(key, str):
        raise ValueError("a mapping whose key is no text")
    return key


def _is_size(n: object) -> bool:
    return type(n) is int and 0 <= n < 2**31


_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "collections.OrderedDict": _mapping,
}
for _numpy in ("numpy.core", "numpy._core"):  # numpy 2 renamed it
    _CONSTRUCTORS[f"{_numpy}.multiarray._reconstruct"] = _Array
    _CONSTRUCTORS[f"{_numpy}.multiarray.scalar"] = _scalar
    _CONSTRUCTORS[f"{_numpy}.numeric._frombuffer"] = _array

_PUSHES_ITS_ARGUMENT = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_PUSHES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS = {"BINPUT", "LONG_BINPUT"}
_GETS = {"BINGET", "LONG_BINGET"}
_NAMES_CODE = {"INST", "EXT1", "EXT2", "EXT4"}


class _Machine:
    """Obeys opcodes one at a time; `stack` and `memo` are those of the pickle protocol."""

    def __init__(self, constructors: Mapping[str, Callable[..., Any]]) -> None:
        self.constructors = constructors
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.marks: list[int] = []

    def obey(self, opcode: str, argument: Any) -> None:
        if opcode in _PUSHES_ITS_ARGUMENT:
            self.stack.append(argument)
        elif opcode in _PUSHES:
            self.stack.append(_PUSHES[opcode]())
        elif opcode in _TUPLES:
            self.stack.append(self._take(len(self.stack) - _TUPLES[opcode]))
        elif opcode in _PUTS:
            self.memo[argument] = self.stack[-1]
        elif opcode in _GETS:
            self.stack.append(self.memo[argument])
        elif opcode in _NAMES_CODE:
            raise ForbiddenGlobalError(f"{argument!a} ({opcode})")
        else:
            step = getattr(self, f"_{opcode.lower()}", None)
            if step is None:
                raise ValueError(f"the pickle holds an opcode that data has no need of: {opcode}")
            step(argument)

    def _take(self, start: int) -> tuple[Any, ...]:
        if start < 0:
            raise ValueError("the pickle takes more than it has put")
        taken = tuple(self.stack[start:])
        del self.stack[start:]
        return taken

    def _since_mark(self) -> tuple[Any, ...]:
        return self._take(self.marks.pop())

    def _proto(self, version: int) -> None:
        if not 2 <= version <= 5:
            raise ValueError(f"pickle protocol {version}")

    def _frame(self, _length: int) -> None:
        """Frames only help a reader to buffer."""

    def _stop(self, _argument: None) -> None:
        """The caller ends here."""

    def _mark(self, _argument: None) -> None:
        self.marks.append(len(self.stack))

    def _memoize(self, _argument: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _tuple(self, _argument: None) -> None:
        self.stack.append(self._since_mark())

    def _append(self, _argument: None) -> None:
        self._extend(self._take(len(self.stack) - 1))

    def _appends(self, _argument: None) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: tuple[Any, ...]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ValueError("the pickle appends to what is no list")
        self.stack[-1].extend(items)

    def _setitem(self, _argument: None) -> None:
        self._update(self._take(len(self.stack) - 2))

    def _setitems(self, _argument: None) -> None:
        self._update(self._since_mark())

    def _update(self, items: tuple[Any, ...]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise ValueError("the pickle sets an item of what is no mapping")
        self.stack[-1].update(_mapping(zip(items[0::2], items[1::2], strict=True)))

    def _global(self, module_and_name: str) -> None:
        self._name(".".join(module_and_name.split(" ", 1)))

    def _stack_global(self, _argument: None) -> None:
        module, name = self._take(len(self.stack) - 2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("the pickle asks for a name that is no text")
        self._name(f"{module}.{name}")

    def _name(self, name: str) -> None:
        if name not in self.constructors:
            raise ForbiddenGlobalError(ascii(name)[1:-1])
        self.stack.append(self.constructors[name])

    def _binpersid(self, _argument: None) -> None:
        """A thing kept outside the pickle, by its description: the description stays."""

    def _reduce(self, _argument: None) -> None:
        constructor, arguments = self._take(len(self.stack) - 2)
        if not callable(constructor) or not isinstance(arguments, tuple):
            raise ValueError("the pickle calls what is no constructor")
        self.stack.append(constructor(*arguments))

    def _build(self, _argument: None) -> None:
        (state,) = self._take(len(self.stack) - 1)
        if not isinstance(self.stack[-1], _Array | _Dtype) or not isinstance(state, tuple):
            raise ValueError("the pickle fills what is neither an array nor a type")
        self.stack[-1].build(state)


def loads(payload: bytes, more: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """What the pickle in `payload` holds. Ask `array_of` for each array in it.

    Args:
        payload: the pickle.
        more: constructors, harmless ones of our own, for further names that this kind of file must mention.

    Raises:
        ForbiddenGlobalError: it names something else than numpy's arrays.
        ValueError: it is no pickle of plain data, or too long.
    """
    machine = _Machine({**_CONSTRUCTORS, **(more or {})})
    try:
        for count, (opcode, argument, _position) in enumerate(pickletools.genops(payload)):
            if count > MAX_OPCODES:
                raise ValueError("the pickle is too long for data")
            machine.obey(opcode.name, argument)
        (value,) = machine.stack
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a pickle of plain data: {error}") from error
    return value


def array_of(value: Any) -> Any:
    """The numpy array, read-only, behind what `loads` gave for one; any other value as it is."""
    return value.value if isinstance(value, _Array) else value
