"""NVIDIA's GPUs, by nvidia-ml-py if it is installed, otherwise by the driver's files. Starts nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROC = Path("/proc/driver/nvidia")


@dataclass(frozen=True)
class Gpu:
    """A GPU; memory in bytes, None if only the driver's files could be read."""

    name: str
    memory: int | None = None
    free: int | None = None


@dataclass(frozen=True)
class Nvidia:
    """NVIDIA's driver and GPUs.

    `driver` is a version, "" for a driver that does not state one, None without a driver; `problem` says why the
    management library gave no answer.
    """

    driver: str | None
    gpus: tuple[Gpu, ...]
    problem: str | None = None


def look_at_nvidia(environment: Mapping[str, str]) -> Nvidia:
    """The driver and its GPUs, as this machine reports them."""
    try:
        import pynvml
    except ImportError:
        return _by_files(environment, "nvidia-ml-py is not installed")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return _by_files(environment, str(error))
    try:
        return Nvidia(_text(pynvml.nvmlSystemGetDriverVersion()), _gpus(pynvml))
    except pynvml.NVMLError as error:
        return _by_files(environment, str(error))
    finally:
        pynvml.nvmlShutdown()


def has_nvidia(environment: Mapping[str, str]) -> bool:
    """Whether an NVIDIA driver is installed, by its files; takes microseconds."""
    return _by_files(environment, None).driver is not None


def _gpus(pynvml: Any) -> tuple[Gpu, ...]:
    found = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        found.append(Gpu(_text(pynvml.nvmlDeviceGetName(handle)), int(memory.total), int(memory.free)))
    return tuple(found)


def _by_files(environment: Mapping[str, str], problem: str | None) -> Nvidia:
    version = _driver_of_proc()
    if version is not None:
        return Nvidia(version, tuple(_gpus_of_proc()), problem)
    if _program(environment) is not None:
        return Nvidia("", (), problem)
    return Nvidia(None, (), None)


def _driver_of_proc() -> str | None:
    """The version of the Linux kernel's driver."""
    try:
        text = (_PROC / "version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"Kernel Module\D*(\d+\.[\d.]+)", text)
    return found[1] if found else ""


def _gpus_of_proc() -> list[Gpu]:
    found = []
    for path in sorted((_PROC / "gpus").glob("*/information")):
        model = re.search(r"^Model:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        found.append(Gpu(model[1].strip() if model else "unknown model"))
    return found


def _program(environment: Mapping[str, str]) -> str | None:
    """nvidia-smi, which comes with the driver: on PATH, in Windows' own folder, or in WSL's."""
    places = [environment.get("PATH", os.defpath)]
    root = next((value for name, value in environment.items() if name.upper() == "SYSTEMROOT"), None)
    if root:
        places.append(str(Path(root) / "System32"))
    if os.name != "nt":
        places.append("/usr/lib/wsl/lib")
    return shutil.which("nvidia-smi", path=os.pathsep.join(places))


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
