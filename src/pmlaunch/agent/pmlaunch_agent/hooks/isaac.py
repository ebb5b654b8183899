"""Isaac Sim and Isaac Lab: repairs of what they do to the process, and of what ProtoMotions 2.3 expects of them.

`SimulationApp` installs a SIGINT handler that ends the process natively, so a polite stop would never reach the script.
It replaces sys.exit by one that first tells Kit to quit, so the next picture would end the process before a motion or a
video is written. `AppLauncher` 2.x handles SIGTERM, SIGABRT and SIGSEGV in Python: on Linux a crash then repeats forever.
All of these get their earlier handler back. `SimulationApp.close()` may end the process with exit code 0 while an
exception is propagating, so the result is written first.
"""

from __future__ import annotations

import functools
import importlib
import signal
import sys
import threading
from types import ModuleType
from typing import Any

from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, before, wrap_attribute
from pmlaunch_agent.hooks.process_exit import report_crashes, report_ending
from pmlaunch_agent.report.journal import Journal

# where Isaac Sim 4, 5 and older define or re-export SimulationApp
_SIMULATION_APP = (
    "isaacsim.simulation_app.simulation_app",
    "isaacsim.simulation_app",
    "isaacsim",
    "omni.isaac.kit.simulation_app",
    "omni.isaac.kit",
)
_APP_LAUNCHER = "isaaclab.app.app_launcher"
_KEYBOARD = "isaaclab.devices.keyboard.se2_keyboard"
_SIMULATOR = "protomotions.simulator.isaaclab.simulator"
_SIGNALS = ("SIGINT", "SIGBREAK", "SIGTERM", "SIGABRT", "SIGSEGV")
_HANG_DETECTOR_OFF = "--/app/hangDetector/enabled=false"


def install(hooks: PostImportHooks, journal: Journal, recording: bool) -> None:
    """Install the repairs. If `recording`, Kit's hang detector is off: it would not survive the writing of a video."""
    for name in _SIMULATION_APP:
        hooks.when_imported(name, functools.partial(_wrap_simulation_app, hooks, journal))
    hooks.when_imported(_APP_LAUNCHER, functools.partial(_wrap_app_launcher, hooks, journal, recording))
    hooks.when_imported(_KEYBOARD, functools.partial(_allow_missing_cfg, journal))
    # no extension of Kit's, but it imports modules of such, which Kit's finder may have found before
    hooks.when_imported(_SIMULATOR, lambda _: hooks.catch_up())


def kit_is_loaded() -> bool:
    """Whether Isaac Sim's Kit is in this process."""
    return "omni.kit.app" in sys.modules or "carb" in sys.modules


def _wrap_simulation_app(hooks: PostImportHooks, journal: Journal, module: Any) -> None:
    kind = getattr(module, "SimulationApp", None)
    if not isinstance(kind, type) or "_pmlaunch_wrapped" in vars(kind):  # the same class, seen in another module
        return
    kind._pmlaunch_wrapped = True  # type: ignore[attr-defined]
    wrap_attribute(kind, "close", lambda close: before(close, lambda *_args, **_kwargs: report_ending(journal)))
    wrap_attribute(kind, "__init__", functools.partial(_restoring, hooks, journal))
    journal.applied("simulation_app_close", module=module.__name__)


def _wrap_app_launcher(hooks: PostImportHooks, journal: Journal, recording: bool, module: ModuleType) -> None:
    wrap_attribute(module, "AppLauncher.__init__", functools.partial(_restoring, hooks, journal))
    if recording:
        wrap_attribute(module, "AppLauncher.__init__", functools.partial(_without_hang_detector, journal))


def _restoring(hooks: PostImportHooks, journal: Journal, init: Function) -> Function:
    """Wrap an `__init__` to restore what it displaces: signal handlers, sys.exit, the first place among the finders."""

    @functools.wraps(init)
    def __init__(*args: Any, **kwargs: Any) -> None:  # noqa: N807
        earlier = {name: signal.getsignal(getattr(signal, name)) for name in _SIGNALS if hasattr(signal, name)}
        leave = sys.exit
        journal.event("simulator_starting")
        init(*args, **kwargs)
        journal.event("simulator_started")
        hooks.catch_up()
        if sys.exit is not leave:
            sys.exit = leave
            journal.repaired("restored", "sys.exit")
        if threading.current_thread() is threading.main_thread():  # only there can handlers be set
            for name, handler in earlier.items():
                if signal.getsignal(getattr(signal, name)) is not handler:
                    # None: native code had installed one, which Python cannot install again
                    signal.signal(getattr(signal, name), signal.SIG_DFL if handler is None else handler)
                    journal.repaired("restored", name)
        report_crashes()

    return __init__


def _without_hang_detector(journal: Journal, init: Function) -> Function:
    """Wrap AppLauncher's `__init__` to pass Kit an option. It takes a dict, a namespace or nothing, and keywords."""

    @functools.wraps(init)
    def __init__(self: Any, launcher_args: Any = None, **kwargs: Any) -> None:  # noqa: N807
        given = launcher_args if isinstance(launcher_args, dict) else vars(launcher_args) if launcher_args else {}
        target = given if "kit_args" in given else kwargs  # it refuses an argument that both have
        target["kit_args"] = f"{target.get('kit_args') or ''} {_HANG_DETECTOR_OFF}".strip()
        init(self, launcher_args, **kwargs)
        journal.repaired("hang_detector", f"off while a video is written ({_HANG_DETECTOR_OFF})")

    return __init__


def _allow_missing_cfg(journal: Journal, module: Any) -> None:
    """Let `Se2Keyboard()` work without its cfg, which it needs since Isaac Lab 2.2: ProtoMotions 2.3 passes none."""
    import inspect  # not at the start of every run

    cfg = inspect.signature(module.Se2Keyboard.__init__).parameters.get("cfg")
    if cfg is None or cfg.default is not cfg.empty:
        return

    def wrapper(init: Function) -> Function:
        @functools.wraps(init)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            if not args and "cfg" not in kwargs:
                inside = hasattr(module, "Se2KeyboardCfg")  # since 3.0 it has a module of its own
                place = module if inside else importlib.import_module(f"{module.__name__}_cfg")
                kwargs["cfg"] = place.Se2KeyboardCfg()
                journal.repaired("keyboard", "Se2Keyboard() without its cfg")
            init(self, *args, **kwargs)

        return __init__

    wrap_attribute(module, "Se2Keyboard.__init__", wrapper)
