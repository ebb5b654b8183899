"""spec.json: what the launcher asks of this run."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # `typing` costs milliseconds of every start; type checkers know this name
if TYPE_CHECKING:
    from typing import Any, Mapping

VARIABLE = "PMLAUNCH_SPEC"
SCHEMA = 1


class SpecError(Exception):
    """The run cannot begin; the message is one sentence for the user."""


class Watch:
    """A function whose calls the launcher wants to hear of.

    Attributes:
        event: the name to report: "step" and "evaluation" are counted and timed, "motion" returns how far it is,
            "scores" are collected, "recording" is filmed, "bodies", "playing", "batches" and "batch" are
            evaluate_v3.py's, others are milestones.
        module: the module that defines it, e.g. "protomotions.envs.base_env.env".
        attribute: a function or Class.method in it, e.g. "BaseEnv.step".
        when: "before" or "after" the call.
    """

    def __init__(self, entry: Mapping[str, Any]):
        self.event: str = _typed(entry, "event", str)
        self.module: str = _typed(entry, "module", str)
        self.attribute: str = _typed(entry, "attribute", str)
        self.when: str = _typed(entry, "when", str, "after")
        if self.when not in ("before", "after"):
            raise SpecError(f'"when" must be "before" or "after", not {self.when!r}')


class Arguments:
    """A function whose keyword arguments are set, because the script has no option for them.

    Attributes:
        module: the module that defines it.
        attribute: a function or Class.method in it.
        values: keyword -> value; they win over what the script passes.
    """

    def __init__(self, entry: Mapping[str, Any]):
        self.module: str = _typed(entry, "module", str)
        self.attribute: str = _typed(entry, "attribute", str)
        self.values: dict[str, Any] = _typed(entry, "values", dict)


class Spec:
    """spec.json, schema 1, checked. Seconds are seconds, paths are absolute."""

    def __init__(self, data: Mapping[str, Any]):
        if data.get("schema") != SCHEMA:
            raise SpecError(f"schema {SCHEMA} is needed, it has {data.get('schema')!r}")
        self.script: str | None = _typed(data, "script", str, None)
        self.module: str | None = _typed(data, "module", str, None)
        if (self.script is None) == (self.module is None):
            raise SpecError('either "script" or "module" must say what to run')
        self.result: str = _typed(data, "result", str)
        self.events: str | None = _typed(data, "events", str, None)
        self.cwd: str | None = _typed(data, "cwd", str, None)
        self.argv: list[str] = [str(argument) for argument in _typed(data, "argv", list, [])]
        self.import_path: list[str] = _typed(data, "import_path", list, [])
        self.python_path: list[str] = _typed(data, "python_path", list, [])
        self.env: dict[str, str | None] = _typed(data, "env", dict, {})

        hooks = _typed(data, "hooks", dict, {})
        self.ddp_backend: str | None = _typed(hooks, "ddp_backend", str, None)
        self.max_steps: int | None = _typed(hooks, "max_steps", int, None)
        self.compat: list[str] = _typed(hooks, "compat", list, [])
        self.watch = [Watch(entry) for entry in _typed(hooks, "watch", list, [])]
        self.arguments = [Arguments(entry) for entry in _typed(hooks, "arguments", list, [])]
        self.agent: str | None = _typed(hooks, "agent", str, None)
        self.metrics: dict[str, Any] | None = _typed(hooks, "metrics", dict, None)
        self.save_motion: dict[str, Any] | None = _typed(hooks, "save_motion", dict, None)
        self.record: dict[str, Any] | None = _typed(hooks, "record", dict, None)

        limits = _typed(data, "limits", dict, {})
        self.max_seconds: float | None = _typed(limits, "max_seconds", (int, float), None)
        self.stop_file: str | None = _typed(limits, "stop_file", str, None)


def read_spec(environ: Mapping[str, str]) -> Spec:
    """The spec that PMLAUNCH_SPEC names.

    Raises:
        SpecError: the variable, the file or a value in it is missing or wrong.
    """
    path = environ.get(VARIABLE)
    if not path:
        raise SpecError(f"{VARIABLE} is not set: this program is started by pmlaunch, not by hand")
    try:
        with open(path, encoding="utf-8-sig") as file:
            data = json.load(file)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise SpecError(f"{path} is not JSON: {error}") from error
    try:
        if not isinstance(data, dict):
            raise SpecError("it is not a JSON object")
        return Spec(data)
    except SpecError as error:
        raise SpecError(f"{path} is no spec of this agent: {error}") from error


def apply_environment(spec: Spec) -> None:
    """Set and remove the spec's variables, and keep what the ranks that come later need."""
    # Hydra otherwise prints a shortened error and calls sys.exit(1), and the cause is lost.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    for name, value in spec.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = str(value)
    # Rank 1 and up are started by Lightning with this environment, and must find the agent.
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    search_path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    wanted = [home, *spec.import_path]
    others = [entry for entry in search_path if entry not in wanted]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([*wanted, *others]))


_REQUIRED = object()


def _typed(data: Mapping[str, Any], key: str, kind: Any, default: Any = _REQUIRED) -> Any:
    """data[key] if it is of `kind`; the default if it is absent or null."""
    if not isinstance(data, dict):
        raise SpecError(f"an object with {key!r} is expected, not {data!r}")
    value = data.get(key)
    if value is None:
        if default is _REQUIRED:
            raise SpecError(f"{key!r} is missing")
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise SpecError(f"{key!r} has a wrong type: {value!r}")
    return value
