"""Replace a function of a foreign module by one that does a little more."""

from __future__ import annotations

from typing import Any, Callable

Function = Callable[..., Any]
Wrapper = Callable[[Function], Function]


def wrap_attribute(holder: Any, path: str, wrapper: Wrapper) -> None:
    """Replace `path` ("function" or "Class.method") below `holder` by `wrapper(it)`.

    Static methods and class methods stay what they are.

    Raises:
        AttributeError: there is no such attribute.
        TypeError: it is not a function, or its class cannot be changed.
    """
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    found = _raw_attribute(holder, name)
    if isinstance(found, (staticmethod, classmethod)):
        setattr(holder, name, type(found)(wrapper(found.__func__)))
    elif callable(found):
        setattr(holder, name, wrapper(found))
    else:
        raise TypeError(f"{path} is not a function")


def _raw_attribute(holder: Any, name: str) -> Any:
    """The attribute as it is stored: a class method as a classmethod object, not bound to its class."""
    for owner in getattr(holder, "__mro__", ()):
        if name in vars(owner):
            return vars(owner)[name]
    return getattr(holder, name)
