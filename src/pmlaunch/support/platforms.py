"""What an operating system changes: the process group's backend, the environment, how a path is written.

Planning asks one of these, never `os.name`: so a plan for Windows can be made, and tested, on any machine.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pmlaunch.errors import PmlaunchError

LONG_PATHS_KEY = r"SYSTEM\CurrentControlSet\Control\FileSystem"
# Windows allows 259 characters for a path unless long paths are switched on. Of these a run takes 20 for its time and
# number, at least 62 for model and motion (shortened to what is left), and 27 for its longest file with separators.
LONGEST_RUNS = 150
"""Characters of the folder of the runs on Windows."""
SHORTEST_NAMES = 259 - LONGEST_RUNS - 20 - 27
"""Characters that are left for model and motion where the folder of the runs is as long as it may be."""


@dataclass(frozen=True)
class Platform:
    """One operating system as a launch sees it.

    `ddp_backend` is None where Lightning's own choice is right. `environment` holds what every child gets;
    `path_separator` joins PYTHONPATH; `pure_path` is the flavour that a path is written in.
    """

    name: str
    ddp_backend: str | None
    isaaclab_script: str
    path_separator: str
    pure_path: type[PurePosixPath] | type[PureWindowsPath]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """Whether this is not the system that pmlaunch is running on."""
        return self.name != current_name()

    def has_display(self, environment: Mapping[str, str]) -> bool:
        """Whether a window can open, as far as the environment tells."""
        return self.name == "windows" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))

    def streams(self, environment: Mapping[str, str]) -> bool:
        """Whether Isaac Lab is told to show its window elsewhere, which needs no display here."""
        return any(environment.get(name, "0") not in ("", "0", "-1") for name in ("LIVESTREAM", "ENABLE_LIVESTREAM"))

    def path_text(self, path: Path, cwd: Path) -> str:
        """`path` as it should stand on the target's command line.

        On the own system that is the absolute path. For another system the paths of this machine mean
        nothing, so what lies in the checkout is written relative to it: the run starts there.
        """
        if not self.foreign:
            return str(path)
        try:
            inside = path.relative_to(cwd)
        except ValueError:
            return str(path)
        return str(self.pure_path(*inside.parts))


# UTF-8 everywhere: redirected output is cp1252 or cp936 otherwise, and a check mark ends the run.
_EVERYWHERE = {"PYTHONUTF8": "1"}

PLATFORMS: Mapping[str, Platform] = {
    "windows": Platform(
        name="windows",
        # Windows builds of torch have no NCCL, which Lightning asks for on a GPU even with one device.
        ddp_backend="gloo",
        isaaclab_script="isaaclab.bat",
        path_separator=";",
        pure_path=PureWindowsPath,
        # torch 2.4 to 2.6 ask TCPStore for libuv, which Windows builds lack.
        environment={**_EVERYWHERE, "USE_LIBUV": "0"},
    ),
    "linux": Platform(
        name="linux",
        ddp_backend=None,
        isaaclab_script="isaaclab.sh",
        path_separator=":",
        pure_path=PurePosixPath,
        environment=_EVERYWHERE,
    ),
}


def current_name() -> str:
    """The entry of `PLATFORMS` that this machine is; every POSIX system counts as linux."""
    return "windows" if os.name == "nt" else "linux"


def platform_named(name: str | None) -> Platform:
    """The platform called `name`, or this machine's when None. Raises PML001 for any other name."""
    if name is None:
        return PLATFORMS[current_name()]
    try:
        return PLATFORMS[name.casefold()]
    except KeyError:
        choices = " or ".join(PLATFORMS)
        raise PmlaunchError("PML001", f"--target-os cannot be {name!r}: it is {choices}.") from None


def long_paths_of_windows() -> bool | None:
    """LongPathsEnabled of the registry; None where it cannot be read."""
    try:
        winreg: Any = importlib.import_module("winreg")
    except ImportError:
        return None
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, LONG_PATHS_KEY) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except FileNotFoundError:
        return False
    except OSError:
        return None
