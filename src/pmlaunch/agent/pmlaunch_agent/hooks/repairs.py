"""Repairs for the Python that the script runs in: applied if needed, announced if they mattered."""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable, Iterable

from pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS
from pmlaunch_agent.hooks.post_import import PostImportHooks

NAMES = (MUTABLE_DATACLASS_DEFAULTS,)


def install(names: Iterable[str], hooks: PostImportHooks, repaired: Callable[[str], None]) -> None:
    """Install the repairs in `names` that this Python needs; unknown names are ignored.

    Args:
        names: of the repairs.
        hooks: where to install them.
        repaired: called with the name of every class that only exists because of the repair.
    """
    if MUTABLE_DATACLASS_DEFAULTS in names and sys.version_info >= (3, 11):
        hooks.when_imported("dataclasses", functools.partial(_allow_unhashable_defaults, repaired))


def _allow_unhashable_defaults(repaired: Callable[[str], None], dataclasses: Any) -> None:
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
            repaired(f"{cls.__module__}.{cls.__qualname__}")
        return made

    dataclasses._get_field = lenient
