"""Try whether a module imports."""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import Any

_STARTS_A_SIMULATOR = ("isaaclab", "isaacsim", "omni", "isaacgym")
_LONGEST = 2000  # characters of an error's text


def try_import(name: str) -> dict[str, Any]:
    """Import a module and report how it went; only locate one that would start a simulator.

    Returns {ok, imported, version, file, error, seconds}: if `imported` is False, `ok` means that it was found.
    """
    start = time.monotonic()
    answer: dict[str, Any] = {"ok": False, "imported": False, "version": None, "file": None, "error": None}
    package = name.partition(".")[0]
    try:
        if package in _STARTS_A_SIMULATOR:
            spec = importlib.util.find_spec(package)
            answer.update(ok=spec is not None, file=spec.origin if spec else None)
            if spec is None:
                answer["error"] = f"ModuleNotFoundError: No module named '{package}'"
        else:
            module = importlib.import_module(name)
            version = getattr(module, "__version__", None)
            answer.update(ok=True, imported=True, version=str(version) if version is not None else None)
            answer["file"] = getattr(module, "__file__", None)
    except (Exception, SystemExit) as error:
        answer["error"] = error_text(error)
    answer["seconds"] = round(time.monotonic() - start, 3)
    return answer


def error_text(error: BaseException) -> str:
    """Type and message of an error, cut to a sensible length."""
    return f"{type(error).__name__}: {error}"[:_LONGEST]
