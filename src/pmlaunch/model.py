"""The frozen records that commands exchange: plan, findings and run record.

An `EvalRequest` (`request.py`) is planned (`LaunchPlan`), checked (`Finding`) and run, which leaves a `RunRecord`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from pmlaunch.agent.pmlaunch_agent.contract import ArgumentPoint, WatchPoint
from pmlaunch.request import Asked
from pmlaunch.support.json import HIDDEN

T_co = TypeVar("T_co", covariant=True)


class Severity(str, Enum):
    """How serious a finding is. Only errors stop a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Origin(Enum):
    """Which layer decided a value."""

    FLAG = "flag"
    OVERRIDE = "override"
    ARGUMENT = "argument"
    ENVIRONMENT = "environment"
    ACTIVE_ENVIRONMENT = "active environment"
    WORKSPACE = "workspace"
    USER_FILE = "user file"
    PRESET = "preset"
    CHECKPOINT = "checkpoint"
    PLATFORM = "platform"
    RUNTIME = "runtime"
    ISAAC_SIM = "_isaac_sim"
    PATH = "PATH"
    DEFAULT = "default"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Source:
    """The origin of a value, with a label for people. Code must look at `origin` and `anchor` only, never at `label`.

    `anchor` is the file, chosen by its place and not by the user, that led to a program or to a folder with one.
    """

    origin: Origin
    label: str = ""
    anchor: Path | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.label or self.origin.value

    __json__ = __str__


FLAG = Source(Origin.FLAG)
OVERRIDE = Source(Origin.OVERRIDE)
ARGUMENT = Source(Origin.ARGUMENT)
PRESET = Source(Origin.PRESET)
CHECKPOINT = Source(Origin.CHECKPOINT)
DEFAULT = Source(Origin.DEFAULT)
UNKNOWN = Source(Origin.UNKNOWN)


@dataclass(frozen=True)
class Sourced(Generic[T_co]):
    """A value with its source."""

    value: T_co
    source: Source


class Generation(Enum):
    """A family of ProtoMotions programs that share command line, configs and file formats."""

    V2 = "2"
    V3 = "3"
    DEMO = "demo"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """The result of a check. `fix` is a command that solves the problem, `subject` the path or name it is about."""

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    fix: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class MotionInfo:
    """A motion clip from `start` (s) on, or a library of `count`. `frames`, `fps` (1/s), `seconds`: None if unreadable."""

    name: str
    path: Path
    robot: str | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    problem: Finding | None = None
    count: int = field(default=1, metadata=HIDDEN)
    start: float = field(default=0.0, metadata=HIDDEN)


@dataclass(frozen=True)
class Staged:
    """Files to copy into the run folder first, because upstream writes its results beside them.

    `option` is the argument (`--checkpoint`) that names the first of `files`; the others go into the same folder.
    """

    option: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Measuring:
    """How a run measures.

    `agent` is the class that the checkpoint was trained with (its `_target_`); `seed` is None if the run is not measured
    and the user gave none; `limit` the control steps after which every motion is cut; `library` the text of the YAML
    file that lists several motions; `keys` what keys do.
    """

    agent: str | None = None
    seed: int | None = None
    limit: int | None = None
    library: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


class RuntimeKind(Enum):
    """What starts the simulator's Python."""

    ISAACLAB = "isaaclab"
    PYTHON = "python"


@dataclass(frozen=True)
class ChosenPython:
    """An interpreter, what selected it (`by`), and its version ("3.11"; None if no file states it)."""

    path: str
    by: Source
    version: str | None


@dataclass(frozen=True)
class IsaacLabVersion:
    """The content of Isaac Lab's VERSION file, parsed; `minor` is None if `text` does not state one."""

    text: str
    major: int
    minor: int | None = None

    @classmethod
    def parse(cls, text: str) -> IsaacLabVersion:
        """The version in `text`; anything unreadable counts as 2.x, whose launcher has more restrictions."""
        stated = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?", text)
        if stated is None:
            return cls(text, 2)
        return cls(text, int(stated[1]), int(stated[2]) if stated[2] else None)

    def __str__(self) -> str:
        return self.text

    __json__ = __str__


