"""A step of an installation: is it done, do it, prove it; and what the steps hand to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from pmlaunch.model import Finding
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json
from pmlaunch.support.platforms import Platform


@dataclass(frozen=True)
class InstallRequest:
    """`pmlaunch install` as it was typed; `models` are names of the catalog, `kind` is submodule, clone or auto.

    `ref_given` tells a ref that was asked for from the default one; `robot` is the one whose assets are wanted where
    they are in Git LFS (generation 3).
    """

    folder: Path
    ref: str
    source: str
    models: tuple[str, ...]
    simulator: str = "isaaclab"
    kind: str = "auto"
    isaaclab: str | None = None
    python: str | None = None
    extras: tuple[str, ...] = ()
    ref_given: bool = False
    robot: str = "smpl"


@dataclass(frozen=True)
class Progress:
    """How far a step is: bytes of a download, or a line of what goes on. `total` is None when it is not known."""

    text: str = ""
    done: int = 0
    total: int | None = None


def install_words(folder: Path, simulator: str, *more: str) -> str:
    """`pmlaunch install` for this checkout and this simulator, as a person types it anywhere."""
    return " ".join(["pmlaunch install", f'--dir "{folder}"', f"--simulator {simulator}", *more])


Report = Callable[[Progress], None]


@dataclass
class Site:
    """Where an installation goes on: what was typed, this machine, and what the steps have learned so far.

    `runtime` is None where none was found (a finding says why); `logs` is the folder of this installation's logs;
    `learned` is what was found and not typed, and is written to pmlaunch.yaml, too. `said`, by the name of a step, is
    what it has to say when
    there is nothing to do; `findings` what a step noticed without failing; `log` the last program's output.
    """

    request: InstallRequest
    settings: Settings
    platform: Platform
    environment: Mapping[str, str]
    logs: Path
    runtime: Runtime | None = None
    learned: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    log: Path | None = None

    @property
    def checkout(self) -> Path:
        return self.request.folder


@dataclass(frozen=True)
class Todo:
    """What a step would do: a sentence, the commands a person could type instead, and the bytes to download.

    `disk` is what it takes on the checkout's disk, in bytes, where that is not what it downloads.
    """

    text: str
    commands: Sequence[str] = ()
    bytes: int | None = None
    findings: Sequence[Finding] = ()
    disk: int | None = None


class State(str, Enum):
    """What became of a step."""

    PLANNED = "planned"
    ALREADY = "already done"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class StepResult:
    """What became of one step: `text` is what a person reads, `log` the file with what its programs said."""

    name: str
    title: str
    state: State
    text: str
    seconds: float = 0.0
    commands: tuple[str, ...] = ()
    bytes: int | None = None
    log: Path | None = None
    findings: tuple[Finding, ...] = ()

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "state": self.state.value,
            "text": self.text,
            "seconds": round(self.seconds, 3),
            "commands": list(self.commands),
            "bytes": self.bytes,
            "log": str(self.log) if self.log else None,
            "findings": to_json(self.findings),
        }


class Step(Protocol):
    """One step. It is asked what is to be done, does it, and proves it; it may be interrupted at any moment and is
    asked again then, so what is half-done must be seen as such or not be there."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...

    def todo(self, site: Site) -> Todo | None:
        """What there is to do; None when it is done already. Changes nothing and needs no network: a branch that was
        asked for by name is looked up at its source, and where that does not answer, what is here counts.

        Raises PmlaunchError when it cannot be done at all.
        """
        ...

    def do(self, site: Site, report: Report) -> None:
        """Do it. Raises PmlaunchError with what happened, why, and what to type next."""
        ...

    def prove(self, site: Site) -> str:
        """Look at the result and say in a sentence what was proven. Raises PmlaunchError when it does not hold."""
        ...
