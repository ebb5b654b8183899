"""What depends on the operating system: the distributed backend, environment variables, how paths are written.

Planning uses a `Platform` and never `os.name`, so that a plan for Windows can be made and tested on any machine.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pmlaunch.errors import PmlaunchError

LONG_PATHS_KEY = r"SYSTEM\CurrentControlSet\Control\FileSystem"
# Windows limits paths to 259 characters unless long paths are enabled. A run needs 20 of them for its time and number,
# 27 for its longest file name with separators, and the rest for model and motion, which are shortened to fit.
LONGEST_RUNS = 150
"""Characters that the path of the runs folder may have on Windows."""
SHORTEST_NAMES = 259 - LONGEST_RUNS - 20 - 27
"""Characters left for model and motion if that path is as long as it may be."""


@dataclass(frozen=True)
class Platform:
    """One operating system."""

    name: str  # "windows" or "linux"
    ddp_backend: str | None  # the torch.distributed backend to force; None leaves the choice to Lightning
    isaaclab_script: str  # file name of Isaac Lab's launcher
    path_separator: str  # joins the entries of PYTHONPATH
    pure_path: type[PurePosixPath | PureWindowsPath]  # writes a path in the system's notation
    environment: Mapping[str, str]  # variables for every child process

    @property
    def windows(self) -> bool:
        """Whether this is Windows."""
        return self.name == "windows"

    @property
    def foreign(self) -> bool:
        """Whether this differs from the system that pmlaunch runs on."""
        return self.name != current_name()

    def no_display(self, environment: Mapping[str, str]) -> str | None:
        """Why no window can open, judging by the environment; None if one can, or for another machine with Windows."""
        if not self.windows:
            display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
            return None if display else "neither DISPLAY nor WAYLAND_DISPLAY is set"
        if self.foreign:
            return None
        if variable := ssh_variable(environment):
            return f"{variable} is set, and an SSH session of Windows has no desktop"
        if environment.get("SESSIONNAME", "Services").casefold() == "services":
            return "SESSIONNAME names no desktop session, as in a service"
        return None

    def streams(self, environment: Mapping[str, str]) -> bool:
        """Whether Isaac Lab streams its window to another machine, which needs no display here."""
        return any(environment.get(name, "0") not in ("", "0", "-1") for name in ("LIVESTREAM", "ENABLE_LIVESTREAM"))

    def path_text(self, path: Path, cwd: Path) -> str:
        """Write `path` for the target's command line.

        On the current system that is the path itself. Absolute paths of this machine mean nothing on another one, so
        paths inside `cwd`, where the run starts, are written relative to it.
        """
        if self.foreign and path.is_relative_to(cwd):
            return str(self.pure_path(*path.relative_to(cwd).parts))
        return str(path)


PLATFORMS: Mapping[str, Platform] = {
    "windows": Platform(
        name="windows",
        # Windows builds of torch lack NCCL, which Lightning requests on a GPU even for one device.
        ddp_backend="gloo",
        isaaclab_script="isaaclab.bat",
        path_separator=";",
        pure_path=PureWindowsPath,
        # Without UTF-8, redirected output is cp1252 or cp936, and printing a check mark ends the run.
        # torch 2.4 to 2.6 request libuv for TCPStore, which Windows builds lack.
        environment={"PYTHONUTF8": "1", "USE_LIBUV": "0"},
    ),
    "linux": Platform(
        name="linux",
        ddp_backend=None,
        isaaclab_script="isaaclab.sh",
        path_separator=":",
        pure_path=PurePosixPath,
        environment={"PYTHONUTF8": "1"},
    ),
}


def ssh_variable(environment: Mapping[str, str]) -> str | None:
    """The variable by which OpenSSH's server marks a session; None outside of one."""
    return next((name for name in ("SSH_CONNECTION", "SSH_TTY") if environment.get(name)), None)


def current_name() -> str:
    """The name in `PLATFORMS` of this machine's system; every POSIX system counts as linux."""
    return "windows" if os.name == "nt" else "linux"


def platform_named(name: str | None) -> Platform:
    """Return the platform called `name`, or this machine's for None. Raises PML001 for an unknown name."""
    platform = PLATFORMS.get(current_name() if name is None else name.casefold())
    if platform is None:
        raise PmlaunchError("PML001", f"--target-os cannot be {name!r}: it must be {' or '.join(PLATFORMS)}.")
    return platform


def long_paths_of_windows() -> bool | None:
    """Read LongPathsEnabled from the registry; None if it cannot be read."""
    try:
        winreg: Any = importlib.import_module("winreg")
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, LONG_PATHS_KEY) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except FileNotFoundError:
        return False
    except (ImportError, OSError):
        return None
