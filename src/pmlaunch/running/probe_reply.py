"""The reply of the agent's probe, checked for its shape: another process wrote it (see pmlaunch_agent.probe)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NO_MODULE = re.compile(r"No module named '([^']+)'")  # Python's own message


def missing_module(error: str | None) -> str | None:
    """The module that Python did not find, by the error of an import; None if that is not what went wrong."""
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

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> InstalledPackage:
        """Parse an entry of the reply; what is missing or of another type keeps its default."""
        complete = entry.get("complete") is not False
        place = _text(entry, "location"), _text(entry, "editable")
        return cls(_text(entry, "version"), *place, complete, _texts(entry, "requires"))


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

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> ImportAttempt:
        """Parse an entry of the reply; what is missing or of another type keeps its default."""
        return cls(bool(entry.get("ok")), _text(entry, "file"), _text(entry, "error") or "", _number(entry, "seconds"))


@dataclass(frozen=True)
class TorchBuild:
    """How torch was built and what it finds here; `backends` and `libuv` are None where this torch cannot tell."""

    error: str | None = None
    version: str | None = None
    file: str | None = None
    cuda_build: str | None = None
    cuda_available: bool = False
    devices: tuple[str, ...] = ()
    backends: Mapping[str, bool | None] = field(default_factory=dict)
    libuv: bool | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> TorchBuild:
        """Parse an entry of the reply; what is missing or of another type keeps its default."""
        return cls(
            _text(entry, "error"),
            _text(entry, "version"),
            _text(entry, "file"),
            _text(entry, "cuda_build"),
            bool(entry.get("cuda_available")),
            _texts(entry, "devices"),
            {name: _flag(entry, name) for name in ("nccl", "gloo")},
            _flag(entry, "libuv"),
            _texts(entry, "warnings"),
        )


@dataclass(frozen=True)
class ProcessGroupAttempt:
    """Whether a process group of one formed, and in how many seconds."""

    backend: str
    ok: bool
    seconds: float
    error: str

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> ProcessGroupAttempt:
        """Parse an entry of the reply; what is missing or of another type keeps its default."""
        return cls(
            _text(entry, "backend") or "unknown",
            bool(entry.get("ok")),
            _number(entry, "seconds"),
            _text(entry, "error") or "no reason",
        )


@dataclass(frozen=True)
class ProbeReply:
    """What the simulator's Python said of itself; None where the probe was ended before it came to that."""

    python: str | None = None
    packages: Mapping[str, InstalledPackage] | None = None
    imports: Mapping[str, ImportAttempt] = field(default_factory=dict)
    torch: TorchBuild | None = None
    process_group: ProcessGroupAttempt | None = None
    executable: str | None = None
    platform: str | None = None

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> ProbeReply:
        """The reply in a JSON object; entries of an unexpected shape are dropped."""
        packages, torch, group = (_mapping(document.get(name)) for name in ("packages", "torch", "process_group"))
        imports = _mapping(document.get("imports")) or {}
        return cls(
            _text(document, "python"),
            parse_packages(packages) if packages is not None else None,
            {name: ImportAttempt.parse(entry) for name, it in imports.items() if (entry := _mapping(it)) is not None},
            TorchBuild.parse(torch) if torch is not None else None,
            ProcessGroupAttempt.parse(group) if group is not None else None,
            _text(document, "executable"),
            _text(document, "platform"),
        )


def parse_packages(entries: Mapping[str, object]) -> dict[str, InstalledPackage]:
    """The packages by normalised name, from the agent's list of them."""
    return {name: InstalledPackage.parse(entry) for name, it in entries.items() if (entry := _mapping(it)) is not None}


def _mapping(value: object) -> Mapping[str, object] | None:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else None


def _text(entry: Mapping[str, object], key: str) -> str | None:
    value = entry.get(key)
    return None if value is None else str(value)


def _texts(entry: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = entry.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _flag(entry: Mapping[str, object], key: str) -> bool | None:
    value = entry.get(key)
    return value if isinstance(value, bool) else None


def _number(entry: Mapping[str, object], key: str) -> float:
    value = entry.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0
