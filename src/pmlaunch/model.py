"""The frozen records that commands pass on: plan, findings, run record.

An `EvalRequest` (`request.py`) is resolved into a `LaunchPlan`, checked (`Finding`) and run, and leaves a `RunRecord`.
Nothing here reads a file or starts a process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from pmlaunch.request import EvalRequest as EvalRequest
from pmlaunch.support.json import HIDDEN

T = TypeVar("T")


class Severity(str, Enum):
    """How much a finding weighs. Errors stop a run; warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Origin(Enum):
    """Where a value was decided."""

    FLAG = "flag"
    OVERRIDE = "override"
    ARGUMENT = "argument"
    ENVIRONMENT = "environment"
    ACTIVE_ENVIRONMENT = "active environment"
    WORKSPACE = "workspace"
    USER_FILE = "user file"
    PRESET = "preset"
    CHECKPOINT = "checkpoint"
    CHECKOUT = "checkout"
    PLATFORM = "platform"
    RUNTIME = "runtime"
    ISAAC_SIM = "_isaac_sim"
    PATH = "PATH"
    DEFAULT = "default"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Source:
    """The origin of a value, with a label for people. Code decides on `origin`, never on `label`."""

    origin: Origin
    label: str = ""

    def __str__(self) -> str:
        return self.label or self.origin.value

    def __json__(self) -> str:
        return str(self)


FLAG = Source(Origin.FLAG)
OVERRIDE = Source(Origin.OVERRIDE)
ARGUMENT = Source(Origin.ARGUMENT)
PRESET = Source(Origin.PRESET)
CHECKPOINT = Source(Origin.CHECKPOINT)
DEFAULT = Source(Origin.DEFAULT)
UNKNOWN = Source(Origin.UNKNOWN)


@dataclass(frozen=True)
class Sourced(Generic[T]):
    """A value and where it came from."""

    value: T
    source: Source


class Generation(Enum):
    """A family of programs that share command line, configs and file formats."""

    V2 = "2"
    V3 = "3"
    DEMO = "demo"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """What a check saw. `fix` is a command that mends it; `subject` the path or name it is about."""

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    fix: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class MotionInfo:
    """A motion clip as the catalog knows it. `frames`, `fps` (1/s) and `seconds` are None when it was not read."""

    name: str
    path: Path
    robot: str | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    problem: Finding | None = None


@dataclass(frozen=True)
class WatchPoint:
    """A function of the upstream program that the agent reports: `event` when module:attribute is called."""

    event: str
    module: str
    attribute: str
    when: str = "after"


@dataclass(frozen=True)
class ArgumentPoint:
    """A function of the upstream program whose keyword arguments the agent sets: upstream has no option for them."""

    module: str
    attribute: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Staged:
    """Files that a run uses from its own folder, because upstream writes beside them.

    `option` is the argument (`--checkpoint`) that names the first of `files`; the others lie beside it.
    """

    option: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Measuring:
    """How a run measures. `agent` is the class that the checkpoint was trained with (its `_target_`); `limit` the
    control steps after which motions are cut, None for their length; `library` the YAML that lists several motions;
    `keys` what the window's keys do.
    """

    agent: str | None = None
    seed: int = 0
    limit: int | None = None
    library: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


class RuntimeKind(Enum):
    """How the simulator's Python is started."""

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
        stated = re.match(r"(\d+)(?:\.(\d+))?", text)
        if stated is None:
            return cls(text, 2)
        return cls(text, int(stated[1]), int(stated[2]) if stated[2] else None)

    def __str__(self) -> str:
        return self.text

    def __json__(self) -> str:
        return self.text


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
    """Everything that a launch needs, decided and explained, before anything starts.

    `import_path` comes before, `python_path` after what the started Python imports from anyway.
    `overrides` is the argument list of the program, Hydra's overrides where it is `hydra`; `command` what is started (constant,
    see docs/architecture.md); `plain_command` the same run without pmlaunch, for bash and PowerShell;
    `provenance` maps each name to the place its value came from; `max_steps` counts control steps: of a program
    that `ends_by_itself` they are what is expected, and nothing ends it there.
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
    metrics: bool = False
    save_motion: bool = False
    record: bool = False
    measuring: Measuring = field(default_factory=lambda: Measuring())
    plain_command: Mapping[str, str] = field(default_factory=dict)


class RunState(str, Enum):
    """The state of a run's record. Every state but `running` is final."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIME_LIMIT = "time_limit"
    SILENT = "silent"
    ABNORMAL = "abnormal"


@dataclass(frozen=True)
class RunRecord:
    """What came of a run; the content of record.json. `seconds` is wall time from start to end; `evaluation` is
    what metrics.json says beside its figures: common, per_motion, comparable, notes, seconds.

    `child` and `launcher` are processes as {pid, created}, `created` in seconds since 1970: together they name
    one process for ever.
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
    exception: Mapping[str, str] | None = None
    repairs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
