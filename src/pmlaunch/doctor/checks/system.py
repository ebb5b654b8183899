"""The machine: system, processor, memory, and the Python that pmlaunch runs in."""

from __future__ import annotations

import locale
import os
import platform
import sys
import sysconfig
from pathlib import Path

import psutil

from pmlaunch import __version__
from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.model import Finding, Severity

_GIB = 2**30
_LITTLE = 3 * _GIB  # torch and lightning take 0.6, Genesis with one environment 2 more


def look(target: DoctorTarget) -> Observation:
    memory = psutil.virtual_memory()
    cores = psutil.cpu_count(logical=False) or "?"
    facts = (
        ("system", system_name()),
        ("processor", f"{sysconfig.get_platform()}, {cores} cores, {os.cpu_count()} threads"),
        ("memory", f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB available"),
        ("pmlaunch", f"{__version__}, Python {sys.version.split()[0]}, {sys.executable}"),
        ("locale", locale.setlocale(locale.LC_CTYPE)),
    )
    if memory.available >= _LITTLE or target.embedded:
        return Observation(facts)
    message = f"Only {memory.available / _GIB:.1f} GiB of memory are available. The system may kill a run."
    return Observation(facts, (Finding("PML238", Severity.WARNING, message, "close other programs"),))


def system_name() -> str:
    """The system's name and version, found without starting a process.

    For example "Windows 10.0.26100" or "Debian GNU/Linux 12 (bookworm), Linux 6.1.0".
    """
    if sys.platform == "win32":  # platform.uname() would start cmd.exe
        version = sys.getwindowsversion()
        return f"Windows {version.major}.{version.minor}.{version.build}"
    kernel = f"{platform.system()} {platform.release()}"
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        name = None
    wsl = ", WSL" if Path("/proc/sys/fs/binfmt_misc/WSLInterop").exists() else ""
    return f"{name}, {kernel}{wsl}" if name else kernel
