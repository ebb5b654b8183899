"""The reply of the agent's probe (see pmlaunch_agent.probe).

Another process wrote it: `support.json.from_json` reads it, and keeps the default of what is missing or of a wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NO_MODULE = re.compile(r"No module named '([^']+)'")  # Python's own message


def missing_module(error: str | None) -> str | None:
    """Return the module that Python did not find, from the error of an import; None if that is not what went wrong."""
    found = _NO_MODULE.search(error or "")
    return found[1] if found else None


@dataclass(frozen=True)
class InstalledPackage:
    """A distribution; `editable` is the folder of an editable installation, `complete` False if half installed.

    `requires` are its requirements, if they were asked for.
    """

    version: str | None = None
    location: str | None = None
    editable: str | None = None
    complete: bool = True
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportAttempt:
    """How an import went, in `seconds`; `file` is where the module was found."""

    ok: bool = False
    file: str | None = None
    error: str = ""
    seconds: float = 0.0

    @property
    def missing(self) -> str | None:
        """The module that was not found, if that is what went wrong."""
        return missing_module(self.error)


@dataclass(frozen=True)
class TorchBuild:
    """How torch was built and what it finds on this machine; a backend and `libuv` are None if unknown."""

    error: str | None = None
    version: str | None = None
    file: str | None = None
    cuda_build: str | None = None
    cuda_available: bool = False
    devices: tuple[str, ...] = ()
    nccl: bool | None = None
    gloo: bool | None = None
    libuv: bool | None = None
    warnings: tuple[str, ...] = ()

    @property
    def backends(self) -> Mapping[str, bool | None]:
        """Whether this torch has each backend for process groups."""
        return {"nccl": self.nccl, "gloo": self.gloo}


@dataclass(frozen=True)
class ProcessGroupAttempt:
    """Whether a process group of one formed, and in how many seconds."""

    backend: str = "unknown"
    ok: bool = False
    seconds: float = 0.0
    error: str = "no reason"


@dataclass(frozen=True)
class ProbeReply:
    """The probe's report on the simulator's Python; None for parts that it did not reach."""

    python: str | None = None
    packages: Mapping[str, InstalledPackage] | None = None
    imports: Mapping[str, ImportAttempt] = field(default_factory=dict)
    torch: TorchBuild | None = None
    process_group: ProcessGroupAttempt | None = None
    executable: str | None = None
    platform: str | None = None
