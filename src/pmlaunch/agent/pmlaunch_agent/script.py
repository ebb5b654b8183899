"""Running a script or a module as `__main__`, the way `python script.py` and `python -m module` do."""

from __future__ import annotations

import builtins
import faulthandler
import importlib.util
import os
import sys
import threading
import time
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pmlaunch_agent.spec import Spec


_FLUSH = 0.2  # seconds that a printed line may wait


def prepare_streams() -> None:
    """Output in UTF-8 that no character breaks, and that soon leaves; a stack when native code crashes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None without a console
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # A buffer emptied five times a second: line buffering would cost a million lines a million system calls.
    threading.Thread(target=_flush_now_and_then, name="pmlaunch-flush", daemon=True).start()
    try:
        faulthandler.enable()
    except (AttributeError, OSError, ValueError):  # stderr is no real file
        pass


def _flush_now_and_then() -> None:
    while True:
        time.sleep(_FLUSH)
        try:
            sys.stdout.flush()
        except (AttributeError, OSError, ValueError):  # none, a broken pipe, or closed: the script's own affair
            pass


def prepare_paths(spec: Spec) -> None:
    """Folder and sys.path as the program expects them; a module finds nothing in the current folder by accident.

    Raises:
        OSError: the spec's cwd is not there.
    """
    put_there_by_m = sys.path and sys.path[0] in ("", os.getcwd())
    if put_there_by_m:
        del sys.path[0]
    own = [os.path.dirname(spec.script)] if spec.script else []
    sys.path[:0] = own + [path for path in spec.import_path if path not in own + sys.path]
    sys.path.extend(path for path in spec.python_path if path not in sys.path)
    if spec.cwd:
        os.chdir(spec.cwd)


def run(path: str, argv: list[str]) -> None:
    """Execute a script as `__main__`; returns at its end, and lets through whatever it raises.

    Not runpy.run_path: that gives `__main__` no `__spec__`, and Lightning would start the other ranks without
    the agent.
    """
    # Upstream scans sys.argv for the words robot and simulator, and a checkout's folder may hold them.
    inside = os.path.relpath(path) if os.path.splitdrive(path)[0] == os.path.splitdrive(os.getcwd())[0] else path
    module = types.ModuleType("__main__")
    module.__spec__ = importlib.util.find_spec("pmlaunch_agent.relaunch")
    module.__package__ = None
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv = [path if inside.startswith(os.pardir) else inside, *argv]
    load_into(module.__dict__, path)


def run_module(name: str, argv: list[str]) -> None:
    """Execute an installed module as `__main__`, as `python -m name` does; lets through whatever it raises."""
    import runpy  # only some runs need it

    sys.argv = [name, *argv]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def load_into(namespace: dict[str, Any], path: str) -> None:
    """Execute the script at `path` in `namespace`.

    Its code carries `path`, so that Hydra finds the configuration folder beside it.
    """
    namespace["__file__"] = path
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, namespace)
