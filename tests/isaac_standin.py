"""Stand-ins for Isaac Sim and Isaac Lab, written by us: what their Python packages do to the process they run in.

    sim = make_isaac_sim(root, "5.1")     a binary Isaac Sim: importable only if <sim>/site/sitecustomize.py has run
    make_isaac_sim_of_pip(packages)       Isaac Sim in site-packages, whose EULA nobody has accepted
    make_isaac_lab(packages, "2.3")       Isaac Lab 2.1 to 2.3 or 3.0

What they share with the real ones, as their sources say:

    SimulationApp     installs a SIGINT handler that ends the process natively, with code 0 and no exception; enables
                      faulthandler; puts FastFinder first on sys.meta_path, intercepts sys.stdout and sys.stderr, and
                      replaces sys.exit by one that first posts a quit, after which the next update ends the process
    close()           ends the process natively, with code 0 unless `exit_code` says otherwise
    at exit           closes what was not closed
    AppLauncher 2.x   passes `kit_args` on; hides modules with "lab" in their name, and stdout, while Kit starts;
                      installs handlers for SIGTERM, SIGABRT and SIGSEGV that close the app
    AppLauncher 3.0   passes `kit_args` on; prints its marker on stderr; gives SIGINT back to Python; close() has a code
    Se2Keyboard       needs a cfg from 2.2 on; 3.0 defines Se2KeyboardCfg in a module of its own
    import isaacsim   (from pip) asks for the EULA: EOFError without a terminal, or in 6.x an exit with a message

Their faults are switched on by words in the environment variable ISAAC_STANDIN:

    hang-at-exit      closing at exit never ends
    hang-in-close     close() never ends
    return            close() returns, as without fast shutdown
"""

from __future__ import annotations

import textwrap
from pathlib import Path

FAULTS = "ISAAC_STANDIN"
"""The environment variable that holds the faults."""
MARKER = "[ISAACLAB] KitLauncher initialization complete"
EULA_MESSAGE = "EULA not accepted. Set OMNI_KIT_ACCEPT_EULA=YES to accept the EULA non-interactively."

_KIT = {
    "carb/__init__.py": """
        settings = {}
    """,
    "omni/__init__.py": "",
    "omni/kit/__init__.py": "",
    "omni/kit/app/__init__.py": '''
        """The native application, whose end Python does not see."""
        import os
        import signal
        import sys
        import time

        import carb


        class App:
            def __init__(self):
                self.arguments, self._code, self._running = [], 0, False

            def startup(self, arguments):
                self.arguments, self._running = list(arguments), True
                for argument in arguments:
                    if argument.startswith("--/"):
                        name, _, value = argument[2:].partition("=")
                        carb.settings[name] = value
                _take_over()

            def is_running(self):
                return self._running

            def post_quit(self, code=0):
                self._code, self._running = code, False

            def update(self):
                if not self._running:
                    self.shutdown()

            def shutdown(self):
                leave(self._code)


        def leave(code):
            """End the process as native code does: no exception, no atexit, nothing flushed."""
            import ctypes

            if os.name == "nt":
                kernel = ctypes.WinDLL("kernel32")
                kernel.TerminateProcess(ctypes.c_void_p(-1), int(code or 0))
            ctypes.CDLL(None)._exit(int(code or 0))


        def hang():
            """Wait as native code does that holds the GIL: no signal wakes it."""
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True:
                time.sleep(3600)


        class Interceptor:
            def __init__(self, stream):
                self._out = stream

            def write(self, text):
                self._out.write(text)

            def flush(self):
                self._out.flush()

            def __getattr__(self, name):
                return getattr(self._out, name)


        def _take_over():
            from omni.ext.fast_importer import FastFinder

            FastFinder.scan()
            sys.meta_path.insert(0, FastFinder)
            sys.stdout, sys.stderr = Interceptor(sys.__stdout__), Interceptor(sys.__stderr__)
            original = sys.exit

            def kit_exit(status=None):
                get_app().post_quit(status)
                original(status)

            sys.exit = kit_exit


        _app = App()


        def get_app():
            return _app
    ''',
    "omni/ext/__init__.py": "",
    "omni/ext/fast_importer.py": '''
        """Knows the files below the folders of sys.path that hold Isaac Lab, and is asked before every other finder."""
        import importlib.util
        import os
        import sys


        class FastFinder:
            modules = {}

            @classmethod
            def scan(cls):
                for folder in sys.path:
                    for place, _, names in os.walk(os.path.join(folder, "isaaclab", "devices")):
                        package = os.path.relpath(place, folder).replace(os.sep, ".")
                        for name in names:
                            if name == "__init__.py":
                                cls.modules.setdefault(package, os.path.join(place, name))
                            elif name.endswith(".py"):
                                cls.modules.setdefault(package + "." + name[:-3], os.path.join(place, name))

            @classmethod
            def find_spec(cls, name, path=None, target=None):
                known = cls.modules.get(name)
                return importlib.util.spec_from_file_location(name, known) if known else None
    ''',
    "isaacsim/simulation_app/__init__.py": """
        from .simulation_app import SimulationApp
    """,
    "isaacsim/simulation_app/simulation_app.py": '''
        """The class that starts Kit in this process."""
        import atexit
        import faulthandler
        import os
        import signal
        import sys

        import carb
        import omni.kit.app
        from omni.kit.app import hang, leave

        FAULTS = os.environ.get("ISAAC_STANDIN", "").split()


        class SimulationApp:
            def __init__(self, launch_config=None, experience=""):
                faulthandler.enable()
                self.config = dict(launch_config or {})
                self._exiting = False
                self._app = omni.kit.app.get_app()
                unknown = [argument for argument in sys.argv[1:] if argument.startswith("--")]
                self._app.startup(["--/app/fastShutdown=True", "--/app/installSignalHandlers=0", *unknown])
                atexit.register(self._atexit_close)

                def interrupted(number, frame):
                    leave(0)

                signal.signal(signal.SIGINT, interrupted)

            @property
            def app(self):
                return self._app

            def update(self):
                self._app.update()

            def is_running(self):
                return self._app.is_running() and not self._exiting

            def close(self, wait_for_replicator=True, skip_cleanup=False, exit_code=0):
                if self._exiting:
                    return
                self._exiting = True
                sys.stdout.flush()
                if "hang-in-close" in FAULTS:
                    hang()
                if "return" not in FAULTS:
                    leave(exit_code)

            def _atexit_close(self):
                if "hang-at-exit" in FAULTS:
                    hang()
                self.close(exit_code=1 if getattr(sys, "last_exc", None) is not None else 0)
    ''',
}

