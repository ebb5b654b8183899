"""Run a script or a module as `__main__`, as `python script.py` and `python -m module` do."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
import threading
import time
import types
from typing import Any, Sequence

from pmlaunch_agent.argument_secrets import reveal
from pmlaunch_agent.contract import Spec
from pmlaunch_agent.hooks.process_exit import report_crashes
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.journal import Journal

_FLUSH = 0.2  # seconds that a printed line may wait


def prepare(spec: Spec) -> None:
    """Set environment, output, sys.path and working directory. Raises OSError if there is no such directory."""
    _set_environment(spec)
    _prepare_streams()
    if sys.path and sys.path[0] in ("", os.getcwd()):  # put there by -m: nothing is imported from the current folder
        del sys.path[0]
    own = [os.path.dirname(spec.script)] if spec.script else []
    sys.path[:0] = own + [path for path in spec.import_path if path not in own + sys.path]
    sys.path.extend(path for path in spec.python_path if path not in sys.path)
    os.chdir(spec.cwd)


def customize(folders: Sequence[str], journal: Journal) -> None:
    """Run the sitecustomize.py of each folder, as Python does at its start for a folder in PYTHONPATH.

    Isaac Sim needs this to be importable. A failure does not end the run, as it would not end Python.
    """
    for folder in folders:
        path = os.path.join(folder, "sitecustomize.py")
        ran = getattr(sys.modules.get("sitecustomize"), "__file__", None) or ""
        if not os.path.isfile(path) or os.path.realpath(ran) == os.path.realpath(path):
            continue
        import runpy  # only few runs need it

        try:
            runpy.run_path(path, run_name="sitecustomize")
        except Exception as error:
            journal.remark(f"{path} failed: {error_text(error)}")
        else:
            journal.repaired("sitecustomize", path)


def _set_environment(spec: Spec) -> None:
    # Otherwise Hydra prints a shortened error and calls sys.exit(1), and the cause is lost.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    for name, value in spec.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    # Lightning starts rank 1 and up with this environment, and they must find the agent.
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    search_path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([home, *spec.import_path, *search_path]))


def _prepare_streams() -> None:
    """Make output UTF-8 that no character breaks, flush it regularly, and print a stack if native code crashes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # they are None without a console
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Five flushes per second: with line buffering, a million lines would cost a million system calls.
    threading.Thread(target=_flush_regularly, name="pmlaunch-flush", daemon=True).start()
    report_crashes()


def _flush_regularly() -> None:
    while True:
        time.sleep(_FLUSH)
        try:
            sys.stdout.flush()
        except (AttributeError, OSError, ValueError):  # None, a broken pipe or closed: up to the script
            pass


def run(spec: Spec) -> None:
    """Run the program; return when it ends, and raise whatever it raises.

    Every rank gets the spec's own arguments: those that Lightning adds for the others repeat Hydra's folder, in quotes
    that not every path survives.
    """
    argv = reveal(spec.argv, os.environ)
    if spec.script is not None:
        _run_script(spec.script, argv)
    elif spec.module is not None:
        import runpy  # only few runs need it

        sys.argv = [spec.module, *argv]
        runpy.run_module(spec.module, run_name="__main__", alter_sys=True)


def _run_script(path: str, argv: Sequence[str]) -> None:
    """Not runpy.run_path: that leaves `__main__` without `__spec__`, and Lightning would not start ranks as agents."""
    # Upstream scans sys.argv for the words robot and simulator, which the checkout's folder may contain.
    inside = os.path.relpath(path) if os.path.splitdrive(path)[0] == os.path.splitdrive(os.getcwd())[0] else path
    module = types.ModuleType("__main__")
    module.__spec__ = importlib.util.find_spec("pmlaunch_agent.relaunch")
    module.__package__ = None
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv = [path if inside.startswith(os.pardir) else inside, *argv]
    load_into(module.__dict__, path)


def load_into(namespace: dict[str, Any], path: str) -> None:
    """Execute the script at `path`, from which Hydra finds the configuration folder beside it, in `namespace`."""
    namespace["__file__"] = path
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, namespace)  # noqa: S102  # the program that the user asked for
