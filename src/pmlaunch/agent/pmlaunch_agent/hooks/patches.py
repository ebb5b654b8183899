"""Change what the script imports: keyword arguments, Lightning's backend, and a repair for newer Pythons."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any, Callable, Iterable

from pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS, ArgumentPoint
from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, wrap_attribute
from pmlaunch_agent.report.journal import Journal

REPAIRS = (MUTABLE_DATACLASS_DEFAULTS,)
_BACKEND = "process_group_backend"  # present in every Lightning 2.x
_DDP_MODULES = (
    "lightning.fabric.strategies.ddp",
    "lightning.pytorch.strategies.ddp",
    "lightning_fabric.strategies.ddp",
    "pytorch_lightning.strategies.ddp",
)


def repair(names: Iterable[str], hooks: PostImportHooks, repaired: Callable[[str, str], None]) -> None:
    """Install those of REPAIRS that are in `names` and that this Python needs.

    `repaired` is called with the repair and the name of every class that only exists because of it.
    """
    if MUTABLE_DATACLASS_DEFAULTS in names and sys.version_info >= (3, 11):
        hooks.when_imported("dataclasses", functools.partial(_allow_unhashable_defaults, repaired))


def _allow_unhashable_defaults(repaired: Callable[[str, str], None], dataclasses: Any) -> None:
    """Restore the rule of Python 3.10: only list, dict and set are refused as default values.

    Python 3.11 refuses every unhashable value, among them the instances of plain dataclasses that ProtoMotions 2 uses:
    "mutable default <class '...PlaneConfig'> for field plane is not allowed".
    """
    get_field = dataclasses._get_field

    @functools.wraps(get_field)
    def lenient(cls: type, name: str, *args: Any, **kwargs: Any) -> Any:
        field = getattr(cls, name, dataclasses.MISSING)
        default = field.default if isinstance(field, dataclasses.Field) else field
        if type(default).__hash__ is not None or isinstance(default, (list, dict, set)):
            return get_field(cls, name, *args, **kwargs)
        if field is default:
            # This is what `name: T = default` means; dataclasses puts the plain value back afterwards.
            field = dataclasses.field(default=default)
            setattr(cls, name, field)
        field.default = None  # hashable while dataclasses checks it
        try:
            made = get_field(cls, name, *args, **kwargs)
        finally:
            field.default = default
        if made._field_type is dataclasses._FIELD:  # ClassVar and InitVar were never refused
            repaired(MUTABLE_DATACLASS_DEFAULTS, f"{cls.__module__}.{cls.__qualname__}")
        return made

    dataclasses._get_field = lenient


def set_arguments(points: Iterable[ArgumentPoint], hooks: PostImportHooks, journal: Journal) -> None:
    """Set keyword arguments that the script has no option for, such as Lightning's number of devices."""
    for point in points:
        hooks.when_imported(point.module, functools.partial(_set_values, journal, point))


def _set_values(journal: Journal, point: ArgumentPoint, module: ModuleType) -> None:
    def wrapper(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs.update(point.values)
            journal.applied("arguments", attribute=point.attribute, values=point.values)
            return function(*args, **kwargs)

        return call

    wrap_attribute(module, point.attribute, wrapper)


def set_backend(backend: str, hooks: PostImportHooks, journal: Journal) -> None:
    """Make `backend` the default of DDPStrategy: Windows has no nccl."""
    for name in _DDP_MODULES:
        hooks.when_imported(name, functools.partial(_set_default, backend, journal))


def _set_default(backend: str, journal: Journal, module: ModuleType) -> None:
    """Wrap DDPStrategy: Lightning takes nccl for CUDA by default, and no environment variable changes that."""

    def wrapper(init: Function) -> Function:
        position = init.__code__.co_varnames.index(_BACKEND)

        @functools.wraps(init)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            by_position = len(args) >= position
            if not by_position and kwargs.get(_BACKEND) is None:
                kwargs[_BACKEND] = backend
                journal.applied("ddp_backend", backend=backend, module=module.__name__)
            elif kwargs.get(_BACKEND, backend) != backend:
                journal.note(f"the script itself asks for {_BACKEND}={kwargs[_BACKEND]!r}, which wins")
            init(self, *args, **kwargs)

        return __init__

    wrap_attribute(module, "DDPStrategy.__init__", wrapper)
