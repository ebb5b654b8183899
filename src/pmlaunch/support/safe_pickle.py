"""Unpickle plain data from untrusted files: lists, dicts, text, numbers and numpy arrays. Nothing else is called.

`pickle.load` executes what a file asks for. Here pickle's own unpickler, the one written in Python, gets only the
opcodes that data needs, and stand-ins of ours for the few names that a pickled array mentions. A file cannot import,
call or modify anything, recurse, or make the reader allocate much more than its own length.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np

Constructor = Callable[..., object]

MAX_OPCODES = 200_000
"""A motion takes a few hundred opcodes and frozen configs ten thousand; a longer pickle is an attack."""

PLAIN_OPCODES = frozenset({
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINPUT",
    "LONG_BINPUT", "BINGET", "LONG_BINGET", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "REDUCE", "BUILD",
    "BINPERSID",
})  # fmt: skip
"""What torch.save writes for plain containers, numbers and tensors, in protocol 2."""

_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "O", "O8"}
# numpy's codes that a memoryview has, too, where they are in the machine's byte order
_NATIVE: Mapping[str, Any] = {"<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q"} if sys.byteorder == "little" else {}
_OPCODE_NAMES = {ord(info.code): info.name for info in pickletools.opcodes}
_LONGEST_NAME = 200
_MALFORMED = (
    LookupError, TypeError, AttributeError, OverflowError, BufferError, EOFError, struct.error, pickle.UnpicklingError,
)  # fmt: skip


class TooLongError(ValueError):
    """The pickle is longer than what is read."""


class UnexpectedOpcodeError(ValueError):
    """The pickle uses an opcode that is not allowed, or, as `detail` says, not allowed there."""

    def __init__(self, opcode: str, detail: str = "") -> None:
        self.summary = f"{opcode}: {detail}" if detail else opcode
        super().__init__(f"unexpected pickle opcode {self.summary}")


class ForbiddenGlobalError(ValueError):
    """The pickle names something that plain data does not need; `name` is `module.attribute`, safe to print."""

    def __init__(self, name: str) -> None:
        self.name = ascii(name[:_LONGEST_NAME])[1:-1]
        super().__init__(f"the pickle refers to {self.name}")


class Named:
    """Stand-in for a name in the pickle; a call of it calls `constructor`, or is refused if that is None."""

    def __init__(self, name: str, constructor: Constructor | None) -> None:
        self.name, self._constructor = name, constructor

    def __call__(self, *arguments: object) -> object:
        """Call the constructor."""
        if self._constructor is None:
            raise ValueError(f"the pickle calls {self.name}")
        return self._constructor(*arguments)


class _Handlers(dict[int, Callable[[Any], None]]):
    """The methods for the allowed opcodes; counts the opcodes that are executed."""

    executed = 0

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        self.executed += 1
        if self.executed > MAX_OPCODES:
            raise TooLongError("the pickle is too long for plain data")
        if code not in self:
            raise UnexpectedOpcodeError(_OPCODE_NAMES[code])
        return super().__getitem__(code)


class RestrictedUnpickler(pickle._Unpickler):  # noqa: SLF001 (the one written in C has no table of opcodes)
    """Loads a pickle of `opcodes` only, which may call stand-ins, and set the state of those that are `fillable`.

    A method `_load_x` replaces pickle's `load_x`.
    """

    opcodes: Collection[str]
    fillable: tuple[type[Any], ...]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]
    stack: list[Any]
    append: Callable[[Any], None]
    memo: dict[int, Any]

    def __init__(self, payload: bytes) -> None:
        super().__init__(io.BytesIO(payload))
        allowed = {code: handler for code, handler in self.dispatch.items() if _OPCODE_NAMES[code] in self.opcodes}
        own = {code: getattr(type(self), f"_{handler.__name__}", handler) for code, handler in allowed.items()}
        self.dispatch = _Handlers(own)  # type: ignore[misc]  # pickle's is shared by all unpicklers

    def load(self) -> Any:
        """Load the pickle. Raises ValueError, or a subclass of it, for one that is malformed or not allowed."""
        try:
            return super().load()
        except _MALFORMED as error:
            raise ValueError(f"not a pickle of plain data: {error}") from error

    def _load_frame(self) -> None:
        self.read(8)  # its length, which only helps buffering

    def _load_bytearray8(self) -> None:
        # pickle allocates what the file claims
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    def _load_long_binput(self) -> None:
        index = int.from_bytes(self.read(4), "little")
        if index >= MAX_OPCODES:  # the unpickler written in C allocates that much
            raise UnexpectedOpcodeError("LONG_BINPUT", f"index {index}")
        self.memo[index] = self.stack[-1]

    def _load_reduce(self) -> None:
        arguments = self.stack.pop()
        if not isinstance(arguments, tuple):  # anything iterable would do for pickle
            raise UnexpectedOpcodeError("REDUCE", "not a tuple of arguments")
        self.append(self.stack.pop()(*arguments))

    def _load_build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], self.fillable):
            raise UnexpectedOpcodeError("BUILD", "not an instance created here")
        self.stack[-1].__setstate__(state)


class _Mapping(dict[str, object]):
    """Stand-in for dict, and for OrderedDict, whose instances have a `__dict__` that a pickle could fill."""

    def __init__(self) -> None:
        super().__init__()

    def __setitem__(self, key: object, value: object) -> None:
        if not isinstance(key, str):  # nested tuples that share their parts take exponential time to hash
            raise ValueError("a mapping with a key that is not text")  # noqa: TRY004 (of the file, not of a caller)
        super().__setitem__(key, value)


class _Dtype:
    """Stand-in for numpy.dtype, built from a code such as `f8` and then given its byte order."""

    def __init__(self, code: object, *_copy_and_align: object) -> None:
        if not isinstance(code, str) or code not in _DTYPES:
            raise ValueError("an array of an unknown type")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if not isinstance(order, str) or order not in ("<", ">", "=", "|"):
            raise ValueError("an array of an unknown byte order")
        self.order = order


class StoredArray:
    """Stand-in for numpy.ndarray, which a pickle first makes empty and then gives shape, type and content.

    `code` is that of its numpy type, such as "<f4"; "O" is an array of `objects`, "" one that was never filled. numpy is
    slow to import, so this does without it as long as it can.
    """

    def __init__(self, *_kind_and_shape: object) -> None:
        self.code, self._bytes, self._fortran = "", memoryview(b""), False
        self.shape: tuple[int, ...] = ()
        self.objects: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Fill the array with bytes, or with a list of objects. The lengths must agree exactly."""
        _version, shape, dtype, is_fortran, content = state
        shape = shape if isinstance(shape, tuple) else (shape,)
        if not isinstance(dtype, _Dtype) or len(shape) > 8 or not all(is_size(n) for n in shape):
            raise ValueError("an array without a proper shape and type")
        count = math.prod(shape)
        if dtype.code.startswith("O"):
            if not isinstance(content, list) or len(content) != count:
                raise ValueError("an array of objects without its objects")
            self.code, self.objects = "O", tuple(content)
        else:
            if not isinstance(content, bytes | bytearray) or len(content) != count * int(dtype.code[1:]):
                raise ValueError("an array without its numbers")
            self.code, self._bytes = dtype.order + dtype.code, memoryview(content)
        self.shape, self._fortran = shape, bool(is_fortran)

    def numbers(self) -> Sequence[Any]:
        """The numbers of the array, the last index changing fastest."""
        native = None if self._fortran else _NATIVE.get(self.code)
        numbers: Sequence[Any] = self._bytes.cast(native) if native else self.numpy().ravel().tolist()
        return numbers

    def numpy(self) -> np.ndarray[Any, Any]:
        """The numbers as an array of numpy."""
        import numpy as np

        return np.frombuffer(self._bytes, self.code).reshape(self.shape, order="F" if self._fortran else "C")


