"""NVIDIA's GPUs, by nvidia-ml-py if it is installed, otherwise by the driver's files. Starts nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.support.programs import find_program

_PROC = Path("/proc/driver/nvidia")  # of the Linux kernel's driver


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
    gpus: tuple[Gpu, ...] = ()
    problem: str | None = None


def look_at_nvidia(environment: Mapping[str, str]) -> Nvidia:
    """The driver and its GPUs, as this machine reports them."""
    try:
        import pynvml
    except ImportError:
        return _by_files(environment, "nvidia-ml-py is not installed")
    try:
        pynvml.nvmlInit()
        try:
            gpus = []
            for index in range(pynvml.nvmlDeviceGetCount()):
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                gpus.append(Gpu(_text(pynvml.nvmlDeviceGetName(handle)), int(memory.total), int(memory.free)))
            return Nvidia(_text(pynvml.nvmlSystemGetDriverVersion()), tuple(gpus))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        return _by_files(environment, str(error))


def has_nvidia(environment: Mapping[str, str]) -> bool:
    """Whether an NVIDIA driver is installed, by its files; takes microseconds."""
    return (_PROC / "version").is_file() or _program(environment) is not None


def _by_files(environment: Mapping[str, str], problem: str) -> Nvidia:
    if not has_nvidia(environment):
        return Nvidia(None)
    version = re.search(r"Kernel Module\D*(\d+\.[\d.]+)", _read(_PROC / "version"))
    models = [
        re.search(r"^Model:\s*(.+)$", _read(path), re.MULTILINE)
        for path in sorted((_PROC / "gpus").glob("*/information"))
    ]
    gpus = tuple(Gpu(model[1].strip() if model else "unknown model") for model in models)
    return Nvidia(version[1] if version else "", gpus, problem)


def _program(environment: Mapping[str, str]) -> str | None:
    """nvidia-smi, which comes with the driver: on PATH, in Windows' own folder, or in WSL's."""
    places = [Path(root) / "System32" for name, root in environment.items() if name.upper() == "SYSTEMROOT"]
    if os.name != "nt":
        places.append(Path("/usr/lib/wsl/lib"))
    return find_program("nvidia-smi", environment, *places)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
