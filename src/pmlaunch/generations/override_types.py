"""Compare the type of an override's value with that of the value it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pmlaunch.model import Finding, Severity

# what a config may hold as null, by the last part of its key
_KNOWN: Mapping[str, object] = {"num_envs": 1, "max_eval_steps": 1, "seed": 1, "ngpu": 1, "headless": True}


def wrong_type(key: str, old: Any, new: Any, typed: str) -> Finding | None:
    """PML022 if `new` cannot replace `old`, the config's own value; None if it can, or if nothing is known.

    Null and interpolations fit everywhere. `typed` is the value as the user wrote it.
    """
    if new is None or (isinstance(new, str) and "${" in new):
        return None
    if old is None:
        old = _KNOWN.get(key.rpartition(".")[2])
    if isinstance(old, Mapping):
        fits, kind = isinstance(new, Mapping), "a group of values: set one of its keys"
    elif isinstance(old, bool):
        fits, kind = isinstance(new, bool) or new in (0, 1), "true or false"
    elif isinstance(old, (int, float)):
        fits, kind = isinstance(new, (int, float)) and not isinstance(new, bool), "a number"
    else:
        return None
    if fits:
        return None
    message = f"{key} cannot be {typed!r}: it is {kind}."
    example = f"{key}.{next(iter(old), 'KEY')}=VALUE" if isinstance(old, Mapping) else f"{key}={str(old).lower()}"
    return Finding("PML022", Severity.ERROR, message, example, subject=key)
