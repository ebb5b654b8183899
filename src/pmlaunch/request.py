"""The options of `pmlaunch eval`, each declared once, as a field of `EvalRequest`.

Typer's parameters (`cli/options.py`), the keys of pmlaunch.yaml and PMLAUNCH_* (`settings.py`), and command lines
written back in hints (`planning/command_line.py`) are all derived from these fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import Enum, auto
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pmlaunch.errors import PmlaunchError, nearest

T = TypeVar("T")
_METADATA = "option"  # key of a field's metadata


class Setting(Enum):
    """How a value in pmlaunch.yaml or PMLAUNCH_* is read."""

    VALUE = auto()
    FOLDER = auto()  # relative to the file that names it
    PROGRAM = auto()  # likewise if it contains a separator; otherwise looked up in PATH


@dataclass(frozen=True)
class Option:
    """The command-line form of a dataclass field, beyond its name, type and default.

    Attributes:
        flags: spellings of the option; empty for "--" and the field's name.
        off: the flag that means False.
        choices: the allowed values, if they are fixed.
        setting: how the option is read from settings; None if it is not one.
        executed: whether it names a program, or a folder whose code is executed.
        waives: whether it waives a check or trust, which only the user may do, and no file.
        positional: whether it is an argument rather than an option.
        names: what its values name, for completion: a key of `cli.completion.NAMES`.
        usual: what counts without it, in words.
    """

    help: str
    flags: tuple[str, ...] = ()
    off: str | None = None
    choices: tuple[str, ...] = ()
    setting: Setting | None = None
    executed: bool = False
    waives: bool = False
    metavar: str | None = None
    positional: bool = False
    names: str | None = None
    usual: str | None = None


@dataclass(frozen=True)
class Parameter:
    """A dataclass field that is set from the command line. `default` is `dataclasses.MISSING` if it is required."""

    name: str
    hint: Any
    default: Any
    option: Option

    @property
    def flags(self) -> tuple[str, ...]:
        """All spellings, the canonical one first, without the flag that means False."""
        return self.option.flags or ("--" + self.name.replace("_", "-"),)

    @property
    def repeatable(self) -> bool:
        """Whether the option may be given several times, that is whether the field is a tuple."""
        return get_origin(self.hint) is tuple

    @property
    def type(self) -> type:
        """The type of one value: str, int, float or bool."""
        inner: list[type] = [item for item in get_args(self.hint) if item not in (type(None), ...)]
        return inner[0] if inner else self.hint

    @property
    def variable(self) -> str:
        """The environment variable of a setting."""
        return f"PMLAUNCH_{self.name.upper()}"


def option(text: str, default: Any = None, *, usual: str | None = None, **more: Any) -> Any:
    """A dataclass field that is an option with this help, which also says `usual`; `more` are attributes of `Option`."""
    text = f"{text.removesuffix('.')}; default: {usual}." if usual else text
    return field(default=default, metadata={_METADATA: Option(text, usual=usual, **more)})


def argument(text: str, default: Any = MISSING, *, metavar: str | None = None, names: str | None = None) -> Any:
    """A dataclass field that is a positional argument with this help."""
    return option(text, default, positional=True, metavar=metavar, names=names)


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """The options of `pmlaunch eval`. None means that the user gave no value."""

    model: str = argument("A model's name (pmlaunch list models) or the path of a .ckpt.", names="models")
    motions: tuple[str, ...] = option(
        "Name, path, pattern, folder, .yaml or packed .pt; repeatable.", (), flags=("--motion", "-m"), names="motions"
    )
    checkpoint: str | None = option("Another checkpoint for the model; default: the model's own.", metavar="PATH")
    robot: str | None = option("The robot; default: the checkpoint's own.", names="robots")
    simulator: str | None = option(
        "isaaclab, genesis, isaacgym, newton or mujoco.",
        usual="the model's, else isaaclab",
        setting=Setting.VALUE,
        names="simulators",
    )
    terrain: str | None = option("flat or complex; default: the model's, else flat.")
    constraints: tuple[str, ...] = option(
        "What MaskedMimic has to follow (pmlaunch list constraints); repeatable.",
        (),
        flags=("--constraint",),
        names="constraints",
    )
    num_envs: int | None = option(
        "Number of parallel environments.", usual="one for each motion, if they fit", setting=Setting.VALUE
    )
    devices: int | None = option("Number of processes, one per GPU; default: 1.")
    headless: bool | None = option(
        "Without or with a window.", usual="a window if there is a display", off="--window", setting=Setting.VALUE
    )
    max_steps: int | None = option("Number of control steps; default: the motions' length.")
    seed: int | None = option("Random seed.")
    device: str | None = option(
        "Where the policy runs.", usual="the model decides, usually gpu", choices=("gpu", "cpu"), setting=Setting.VALUE
    )
    ddp_backend: str | None = option(
        "How processes communicate.",
        usual="auto, which is gloo on Windows",
        choices=("auto", "gloo", "nccl", "none"),
        setting=Setting.VALUE,
    )
    protomotions: str | None = option(
        "The ProtoMotions checkout.", usual="found from here", setting=Setting.FOLDER, executed=True
    )
    isaaclab: str | None = option(
        "The Isaac Lab folder.", usual="found on this machine", setting=Setting.FOLDER, executed=True
    )
    python: str | None = option(
        "The interpreter for --via python.",
        usual="Isaac Lab's, else the active environment's",
        setting=Setting.PROGRAM,
        executed=True,
    )
    via: str | None = option(
        "What starts the simulator.", usual="auto", choices=("auto", "isaaclab", "python"), setting=Setting.VALUE
    )
    runs: str | None = option("Folder for run folders.", usual="./runs", setting=Setting.FOLDER)
    timeout: float | None = option(
        "Stop the run after this time.", usual="no limit", metavar="SECONDS", setting=Setting.VALUE
    )
    silence: float | None = option(
        "Stop the run after this time without output.", usual="1800", metavar="SECONDS", setting=Setting.VALUE
    )
    target_os: str | None = option("Plan for windows or linux; only with --dry-run.")
    overrides: tuple[str, ...] = argument(
        "Overrides: num_envs=4, +opt=... (2.x), env.KEY=VALUE (3.x). They win over settings and presets.", ()
    )
    no_check: tuple[str, ...] = option(
        "Do not let the check with this code stop the run; repeatable.", (), metavar="CODE", names="codes", waives=True
    )
    verify: bool = option("Compare the checkpoint's SHA-256 with the one in git.", default=False)
    metrics: bool | None = option(
        "Evaluate every motion once and report metrics, or not; default: --metrics.", off="--no-metrics"
    )
    endless: bool = option("Upstream's endless view: a window, no metrics, until you stop it.", default=False)
    skip_bad: bool = option("Leave out motions that cannot be played; they are reported.", default=False)
    exclude: tuple[str, ...] = option("Leave out motions with this name or pattern; repeatable.", (), metavar="PATTERN")
    save_motion: bool | None = option(
        "Keep what the policy did as motion.npz; default for measured runs.", off="--no-save-motion"
    )
    record: bool = option("Record a video; needs a window.", default=False)
    trust_workspace: bool = option(
        "Start what pmlaunch.yaml and folders found here name. For CI.", default=False, waives=True
    )
    other_words: tuple[str, ...] = ()  # options that do not affect the plan, for the commands that errors propose


@dataclass(frozen=True)
class Asked:
    """How a run was asked for, without secrets.

    `command` are the words as typed, `folder` where; `request` the options of `EvalRequest` that were given, None if
    another command than eval chose them; `chosen` the names in the plan's provenance that are not defaults;
    `signature` shows that this user's pmlaunch wrote the rest.
    """

    command: tuple[str, ...] = ()
    folder: str = ""
    request: Mapping[str, Any] | None = None
    chosen: tuple[str, ...] | None = None
    signature: str | None = None


def from_options(record: type[T], options: object, **more: Any) -> T:
    """An instance of the dataclass `record`: `more`, and the fields that the dataclass `options` has by the same name."""
    names = [item.name for item in fields(record) if hasattr(options, item.name)]  # type: ignore[arg-type]
    return record(**{**{name: getattr(options, name) for name in names}, **more})


def parameters(record: type[Any]) -> Mapping[str, Parameter]:
    """The fields of the dataclass `record` that were declared with `option` or `argument`, by name."""
    hints = get_type_hints(record)
    return {
        item.name: Parameter(item.name, hints[item.name], item.default, item.metadata[_METADATA])
        for item in fields(record)
        if _METADATA in item.metadata
    }


def shared(name: str, *, default: Any = None, **changes: Any) -> Any:
    """A dataclass field for the option `name` of `EvalRequest`, for another command that has it too."""
    (declared,) = (item for item in fields(EvalRequest) if item.name == name)
    option = replace(declared.metadata[_METADATA], **changes)
    return field(default=declared.default if default is None else default, metadata={_METADATA: option})


def require_choice(record: type[Any], name: str, value: object) -> None:
    """Raise PML001 unless `value` is None or one of the choices of the field `name` of `record`."""
    parameter = parameters(record)[name]
    *most, last = parameter.option.choices
    if value is not None and value not in (*most, last):
        flag, choices = parameter.flags[0], f"{', '.join(most)} or {last}"
        near = nearest(str(value), {choice: choice for choice in parameter.option.choices})
        failed = PmlaunchError("PML001", f"{flag} cannot be {value!r}: it is {choices}.")
        raise failed.retrying({flag: near[0] if near else None})


TRUST_VARIABLE = parameters(EvalRequest)["trust_workspace"].variable
"""The variable that means --trust-workspace. It is no setting: a pmlaunch.yaml cannot ask for trust in itself."""
SETTINGS: Mapping[str, Parameter] = {
    name: parameter for name, parameter in parameters(EvalRequest).items() if parameter.option.setting
}
"""The options that pmlaunch.yaml and PMLAUNCH_* can set, by key."""
