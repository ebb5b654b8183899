"""Replace a function of a foreign module by one that does a little more."""

from __future__ import annotations

import functools
from typing import Any, Callable

Function = Callable[..., Any]


def before(function: Function, act: Function) -> Function:
    """Wrap `function` to call `act` first, with the same arguments."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        act(*args, **kwargs)
        return function(*args, **kwargs)

    return call


def after(function: Function, act: Function) -> Function:
    """Wrap `function` to call `act` with what it returned, and with its arguments, afterwards."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        returned = function(*args, **kwargs)
        act(returned, *args, **kwargs)
        return returned

    return call


def wrap_attribute(holder: Any, path: str, wrapper: Callable[[Function], Function]) -> None:
    """Replace `path` ("function" or "Class.method") below `holder` by `wrapper(it)`.

    Static methods and class methods stay what they are.

    Raises:
        AttributeError: there is no such attribute.
        TypeError: it is not a function, or its class cannot be changed.
    """
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    stored = [vars(owner)[name] for owner in getattr(holder, "__mro__", ()) if name in vars(owner)]
    found = stored[0] if stored else getattr(holder, name)  # a class method as such, not bound to its class
    if isinstance(found, (staticmethod, classmethod)):
        setattr(holder, name, type(found)(wrapper(found.__func__)))
    elif callable(found):
        setattr(holder, name, wrapper(found))
    else:
        raise TypeError(f"{path} is not a function")
