"""What loading the pickle of ProtoMotions 3's frozen configs would name, call and instantiate; nothing is executed.

The opcodes are obeyed by a machine whose values are only descriptions. Its rule is what upstream's own files need:
the configs' classes, enums, tensors and OrderedDict may be called; functions of the environments may be named as
values. An attribute of a module of ProtoMotions may be anything that this module imported, so that its place in
ProtoMotions makes no name harmless.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Sequence
from typing import Any

_OURS = r"protomotions\.(?!utils\.|assets\.|cli\.|tests\.|train_|inference_)[\w.]+|examples\.experiments\.[\w.]+"
# what may be called: classes of configs and their enums; FieldPath and MdpComponent name the terms of an environment
_CLASSES = re.compile(
    rf"({_OURS})\.([A-Z]\w*(Config|Params|Info|Method|Mode|Type)|FieldPath|MdpComponent|RolloutActor)"
)
_CALLED = re.compile(
    r"collections\.OrderedDict|torch\._utils\._rebuild_tensor_v2|torch\.(Size|device)|pathlib\.(Pure)?(Posix|Windows)?Path"
    r"|argparse\.Namespace|builtins\.(set|frozenset|slice|complex|range)"
)
# what may be named as a value; get_class and instantiate import and call whatever a text says
_FUNCTIONS = re.compile(
    r"(protomotions\.envs\.[\w.]+|examples\.experiments\.[\w.]+)\.(?!get_class$|instantiate$|import_)[a-z_]\w*"
)
_VALUES = re.compile(r"torch\.(\w+Storage|dtype|float\w*|int\w*|bool|bfloat16)")
_TARGETS = re.compile(r"(protomotions|lightning|torch\.optim|torch\.nn)\.[\w.]+")
_NAME = re.compile(r"[\w.]+ \w+")

_CONSTANTS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "NONE", "NEWTRUE", "NEWFALSE",
}  # fmt: skip
_EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS, _GETS = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")


class _Named:
    """A class or function that the pickle names."""

    def __init__(self, name: str):
        self.name = name


class _Made:
    """What a call of `name` gave."""

    def __init__(self, name: str):
        self.name = name


class _Reader:
    """`names`: all that would be imported. `foreign`: what configs have no need of, a name or (what it does)."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.foreign: set[str] = set()
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def obey(self, opcode: str, argument: Any) -> None:
        """Raises ValueError for what this machine does not know, which torch.save does not write."""
        if opcode in _CONSTANTS:
            self._stack.append(argument)
        elif opcode in _EMPTY:
            self._stack.append(_EMPTY[opcode]())
        elif opcode in _TUPLES:
            self._stack.append(self._last(_TUPLES[opcode]))
        elif opcode in _PUTS:
            self._memo[argument] = self._stack[-1]
        elif opcode in _GETS:
            self._stack.append(self._memo[argument])
        else:
            step = getattr(self, f"_{opcode.lower()}", None)
            if step is None:
                raise ValueError(opcode)
            step(argument)

    def _last(self, count: int) -> tuple[Any, ...]:
        start = len(self._stack) - count
        if start < 0:
            raise ValueError("the pickle takes more than it has put")
        taken = tuple(self._stack[start:])
        del self._stack[start:]
        return taken

    def _since_mark(self) -> tuple[Any, ...]:
        return self._last(len(self._stack) - self._marks.pop())

    def _proto(self, version: int) -> None:
        if version != 2:  # torch.save's; from 4 on a name may be a path of attributes, and the memo has no numbers
            raise ValueError(f"protocol {version}")

    def _stop(self, _argument: None) -> None:
        """The caller ends here."""

    def _mark(self, _argument: None) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self, _argument: None) -> None:
        self._stack.append(self._since_mark())

    def _append(self, _argument: None) -> None:
        self._extend(self._last(1))

    def _appends(self, _argument: None) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: Sequence[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise ValueError("append to what is no list")
        self._stack[-1].extend(items)

    def _setitem(self, _argument: None) -> None:
        self._set(self._last(2))

    def _setitems(self, _argument: None) -> None:
        self._set(self._since_mark())

    def _set(self, items: Sequence[Any]) -> None:
        holder = self._stack[-1]
        if not isinstance(holder, dict) and not (
            isinstance(holder, _Made) and holder.name == "collections.OrderedDict"
        ):
            raise ValueError("an item of what is no mapping")
        for key, value in zip(items[0::2], items[1::2], strict=True):
            if not isinstance(key, (str, int, float, type(None))):
                continue  # no key that anything is imported by
            if key == "_target_" and not (isinstance(value, str) and _TARGETS.fullmatch(value)):
                self.foreign.add(value if isinstance(value, str) else "(a _target_ that is no text)")
            elif str(key).startswith("__"):
                self.foreign.add(f"({key})")  # __class__ and the like: fields of a config have other names

    def _global(self, argument: str) -> None:
        name = argument.replace(" ", ".")
        self.names.add(name)
        allowed = any(kind.fullmatch(name) for kind in (_CLASSES, _CALLED, _FUNCTIONS, _VALUES))
        if not allowed or not _NAME.fullmatch(argument):
            self.foreign.add(name)
        self._stack.append(_Named(name))

    def _binpersid(self, _argument: None) -> None:
        """A storage of numbers, by its description: the description stays."""

    def _reduce(self, _argument: None) -> None:
        self._call()

    def _newobj(self, _argument: None) -> None:
        self._call()

    def _call(self) -> None:
        called, arguments = self._last(2)
        name = called.name if isinstance(called, _Named) else "(a call of what is no name)"
        if not _CLASSES.fullmatch(name) and not _CALLED.fullmatch(name):
            self.foreign.add(name)
        if name == "collections.OrderedDict" and arguments != ():  # its items would not be seen here
            self.foreign.add("(an OrderedDict of arguments)")
        self._stack.append(_Made(name))

    def _build(self, _argument: None) -> None:
        self._last(1)
        if not isinstance(self._stack[-1], _Made):
            raise ValueError("a state for what was not made")


def read_names(payload: bytes) -> tuple[set[str], set[str]]:
    """(every name that loading would import, what configs have no need of). Raises ValueError for what is no pickle."""
    reader = _Reader()
    for opcode, argument, _position in pickletools.genops(payload):
        try:
            reader.obey(opcode.name, argument)
        except ValueError as error:
            # whatever comes behind it: the file is not of the kind that upstream writes
            reader.foreign.add(f"({opcode.name}: {error})" if str(error) != opcode.name else f"({opcode.name})")
            break
        except (LookupError, TypeError) as error:
            raise ValueError(f"not a pickle: {error}") from error
    return reader.names, reader.foreign
