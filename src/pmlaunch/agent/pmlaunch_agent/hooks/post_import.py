"""Act on modules right after the script imports them, mostly by wrapping a function; never import them first."""

from __future__ import annotations

import functools
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable

from pmlaunch_agent.report.ending import error_text

Action = Callable[[ModuleType], None]
Function = Callable[..., Any]


class PostImportHooks:
    """A finder, first on sys.meta_path, that lets the other finders work and calls actions after the import.

    An import never fails because of an action: `on_error` is called with a sentence.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self._actions: dict[str, list[Action]] = {}
        self._beginnings: dict[str, Callable[[str], None]] = {}
        self._acted: set[str] = set()  # modules whose actions were called
        sys.meta_path.insert(0, self)

    def when_imported(self, name: str, action: Action) -> None:
        """Call `action(module)` once module `name` has been executed: immediately if it already has."""
        self._actions.setdefault(name, []).append(action)
        if name in sys.modules:
            self._acted.add(name)
            self._act(action, sys.modules[name])

    def when_importing(self, name: str, action: Callable[[str], None]) -> None:
        """Call `action(name)` right before module `name` is executed. It has to have an action of `when_imported`, too."""
        self._beginnings[name] = action

    def catch_up(self) -> None:
        """Come first on sys.meta_path again, and act on modules that were imported past this finder meanwhile.

        Kit puts a finder of its own first, which finds every module of its extensions.
        """
        sys.meta_path[:] = [self, *(finder for finder in sys.meta_path if finder is not self)]
        for name in self._actions.keys() - self._acted:
            module = sys.modules.get(name)
            if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
                self._executed(name, module)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the other finders find, with a loader that acts afterwards; None for modules without an action."""
        if name not in self._actions:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):  # namespace packages and very old loaders have none
                    actions = functools.partial(self._begins, name), functools.partial(self._executed, name)
                    spec.loader = _ActingLoader(spec.loader, *actions)  # type: ignore[assignment]
                return spec
        return None

    def _begins(self, name: str) -> None:
        if name in self._beginnings:
            self._beginnings[name](name)

    def _executed(self, name: str, module: ModuleType) -> None:
        self._acted.add(name)
        for action in self._actions[name]:
            self._act(action, sys.modules.get(name, module))  # a module may replace itself there

    def _act(self, action: Action, module: ModuleType) -> None:
        try:
            action(module)
        except Exception as error:
            self._on_error(f"a hook on {module.__name__} failed: {error_text(error)}")


class _ActingLoader:
    """Stands in for the real loader until the module is executed.

    It leaves the real one as it is, which in case of a zip file or the built-in modules serves many modules.
    """

    def __init__(self, loader: Any, begins: Callable[[], None], executed: Action) -> None:
        self._loader = loader
        self._begins = begins
        self._executed = executed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        create = getattr(self._loader, "create_module", None)
        return create(spec) if create else None

    def exec_module(self, module: ModuleType) -> None:
        # Restore the real loader first: importlib.resources and inspect look at it.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._begins()
        self._loader.exec_module(module)
        self._executed(module)


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
    """Replace `path` ("function" or "Class.method") below `holder` by `wrapper(it)`; a static method stays one.

    Raises AttributeError if there is none, TypeError if it is not a function or its class cannot be changed.
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