_FROM_FOLDER = """
    from isaacsim.simulation_app import SimulationApp
"""

_FROM_PIP = '''
    """Starts the kernel, which asks for the EULA."""
    import os
    import sys

    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "kit"))
    {bootstrap}
    from isaacsim.simulation_app import SimulationApp
'''
_BOOTSTRAPS = {
    "5": "import kit_app",
    "6": f"""try:
        import kit_app
    except EOFError:
        sys.exit("Unable to bootstrap inner kit kernel: {EULA_MESSAGE}")""",
}
_KIT_APP = '''
    """Asks once whether the user accepts the EULA."""
    import os


    def accepted(text):
        return text.strip().lower() in ("y", "yes", "1")


    def check_eula():
        file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "EULA_ACCEPTED")
        if accepted(os.environ.get("OMNI_KIT_ACCEPT_EULA", "N")):
            return
        if os.path.isfile(file) and accepted(open(file).readline()):
            return
        if not accepted(input("Do you accept the EULA? (Yes/No): ")):
            print("The EULA was not accepted.")
            exit()
        with open(file, "w") as written:
            written.write("yes")


    check_eula()
'''

_SITE = '''
    """Makes Isaac Sim importable; Python runs this at its start if the folder is on PYTHONPATH."""
    import os
    import sys

    sim = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir))
    sys.path.append(os.path.join(sim, "exts"))
    if hasattr(os, "add_dll_directory"):
        os.add_dll_directory(os.path.join(sim, "kit"))
'''

_LAUNCHER_2 = '''
    """The launcher of Isaac Lab 2.x."""
    import argparse
    import os
    import re
    import signal
    import sys

    from isaacsim import SimulationApp


    class AppLauncher:
        def __init__(self, launcher_args=None, **kwargs):
            if launcher_args is None:
                launcher_args = {}
            elif isinstance(launcher_args, argparse.Namespace):
                launcher_args = launcher_args.__dict__
            if not set(kwargs).isdisjoint(launcher_args):
                raise ValueError("common attributes")
            launcher_args.update(kwargs)
            kit_args = launcher_args.get("kit_args", "").split()
            sys.argv += kit_args
            hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if re.match(".*lab.*", name)}
            sys.stdout = open(os.devnull, "w")
            self._app = SimulationApp({"headless": bool(launcher_args.get("headless"))})
            sys.stdout = sys.__stdout__
            sys.modules.update(hidden)
            sys.argv = [argument for argument in sys.argv if argument not in kit_args]
            for name in ("SIGTERM", "SIGABRT", "SIGSEGV"):
                signal.signal(getattr(signal, name), self._aborted)

        @property
        def app(self):
            return self._app

        def _aborted(self, number, frame):
            self._app.close()
'''

