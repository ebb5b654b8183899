"""The contract of spec.json: what the launcher asks of the agent, and the words of its answer. Both sides use these.

The launcher builds a `Spec` and writes `to_document(spec)`; the agent reads that with `from_document`. Reading is
strict: an unknown key, a missing key or a value of a wrong type is an error, never a default.

This module imports nothing from either side. Its annotations are evaluated at run time, so they must suit Python 3.8.
Named tuples, because importing dataclasses would double the time that the agent takes to start.
"""

from enum import Enum
from typing import Any, Dict, Literal, Mapping, NamedTuple, Optional, Tuple, Union, get_args, get_origin

SCHEMA = 1
SPEC_VARIABLE = "PMLAUNCH_SPEC"
"""The environment variable that holds the path of spec.json."""
RUN_VARIABLE = "PMLAUNCH_RUN_DIR"
"""The environment variable that holds the path of the run folder."""
AGENT_TARGET = "pmlaunch_agent.protomotions2.target.agent"
"""What `agent._target_` names in a ProtoMotions 2 run that measures, keeps its motion or records a video: a factory
that pmlaunch_agent.protomotions2 installs."""
ONE_RANK = "one_rank"
"""A value of `Hooks.ddp_backend`: the agent's own process group of one rank, which needs no transport."""
MUTABLE_DATACLASS_DEFAULTS = "mutable_dataclass_defaults"
"""A repair for `Hooks.compat`: accept dataclass instances as defaults, which Python 3.11 refuses."""


class Status(str, Enum):
    """How far a run is: `status` in result.json. CLOSING: the process may end at any moment. FINISHED: the result is final."""

    STARTED = "started"
    RUNNING = "running"
    CLOSING = "closing"
    FINISHED = "finished"


class StopReason(str, Enum):
    """Why the agent ended a run: `stopped_by` in result.json."""

    MAX_STEPS = "max_steps"
    MAX_SECONDS = "max_seconds"
    STOP_FILE = "stop_file"
    WINDOW_CLOSED = "window_closed"
    INTERRUPT = "interrupt"


class Artifact(str, Enum):
    """What a run leaves on request. `left_out` in result.json, a list of {what, reason}, says why one is not there."""

    MOTION = "motion"
    VIDEO = "video"


class ContractError(ValueError):
    """A document breaks the contract; the message is one sentence for the user."""


class WatchPoint(NamedTuple):
    """A function of the upstream program whose calls the agent reports or acts on.

    Attributes:
        event: what the call means. "step", "evaluation", "motion", "scores", "bodies", "playing", "recording",
            "batches", "batch", "checkpoint_loaded", "evaluations" and "full_evaluation" have a handler of their own;
            any other name is a milestone, reported once.
        module: the module that defines the function, e.g. "protomotions.envs.base_env.env".
        attribute: a function or Class.method in it, e.g. "BaseEnv.step".
        when: report a step or a milestone before or after the call.
    """

    event: str
    module: str
    attribute: str
    when: Literal["before", "after"] = "after"


class ArgumentPoint(NamedTuple):
    """Keyword arguments to set, over those of the script, in calls of a function that is named as in WatchPoint."""

    module: str
    attribute: str
    values: Mapping[str, Any]


class MetricsRequest(NamedTuple):
    """How to measure, and where metrics.json goes.

    Attributes:
        file: path of metrics.json.
        generation: of the program, for the document.
        seed: set right before the evaluation, plus the rank, as upstream does in training.
        max_steps: control steps after which a motion is cut; None for its length.
        motions: names of the motions in their order; empty if the launcher cannot tell.
        units: unit of a figure by its name without prefix, `_max` and `_min`.
        common: {name that every generation has: upstream's name}.
        factors: {name that every generation has: factor from upstream's unit}, where that is not 1.
        failed_when: (figure of one motion, limit): above it the motion counts as failed.
        notes: remarks for the reader of the figures.
    """

    file: str
    generation: str
    seed: int = 0
    max_steps: Optional[int] = None
    motions: Tuple[str, ...] = ()
    units: Mapping[str, str] = {}
    common: Mapping[str, str] = {}
    factors: Mapping[str, float] = {}
    failed_when: Optional[Tuple[str, float]] = None
    notes: Tuple[str, ...] = ()


class MotionRequest(NamedTuple):
    """Keep what the bodies do: `file` is the path of motion.npz."""

    file: str


class RecordingRequest(NamedTuple):
    """Record a video: `path` is that of the video without `-TIME.mp4`."""

    path: str


class Hooks(NamedTuple):
    """What the agent does to the modules that the script imports.

    Attributes:
        ddp_backend: default backend of Lightning's DDPStrategy; None leaves Lightning's own.
        max_steps: control steps after which the run ends; None for no limit.
        compat: names of the repairs to apply.
        agent: class that the checkpoint was trained with (its `_target_`), which a subclass of ours replaces.
        seed: seed of every generator of random numbers, plus the rank, for a script that sets none; None for no seed.
    """

    ddp_backend: Optional[str] = None
    max_steps: Optional[int] = None
    compat: Tuple[str, ...] = ()
    watch: Tuple[WatchPoint, ...] = ()
    arguments: Tuple[ArgumentPoint, ...] = ()
    agent: Optional[str] = None
    metrics: Optional[MetricsRequest] = None
    save_motion: Optional[MotionRequest] = None
    record: Optional[RecordingRequest] = None
    seed: Optional[int] = None


