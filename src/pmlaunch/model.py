"""The frozen records that a command hands on: request, plan, findings, record.

The way of the data: what the user typed (`EvalRequest`) becomes things (`LaunchPlan`), is looked at
(`Finding`), is run, and leaves a `RunRecord`. Nothing here reads a file or starts a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Severity(str, Enum):
    """How much a finding weighs. Errors stop a run; warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Sourced(Generic[T]):
    """A value and where it came from: flag, override, environment, workspace, preset, checkpoint, default..."""

    value: T
    source: str


@dataclass(frozen=True)
class Finding:
    """What a check saw. `fix` is a command that mends it; `subject` the path or name it is about."""

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    fix: str | None = None
    subject: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "fix": self.fix,
            "subject": self.subject,
        }


@dataclass(frozen=True)
class EvalRequest:
    """`pmlaunch eval` as it was typed; None means that the user did not say."""

    model: str
    motions: tuple[str, ...] = ()
    checkpoint: str | None = None
    robot: str | None = None
    simulator: str | None = None
    terrain: str | None = None
    constraints: tuple[str, ...] = ()
    num_envs: int | None = None
    devices: int | None = None
    headless: bool | None = None
    max_steps: int | None = None
    seed: int | None = None
    device: str | None = None
    ddp_backend: str | None = None
    protomotions: str | None = None
    isaaclab: str | None = None
    python: str | None = None
    via: str | None = None
    runs: str | None = None
    timeout: float | None = None
    silence: float | None = None
    target_os: str | None = None
    overrides: tuple[str, ...] = ()
    no_check: tuple[str, ...] = ()
    verify: bool = False
    metrics: bool | None = None
    save_motion: bool = False
    record: bool = False


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

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "path": str(self.path),
            "robot": self.robot,
            "frames": self.frames,
            "fps": self.fps,
            "seconds": self.seconds,
            "problem": self.problem.as_json() if self.problem else None,
        }


@dataclass(frozen=True)
class WatchPoint:
    """A function of the upstream program that the agent reports: `event` when module:attribute is called."""

    event: str
    module: str
    attribute: str
    when: str = "after"

    def as_json(self) -> dict[str, str]:
        return {"event": self.event, "module": self.module, "attribute": self.attribute, "when": self.when}


@dataclass(frozen=True)
class ArgumentPoint:
    """A function of the upstream program whose keyword arguments the agent sets: upstream has no option for them."""

    module: str
    attribute: str
    values: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"module": self.module, "attribute": self.attribute, "values": dict(self.values)}


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

    def as_json(self) -> dict[str, Any]:
        return {
            "agent": self.agent,
            "seed": self.seed,
            "limit": self.limit,
            "library": self.library,
            "keys": dict(self.keys),
        }


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
    import_path: tuple[str, ...]
    python_path: tuple[Path, ...]
    ddp_backend: str | None
    runtime: Mapping[str, Any]
    provenance: Mapping[str, Sourced[Any]]
    platform: str
    foreign: bool
    generation: str
    headless: bool
    max_steps: int | None
    timeout: float | None
    silence: float | None
    runs: Path
    watch: tuple[WatchPoint, ...] = ()
    arguments: tuple[ArgumentPoint, ...] = ()
    staged: Staged | None = None
    hydra: bool = True
    ends_by_itself: bool = False
    metrics: bool = False
    save_motion: bool = False
    record: bool = False
    measuring: Measuring = field(default_factory=lambda: Measuring())
    plain_command: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "robot": self.robot,
            "simulator": self.simulator,
            "terrain": self.terrain,
            "checkpoint": str(self.checkpoint),
            "motions": [motion.as_json() for motion in self.motions],
            "overrides": list(self.overrides),
            "command": list(self.command),
            "env": dict(self.env),
            "cwd": str(self.cwd),
            "script": str(self.script),
            "ddp_backend": self.ddp_backend,
            "runtime": dict(self.runtime),
            "platform": self.platform,
            "foreign": self.foreign,
            "generation": self.generation,
            "headless": self.headless,
            "max_steps": self.max_steps,
            "timeout": self.timeout,
            "silence": self.silence,
            "runs": str(self.runs),
            "metrics": self.metrics,
            "save_motion": self.save_motion,
            "record": self.record,
            "measuring": self.measuring.as_json(),
            "plain_command": dict(self.plain_command),
            "provenance": {
                name: {"value": _plain(sourced.value), "source": sourced.source}
                for name, sourced in self.provenance.items()
            },
        }


def _plain(value: Any) -> Any:
    """A value as JSON has it: paths as text, tuples as lists."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


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

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "folder": str(self.folder),
            "state": self.state.value,
            "exit_code": self.exit_code,
            "started": self.started,
            "seconds": self.seconds,
            "child": dict(self.child) if self.child else None,
            "launcher": dict(self.launcher) if self.launcher else None,
            "child_exit_code": self.child_exit_code,
            "steps": self.steps,
            "steps_per_second": self.steps_per_second,
            "stages": dict(self.stages),
            "metrics": dict(self.metrics),
            "units": dict(self.units),
            "evaluation": dict(self.evaluation),
            "exception": dict(self.exception) if self.exception else None,
            "repairs": list(self.repairs),
            "findings": [finding.as_json() for finding in self.findings],
        }