_LAUNCHER_3 = f'''
    """The deprecated launcher of Isaac Lab 3.0, and what is behind it."""
    import argparse
    import atexit
    import signal
    import sys

    from isaacsim import SimulationApp


    class KitLauncher:
        def __init__(self, arguments):
            kit_args = arguments.get("kit_args", "").split()
            sys.argv += kit_args
            self._app = SimulationApp({{"headless": bool(arguments.get("headless"))}})
            sys.argv = [argument for argument in sys.argv if argument not in kit_args]
            print("{MARKER}", file=sys.__stderr__, flush=True)
            atexit.register(self._app._atexit_close)
            signal.signal(signal.SIGINT, signal.default_int_handler)

        def close(self, exit_code=0):
            before = signal.signal(signal.SIGINT, signal.SIG_DFL)
            try:
                self._app.update()
                self._app.close(exit_code=exit_code)
            finally:
                signal.signal(signal.SIGINT, before)


    class LaunchedApp:
        def __init__(self, launcher, app):
            self._launcher, self._app = launcher, app

        def close(self, *args, exit_code=0, **kwargs):
            self._launcher.close(exit_code)

        def is_exiting(self):
            return not self._app.is_running()

        def __getattr__(self, name):
            return getattr(self._app, name)


    class AppLauncher:
        def __init__(self, launcher_args=None, **kwargs):
            is_namespace = isinstance(launcher_args, argparse.Namespace)
            arguments = vars(launcher_args) if is_namespace else dict(launcher_args or {{}})
            arguments.update(kwargs)
            launcher = KitLauncher(arguments)
            import omni.kit.app

            self.app = LaunchedApp(launcher, omni.kit.app.get_app())
'''

_CFG = """
    from dataclasses import dataclass


    @dataclass
    class Se2KeyboardCfg:
        sim_device: str = "cpu"
        v_x_sensitivity: float = 0.8
"""
_KEYBOARD = """
    import carb

    class Se2Keyboard:
        def __init__(self, {parameter}):
            self.v_x_sensitivity = {value}

        def add_callback(self, key, function):
            pass
"""


def make_isaac_sim(root: Path, release: str = "5.1") -> Path:
    """Create a binary Isaac Sim, without an interpreter, in `root`; return `root`."""
    _write(root / "VERSION", f"{release}.0-standin\n")
    _write(root / "kit" / "README", "")
    _write(root / "site" / "sitecustomize.py", _SITE)
    _make_packages(root / "exts", _FROM_FOLDER)
    return root


def make_isaac_sim_of_pip(packages: Path, release: str = "5.1", *, accepted: bool = False) -> Path:
    """Create the Isaac Sim that pip installs into `packages`; return its folder. `accepted` is whether its EULA is."""
    bootstrap = _BOOTSTRAPS["6" if release.startswith("6") else "5"]
    _make_packages(packages, _FROM_PIP.replace("{bootstrap}", bootstrap))
    sim = packages / "isaacsim"
    _write(sim / "kit" / "kit_app.py", _KIT_APP)
    if accepted:
        _write(sim / "kit" / "EULA_ACCEPTED", "yes")
    _write(packages / f"isaacsim-{release}.0.dist-info" / "METADATA", f"Name: isaacsim\nVersion: {release}.0\n")
    _write(packages / f"isaacsim-{release}.0.dist-info" / "INSTALLER", "pip\n")
    return sim


def make_isaac_lab(packages: Path, release: str = "2.3") -> Path:
    """Create the package isaaclab in `packages`; return its folder."""
    three = release.startswith("3")
    lab = packages / "isaaclab"
    needs_cfg = release not in ("2.0", "2.1")
    keyboard = _KEYBOARD.replace("{parameter}", "cfg" if needs_cfg else "v_x_sensitivity=0.8")
    keyboard = keyboard.replace("{value}", "cfg.v_x_sensitivity" if needs_cfg else "v_x_sensitivity")
    home = lab / "devices" / "keyboard"
    for folder in (lab, lab / "devices", home):
        _write(folder / "__init__.py", "")
    _write(lab / "app" / "__init__.py", "from .app_launcher import AppLauncher\n")
    _write(lab / "app" / "app_launcher.py", _LAUNCHER_3 if three else _LAUNCHER_2)
    _write(
        home / "se2_keyboard.py", textwrap.dedent("" if three or not needs_cfg else _CFG) + textwrap.dedent(keyboard)
    )
    if three:
        _write(home / "se2_keyboard_cfg.py", _CFG)
    return lab


def _make_packages(folder: Path, isaacsim: str) -> None:
    for name, text in {**_KIT, "isaacsim/__init__.py": isaacsim}.items():
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8", newline="\n")