@dataclass(frozen=True)
class RuntimeFacts:
    """What starts the simulator's Python: `path` is a script or an interpreter, `version` Isaac Lab's."""

    kind: RuntimeKind
    path: str
    version: IsaacLabVersion | None
    source: Source
    python: ChosenPython | None


@dataclass(frozen=True)
class LaunchPlan:
    """Everything needed to launch a run, with the source of every value.

    Attributes:
        overrides: arguments of the program; Hydra overrides if `hydra`.
        command: the constant command line that starts the agent (see docs/architecture.md).
        env: changes to the child's environment; None removes a variable.
        import_path: folders searched first that PYTHONPATH cannot hold; `python_path`: folders searched after all others.
        foreign: whether the plan is for another operating system than this one.
        max_steps: control steps after which the agent ends the run; None for no limit. A program that
            `ends_by_itself` is not ended: there it is the expected number.
        save_motion: whether motion.npz is kept; `asks_for_motion` if the user said so, and is told if it is missing.
        left_out: motions that were found but are not evaluated; those with a problem were skipped by --skip-bad.
        timeout, silence: limits in seconds, of the whole run and of the time without output.
        plain_command: the same run without pmlaunch, as {"bash": ..., "powershell": ...}.
    """

    model: str
    robot: str | None
    simulator: str
    terrain: str | None
    checkpoint: Path
    motions: tuple[MotionInfo, ...]
    overrides: tuple[str, ...]
    command: tuple[str, ...]
    env: Mapping[str, str | None]
    cwd: Path
    script: Path
    import_path: tuple[str, ...] = field(metadata=HIDDEN)
    python_path: tuple[Path, ...] = field(metadata=HIDDEN)
    ddp_backend: str | None
    runtime: RuntimeFacts
    provenance: Mapping[str, Sourced[Any]]
    platform: str
    foreign: bool
    generation: Generation
    headless: bool
    max_steps: int | None
    timeout: float | None
    silence: float | None
    runs: Path
    watch: tuple[WatchPoint, ...] = field(default=(), metadata=HIDDEN)
    arguments: tuple[ArgumentPoint, ...] = field(default=(), metadata=HIDDEN)
    staged: Staged | None = field(default=None, metadata=HIDDEN)
    hydra: bool = field(default=True, metadata=HIDDEN)
    ends_by_itself: bool = field(default=False, metadata=HIDDEN)
    num_envs: int = field(default=1, metadata=HIDDEN)
    metrics: bool = False
    save_motion: bool = False
    asks_for_motion: bool = False
    record: bool = False
    measuring: Measuring = field(default_factory=Measuring)
    left_out: tuple[MotionInfo, ...] = field(default=(), metadata=HIDDEN)
    plain_command: Mapping[str, str] = field(default_factory=dict)

    @property
    def windows(self) -> bool:
        """Whether the run is for Windows."""
        return self.platform == "windows"


class RunState(str, Enum):
    """The state of a run. All but `running` are final."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIME_LIMIT = "time_limit"
    SILENT = "silent"
    ABNORMAL = "abnormal"


@dataclass(frozen=True)
class RunRecord:
    """The outcome of a run; the content of record.json. `seconds` is wall time from start to end.

    `child` and `launcher` are {pid, created}, `created` in seconds since 1970, because a pid alone may be reused;
    `not_evaluated` are the broken motions that --skip-bad left out, before the start.
    `evaluation` is the rest of metrics.json: common, per_motion, comparable, notes, seconds.
    """

    schema: int = field(default=1, init=False)
    folder: Path
    state: RunState
    exit_code: int | None
    started: str
    seconds: float | None = None
    child: Mapping[str, float] | None = None
    launcher: Mapping[str, float] | None = None
    child_exit_code: int | None = None
    steps: int | None = None
    steps_per_second: float | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    not_evaluated: tuple[str, ...] = ()
    exception: Mapping[str, str] | None = None
    repairs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: Asked | None = None
