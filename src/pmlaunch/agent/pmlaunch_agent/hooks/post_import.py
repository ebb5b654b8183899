"""Act on a module right after the script imports it; never import it first."""

from __future__ import annotations

import functools
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable

Action = Callable[[ModuleType], None]


class PostImportHooks:
    """A finder, first on sys.meta_path, that lets the other finders work and calls actions after the import.

    Args:
        on_error: called with a sentence if an action fails. An import never fails because of an action.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self._actions: dict[str, list[Action]] = {}
        sys.meta_path.insert(0, self)

    def when_imported(self, name: str, action: Action) -> None:
        """Call `action(module)` once module `name` has been executed: immediately if it already has."""
        self._actions.setdefault(name, []).append(action)
        if name in sys.modules:
            self._act(action, sys.modules[name])

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
                    spec.loader = _ActingLoader(spec.loader, functools.partial(self._executed, name))  # type: ignore[assignment]
                return spec
        return None

    def _executed(self, name: str, module: ModuleType) -> None:
        for action in self._actions[name]:
            self._act(action, sys.modules.get(name, module))  # a module may replace itself there

    def _act(self, action: Action, module: ModuleType) -> None:
        try:
            action(module)
        except Exception as error:
            self._on_error(f"a hook on {module.__name__} failed: {type(error).__name__}: {error}")


class _ActingLoader:
    """A loader that stands in for the real one until the module is executed.

    It does not change the real loader, which in case of a zip file or the built-in modules serves many modules.
    """

    def __init__(self, loader: Any, executed: Action) -> None:
        self._loader = loader
        self._executed = executed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._loader, "create_module", None)
        module: ModuleType | None = create(spec) if create else None
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Restore the real loader first: importlib.resources and inspect look at it.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._executed(module)