class RunLimits(NamedTuple):
    """What ends a run early: seconds since the agent's start, or a file that appears."""

    max_seconds: Optional[float] = None
    stop_file: Optional[str] = None


class FurtherEvaluation(NamedTuple):
    """Another evaluation in the same process, after those before it. All that is not named here is as in the first.

    Attributes:
        run: its run folder, which gets the files of the first one's under the same names.
        checkpoint: path of the checkpoint to load.
        seed: as in MetricsRequest.
    """

    run: str
    checkpoint: str
    seed: int


class Spec(NamedTuple):
    """spec.json, schema 1. Paths are absolute.

    Attributes:
        script: path of the script to run as `__main__`; None if `module` is given, which runs as `python -m` does.
        argv: arguments, without the program's name.
        cwd: working directory.
        import_path: folders to import from before all others but the script's own, which PYTHONPATH could not hold.
        python_path: folders to import from after all others.
        env: environment variables to set; None removes one.
        result: path of result.json.
        events: path of events.jsonl; None writes none.
        further: the evaluations after the first, in their order.
    """

    script: Optional[str]
    module: Optional[str]
    argv: Tuple[str, ...]
    cwd: str
    import_path: Tuple[str, ...]
    python_path: Tuple[str, ...]
    env: Mapping[str, Optional[str]]
    hooks: Hooks
    limits: RunLimits
    result: str
    events: Optional[str]
    further: Tuple[FurtherEvaluation, ...] = ()


_PROGRAMS = ("script", "module")  # a document has exactly one of these keys


def to_document(spec: Spec) -> Dict[str, Any]:
    """The content of spec.json, of types that JSON has; ContractError unless one of `script` and `module` is given."""
    if (spec.script is None) == (spec.module is None):
        raise ContractError('a spec needs either "script" or "module"')
    document = {"schema": SCHEMA, **_plain(spec)}
    del document["script" if spec.script is None else "module"]
    return document


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_document(document: Any, file: str = "spec.json") -> Spec:
    """Read the parsed content of spec.json.

    Raises ContractError; the message names `file`, the key and, for an unknown key, the nearest known one.
    """
    try:
        return _read_spec(document)
    except ContractError as error:
        raise ContractError(f"{file}: {error}") from None


def _read_spec(document: Any) -> Spec:
    entries = dict(_checked(dict, document, ""))
    schema = entries.pop("schema", None)
    if schema != SCHEMA or isinstance(schema, bool):
        raise ContractError(f'"schema" must be {SCHEMA}, not {schema!r}')
    given = [name for name in _PROGRAMS if name in entries]
    if len(given) != 1:
        raise ContractError('exactly one of "script" and "module" is needed')
    _checked(str, entries[given[0]], given[0])
    spec: Spec = _read_object(Spec, {**dict.fromkeys(_PROGRAMS), **entries}, "")
    return spec


def _read_object(kind: Any, value: Any, key: str) -> Any:
    """Read an object into the named tuple `kind`; `key` is where it stands ("" for the whole document)."""
    inside = f"{key}." if key else ""
    for name in _checked(dict, value, key):
        if name not in kind._fields:
            import difflib  # 5 ms that only an error costs

            near = difflib.get_close_matches(name, kind._fields, n=1)
            guess = f'; did you mean "{near[0]}"?' if near else ""
            raise ContractError(f"{inside}{name}: unknown key{guess}")
    for name in kind._fields:
        if name not in value:
            raise ContractError(f"{inside}{name}: missing key")
    return kind(**{name: _read(part, value[name], inside + name) for name, part in kind.__annotations__.items()})


def _read(kind: Any, value: Any, key: str) -> Any:
    """Read a value of a type that this contract uses."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if hasattr(kind, "_fields"):
        return _read_object(kind, value, key)
    if origin is Union:  # Optional
        return None if value is None else _read(arguments[0], value, key)
    if origin is Literal:
        if value not in arguments:
            raise _wrong_type(key, " or ".join(f'"{choice}"' for choice in arguments), value)
        return value
    if origin is tuple:
        values = _checked(list, value, key)
        kinds = arguments[:1] * len(values) if arguments[-1] is Ellipsis else arguments
        if len(values) != len(kinds):
            raise _wrong_type(key, f"a list of {len(kinds)}", value)
        return tuple(_read(kinds[index], item, f"{key}[{index}]") for index, item in enumerate(values))
    if origin is not None:  # Mapping
        items = _checked(dict, value, key).items()
        return {name: _read(arguments[1], item, f"{key}.{name}") for name, item in items}
    return _checked(kind, value, key)


_JSON_TYPES: Dict[type, Tuple[str, Tuple[type, ...]]] = {
    str: ("a text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    list: ("a list", (list,)),
    dict: ("an object", (dict,)),
}


def _checked(kind: type, value: Any, key: str) -> Any:
    name, accepted = _JSON_TYPES[kind]
    if type(value) not in accepted:  # not isinstance: True is no number
        raise _wrong_type(key, name, value)
    return value


def _wrong_type(key: str, expected: str, value: Any) -> ContractError:
    return ContractError(f"{key}{': ' if key else ''}expected {expected}, not {value!r}"[:500])
