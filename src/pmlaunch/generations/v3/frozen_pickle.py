"""What loading the pickle of ProtoMotions 3's frozen configs would name, call and instantiate; nothing is executed.

The rules allow what upstream's own files need: the configs' classes, enums, tensors and OrderedDict may be called;
functions of the environments may be named as values. A module's place inside ProtoMotions makes no name harmless,
because its attributes include whatever it imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pmlaunch.support.pickle_walk import PLAIN_OPCODES, Item, Step, UnexpectedOpcodeError, walk

_OURS = r"protomotions\.(?!utils\.|assets\.|cli\.|tests\.|train_|inference_)[\w.]+|examples\.experiments\.[\w.]+"
# may be called: classes of configs and their enums; FieldPath and MdpComponent name the terms of an environment
_CLASSES = re.compile(
    rf"({_OURS})\.([A-Z]\w*(Config|Params|Info|Method|Mode|Type)|FieldPath|MdpComponent|RolloutActor)"
)
_CALLED = re.compile(
    r"collections\.OrderedDict|torch\._utils\._rebuild_tensor_v2|torch\.(Size|device)|pathlib\.(Pure)?(Posix|Windows)?Path"
    r"|argparse\.Namespace|builtins\.(set|frozenset|slice|complex|range)"
)
# may be named as a value; get_class and instantiate import and call whatever a text says
_FUNCTIONS = re.compile(
    r"(protomotions\.envs\.[\w.]+|examples\.experiments\.[\w.]+)\.(?!get_class$|instantiate$|import_)[a-z_]\w*"
)
_VALUES = re.compile(r"torch\.(\w+Storage|dtype|float\w*|int\w*|bool|bfloat16)")
_TARGETS = re.compile(r"(protomotions|lightning|torch\.optim|torch\.nn)\.[\w.]+")
_NAME = re.compile(r"[\w.]+ \w+")

_OPCODES = PLAIN_OPCODES | {"NEWOBJ"}  # no MEMOIZE or STACK_GLOBAL: in protocol 4 a name may be a path of attributes
_CALLS = ("REDUCE", "NEWOBJ")
_DICT = "collections.OrderedDict"


def read_names(payload: bytes) -> tuple[set[str], set[str]]:
    """Return every name that loading would import, and what configs do not need: names, or (descriptions).

    Reading stops at the first step that torch.save does not write for configs, which counts as foreign.

    Raises:
        ValueError: the payload is not a pickle, or too long, and does nothing foreign before it breaks off.
    """
    names: set[str] = set()
    foreign: set[str] = set()
    try:
        for step in walk(payload, _OPCODES):
            if step.result and step.result.name:
                names.add(step.result.name)
            foreign.update(_foreign(step))
    except UnexpectedOpcodeError as error:
        foreign.add(f"({error.summary})")
    except ValueError:
        if not foreign:
            raise
    return names, foreign


def _foreign(step: Step) -> Iterator[str]:
    """What one step does that configs do not need. Raises UnexpectedOpcodeError where the rest cannot be judged."""
    holder = step.operands[0] if step.operands else None
    if step.opcode == "PROTO" and step.argument != 2:
        raise UnexpectedOpcodeError("PROTO", f"protocol {step.argument}")
    if step.opcode == "GLOBAL" and step.result and step.result.name:
        name = step.result.name
        allowed = any(kind.fullmatch(name) for kind in (_CLASSES, _CALLED, _FUNCTIONS, _VALUES))
        if not allowed or not _NAME.fullmatch(str(step.argument)):
            yield name
    elif step.opcode in _CALLS:
        yield from _foreign_call(*step.operands)
    elif holder and step.opcode in ("APPEND", "APPENDS") and holder.opcode != "EMPTY_LIST":
        raise UnexpectedOpcodeError(step.opcode, "not a list")
    elif holder and step.opcode in ("SETITEM", "SETITEMS"):
        if holder.opcode != "EMPTY_DICT" and not _is_call_of(holder, _DICT):
            raise UnexpectedOpcodeError(step.opcode, "not a mapping")
        yield from _foreign_items(step.operands[1:])
    elif holder and step.opcode == "BUILD" and holder.opcode not in _CALLS:
        raise UnexpectedOpcodeError("BUILD", "not an instance made here")


def _foreign_call(called: Item, arguments: Item) -> Iterator[str]:
    name = called.name or "(a call of something without a name)"
    if not _CLASSES.fullmatch(name) and not _CALLED.fullmatch(name):
        yield name
    if name == _DICT and arguments.opcode != "EMPTY_TUPLE":  # its items would not be seen here
        yield "(an OrderedDict with arguments)"


def _foreign_items(items: Sequence[Item]) -> Iterator[str]:
    """Items of a mapping whose `_target_` upstream would import and call, or that set special attributes."""
    for key, value in zip(items[0::2], items[1::2], strict=True):
        name = key.text if key.is_text else None
        if name == "_target_" and not (value.is_text and _TARGETS.fullmatch(value.text or "")):
            yield value.text if value.is_text and value.text else "(a _target_ that is not text)"
        elif name and name.startswith("__"):
            yield f"({name})"  # __class__ and the like; fields of a config have other names


def _is_call_of(item: Item, name: str) -> bool:
    return item.opcode in _CALLS and item.operands[0].name == name
