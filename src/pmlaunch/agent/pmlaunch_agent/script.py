"""Run a script or a module as `__main__`, as `python script.py` and `python -m module` do."""

from __future__ import annotations

import builtins
import faulthandler
import importlib.util
import os
import sys
import threading
import time
import types
from typing import Any, Sequence

from pmlaunch_agent.contract import Spec

_FLUSH = 0.2  # seconds that a printed line may wait


def prepare_streams() -> None:
    """Make output UTF-8 that no character breaks, flush it regularly, and print a stack if native code crashes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # they are None without a console
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Five flushes per second: with line buffering, a million lines would cost a million system calls.
    threading.Thread(target=_flush_regularly, name="pmlaunch-flush", daemon=True).start()
    try:
        faulthandler.enable()
    except (AttributeError, OSError, ValueError):  # stderr is not a real file
        pass


def _flush_regularly() -> None:
    while True:
        time.sleep(_FLUSH)
        try:
            sys.stdout.flush()
        except (AttributeError, OSError, ValueError):  # None, a broken pipe or closed: up to the script
            pass


def prepare_paths(spec: Spec) -> None:
    """Set working directory and sys.path as the program expects; a module imports nothing from the current folder.

    Raises:
        OSError: the spec's cwd does not exist.
    """
    put_there_by_m = sys.path and sys.path[0] in ("", os.getcwd())
    if put_there_by_m:
        del sys.path[0]
    own = [os.path.dirname(spec.script)] if spec.script else []
    sys.path[:0] = own + [path for path in spec.import_path if path not in own + sys.path]
    sys.path.extend(path for path in spec.python_path if path not in sys.path)
    os.chdir(spec.cwd)


def run_script(path: str, argv: Sequence[str]) -> None:
    """Execute a script as `__main__`; return when it ends, and raise whatever it raises.

    Not runpy.run_path: that leaves `__main__` without `__spec__`, and Lightning would start the other ranks without
    the agent.
    """
    # Upstream scans sys.argv for the words robot and simulator, which the checkout's folder may contain.
    inside = os.path.relpath(path) if os.path.splitdrive(path)[0] == os.path.splitdrive(os.getcwd())[0] else path
    module = types.ModuleType("__main__")
    module.__spec__ = importlib.util.find_spec("pmlaunch_agent.relaunch")
    module.__package__ = None
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv = [path if inside.startswith(os.pardir) else inside, *argv]
    load_into(module.__dict__, path)


def run_module(name: str, argv: Sequence[str]) -> None:
    """Execute an installed module as `__main__`, as `python -m name` does; raise whatever it raises."""
    import runpy  # only few runs need it

    sys.argv = [name, *argv]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def load_into(namespace: dict[str, Any], path: str) -> None:
    """Execute the script at `path` in `namespace`.

    Its code object carries `path`, from which Hydra finds the configuration folder beside it.
    """
    namespace["__file__"] = path
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, namespace)  # noqa: S102  # the program that the user asked for
