"""What loading the pickle of ProtoMotions 3's frozen configs would name, call and instantiate; nothing is executed.

The rules allow what upstream's own files need: the configs' classes, enums, tensors and OrderedDict may be called;
functions of the environments may be named as values. A module's place inside ProtoMotions makes no name harmless,
because its attributes include whatever it imported: what `PickledNames` lists as ProtoMotions' own must be defined there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from pmlaunch.generations.source_names import KNOWN_TARGETS
from pmlaunch.support.safe_pickle import PLAIN_OPCODES, Named, RestrictedUnpickler, UnexpectedOpcodeError

_OURS = r"protomotions\.(?!utils\.|assets\.|cli\.|tests\.|train_|inference_)[\w.]+|examples\.experiments\.[\w.]+"
# may be called: classes of configs and their enums; FieldPath and MdpComponent name the terms of an environment
_CALLED = re.compile(
    rf"({_OURS})\.([A-Z]\w*(Config|Params|Info|Method|Mode|Type)|FieldPath|MdpComponent|RolloutActor)"
    r"|collections\.OrderedDict|torch\._utils\._rebuild_tensor_v2|torch\.(Size|device)"
    r"|pathlib\.(Pure)?(Posix|Windows)?Path|argparse\.Namespace|(builtins|__builtin__)\.(set|frozenset|slice|complex|range)"
)
# Pythons 3.11.0 to 3.11.3 save a member of an enum as getattr(ENUM, "NAME"); protocol 2 has Python 2's name for builtins
_GETATTR = "__builtin__.getattr"
_ENUMS = re.compile(rf"({_OURS})\.([A-Z]\w*(Method|Mode|Type)|RolloutActor)")
_MEMBER = re.compile(r"[A-Z][A-Z0-9_]*")
# may be named as a value; get_class and instantiate import and call whatever a text says
_VALUES = re.compile(
    r"(protomotions\.envs\.[\w.]+|examples\.experiments\.[\w.]+)\.(?!get_class$|instantiate$|import_)[a-z_]\w*"
    r"|torch\.(\w+Storage|dtype|float\w*|int\w*|bool|bfloat16)"
)
_OWN = re.compile(_OURS)
_DICT = "collections.OrderedDict"


@dataclass(frozen=True)
class PickledNames:
    """What loading would import: every name, those of ProtoMotions that are called, and those that are values.

    `foreign` is what configs do not need: names, or (descriptions).
    """

    names: frozenset[str]
    called: frozenset[str]
    values: frozenset[str]
    foreign: frozenset[str]


def read_names(payload: bytes) -> PickledNames:
    """Return what loading would import.

    What is foreign includes the first step that torch.save does not write for configs, where reading stops. Raises
    ValueError if the payload is not a pickle, or too long, and does nothing foreign before it breaks off.
    """
    reader = _ConfigReader(payload)
    try:
        reader.load()
    except UnexpectedOpcodeError as error:
        reader.foreign.add(f"({error.summary})")
    except ValueError:
        if not reader.foreign:
            raise
    if reader.uncalled:
        reader.foreign.add(_GETATTR)
    targets = {target for target in reader.targets if target not in KNOWN_TARGETS}
    reader.foreign |= {target for target in targets if not target.startswith("protomotions.")}
    own = {name for name in reader.names if _OWN.match(name)}
    values = frozenset((own - reader.called | targets) - reader.foreign)
    return PickledNames(frozenset(reader.names), frozenset(reader.called & own), values, frozenset(reader.foreign))


class _Instance:
    """Stand-in for what a call makes. It takes a state, which only a mapping that was judged can hold."""

    def __init__(self, foreign: set[str], targets: set[str]) -> None:
        self._foreign, self._targets = foreign, targets

    def __setstate__(self, state: object) -> None: ...

    def __call__(self, *_: object) -> _Instance:
        self._foreign.add("(a call of something without a name)")
        return self

    def append(self, _: object) -> NoReturn:
        raise UnexpectedOpcodeError("APPEND", "not a list")


class _Mapping(_Instance, dict[object, object]):
    """Judges items: upstream would import and call a `_target_`, and `__class__` and the like are no fields."""

    def __setitem__(self, key: object, value: object) -> None:
        text = value if isinstance(value, str) else ""
        if key == "_target_":
            (self._targets if text else self._foreign).add(text or "(a _target_ that is not text)")
        elif isinstance(key, str) and key.startswith("__"):
            self._foreign.add(f"({key})")


class _ConfigReader(RestrictedUnpickler):
    """Collects the names in a pickle, and what it does that configs do not need."""

    opcodes = PLAIN_OPCODES | {"NEWOBJ"}  # no MEMOIZE or STACK_GLOBAL: in protocol 4 a name may be a path of attributes
    fillable = (_Instance,)

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self.names: set[str] = set()
        self.foreign: set[str] = set()
        self.called: set[str] = set()
        self.targets: set[str] = set()
        self.uncalled = 0  # how often getattr came onto the stack, less its harmless calls: it has no other use
        self._getattr = Named(_GETATTR, self._member_of)

    def find_class(self, module: str, name: str) -> Named:
        full = f"{module}.{name}"
        self.names.add(full)
        if full == _GETATTR:
            self.uncalled += 1
            return self._getattr
        if "." in name or not (_CALLED.fullmatch(full) or _VALUES.fullmatch(full)):
            self.foreign.add(full)
        return Named(full, partial(self._call, full))

    def persistent_load(self, description: object) -> None:
        """Leave tensors without their numbers."""

    def _call(self, name: str, *arguments: object) -> object:
        if not _CALLED.fullmatch(name):
            self.foreign.add(name)
        self.called.add(name)
        if name != _DICT:
            return _Instance(self.foreign, self.targets)
        if arguments:  # its items would not be seen here
            self.foreign.add("(an OrderedDict with arguments)")
        return _Mapping(self.foreign, self.targets)

    def _member_of(self, *arguments: object) -> object:
        """Call getattr, which is harmless for a member of an enum."""
        match arguments:
            case (Named() as owner, str(member)) if _ENUMS.fullmatch(owner.name) and _MEMBER.fullmatch(member):
                self.uncalled -= 1
            case _:
                self.foreign.add(_GETATTR)
        return object()

    def _load_binget(self) -> None:
        super().load_binget()  # type: ignore[misc]  # typeshed leaves out the unpickler written in Python
        self.uncalled += self.stack[-1] is self._getattr

    def _load_long_binget(self) -> None:
        super().load_long_binget()  # type: ignore[misc]
        self.uncalled += self.stack[-1] is self._getattr

    def _load_proto(self) -> None:
        (protocol,) = self.read(1)
        if protocol != 2:
            raise UnexpectedOpcodeError("PROTO", f"protocol {protocol}")

    def _load_empty_dictionary(self) -> None:
        self.append(_Mapping(self.foreign, self.targets))

    def _load_newobj(self) -> None:
        self._load_reduce()