def _from_buffer(content: object, dtype: object, shape: object, order: object = "C") -> StoredArray:
    array = StoredArray()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array


def _scalar(dtype: object, content: object) -> Any:
    return _from_buffer(content, dtype, ()).numbers()[0]


def is_size(n: object) -> bool:
    """Whether `n` is a length that an array or tensor can have."""
    return type(n) is int and 0 <= n < 2**31


_CONSTRUCTORS: dict[str, Constructor | None] = {
    "numpy.ndarray": StoredArray,
    "numpy.dtype": _Dtype,
    "collections.OrderedDict": _Mapping,
}
for _numpy in ("numpy.core", "numpy._core"):  # numpy 2 renamed it
    _CONSTRUCTORS[f"{_numpy}.multiarray._reconstruct"] = StoredArray
    _CONSTRUCTORS[f"{_numpy}.multiarray.scalar"] = _scalar
    _CONSTRUCTORS[f"{_numpy}.numeric._frombuffer"] = _from_buffer


class _DataUnpickler(RestrictedUnpickler):
    """Finds allowed names only, and asks `stored` for what the pickle keeps outside itself."""

    opcodes = PLAIN_OPCODES | {
        "FRAME", "MEMOIZE", "STACK_GLOBAL", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
        "BINBYTES8", "BYTEARRAY8", "INST", "EXT1", "EXT2", "EXT4",
    }  # fmt: skip
    fillable = (StoredArray, _Dtype)

    def __init__(self, payload: bytes, constructors: Mapping[str, Constructor | None], stored: Constructor) -> None:
        super().__init__(payload)
        self._constructors, self._stored = constructors, stored

    def find_class(self, module: str, name: str) -> Named:
        full = f"{module}.{name}"
        if full not in self._constructors:
            raise ForbiddenGlobalError(full)
        return Named(full, self._constructors[full])

    def persistent_load(self, description: object) -> object:
        return self._stored(description)

    def get_extension(self, code: int) -> NoReturn:
        raise ForbiddenGlobalError(f"extension {code}")

    def _load_inst(self) -> NoReturn:
        raise ForbiddenGlobalError(".".join(self.readline()[:-1].decode() for _ in range(2)))

    def _load_empty_dictionary(self) -> None:
        self.append(_Mapping())


def _nothing_outside(_: object) -> NoReturn:
    raise ValueError("the pickle keeps something outside itself")


def loads(
    payload: bytes, more: Mapping[str, Constructor | None] | None = None, stored: Constructor = _nothing_outside
) -> Any:
    """Return the plain data in a pickle, its arrays as `StoredArray`.

    The pickle may mention the names in `more`, too; their constructors validate their arguments, and a name without one
    cannot be called. `stored` turns a persistent id into a value (torch keeps its numbers outside the pickle).

    Raises:
        ForbiddenGlobalError: the pickle names anything else.
        ValueError: it is not a pickle of plain data, or too long.
    """
    return _DataUnpickler(payload, {**_CONSTRUCTORS, **(more or {})}, stored).load()
