"""JSON schemas of the files of a run folder and of --json: `python scripts/json_schemas.py FOLDER` writes them.

They are derived from the types that the program itself writes or reads these files with; what has no such type is
described here. tests/unit/test_json_schemas.py holds recorded files to them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: Mapping[Any, Schema] = {
    Any: {},
    object: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    Path: {"type": "string"},
}
_FIGURES: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def schema_of(kind: Any) -> Schema:
    """The schema of a type: a named tuple, a dataclass as `support.json.to_json` writes it, or what these hold."""
    if kind in _SIMPLE:
        return dict(_SIMPLE[kind])
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(part) for part in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple and arguments[-1] is not Ellipsis:
        return {"type": "array", "prefixItems": [schema_of(part) for part in arguments], "items": False}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is not None:  # a mapping
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    names = (
        [item.name for item in fields(kind) if not item.metadata.get("hidden")] if is_dataclass(kind) else kind._fields
    )
    hints = get_type_hints(kind)
    return _object({name: schema_of(hints[name]) for name in names})


def schemas() -> dict[str, Schema]:
    """The schema of each document, by its name."""
    from pmlaunch.agent.pmlaunch_agent.contract import Spec
    from pmlaunch.model import RunRecord
    from pmlaunch.sweeping.model import CellResult

    found = {
        "spec": _spec(schema_of(Spec)),
        "record": _object({**schema_of(RunRecord)["properties"], "schema": _version(RunRecord)}),
        "result": _result(),
        "metrics": _metrics(),
        "events": _event(),
        "results": schema_of(CellResult),
        "output": _output(),
    }
    titles = {"events": "A line of events.jsonl", "results": "A line of results.jsonl", "output": "What --json prints"}
    return {
        name: {"$schema": _DRAFT, "title": titles.get(name, f"{name}.json"), **schema} for name, schema in found.items()
    }


def _object(properties: Mapping[str, Schema], *, optional: Sequence[str] = (), open_: bool = False) -> Schema:
    required = [name for name in properties if name not in optional]
    closed = {} if open_ else {"additionalProperties": False}
    return {"type": "object", "required": required, "properties": dict(properties), **closed}


def _version(kind: Any) -> Schema:
    (number,) = (item.default for item in fields(kind) if item.name == "schema" and item.default is not MISSING)
    return {"const": number}


def _spec(written: Schema) -> Schema:
    """The document has either a script or a module."""
    from pmlaunch.agent.pmlaunch_agent.contract import SCHEMA

    programs = {name: {"type": "string"} for name in ("script", "module")}
    properties = {"schema": {"const": SCHEMA}, **written["properties"], **programs}
    either = [{"required": [name]} for name in programs]
    return {**_object(properties, optional=tuple(programs)), "oneOf": either}


def _result() -> Schema:
    """Written by the agent: `pmlaunch_agent.report.result.RunResult`."""
    from pmlaunch.agent.pmlaunch_agent.contract import Artifact, Status, StopReason

    nothing = {"type": "null"}
    exception = _object({"type": _SIMPLE[str], "message": _SIMPLE[str], "traceback": _SIMPLE[str]}, open_=True)
    named = _object({"hook": _SIMPLE[str]}, open_=True)
    left_out = _object({"what": schema_of(Artifact), "reason": _SIMPLE[str]})
    properties: dict[str, Schema] = {
        "schema": {"const": 1},
        "status": schema_of(Status),
        "exit_code": schema_of(int | None),
        "exception": {"anyOf": [exception, nothing]},
        "stopped_by": {"anyOf": [schema_of(StopReason), nothing]},
        "backend": schema_of(str | None),
        "backend_requested": schema_of(str | None),
        "world_size": schema_of(int | None),
        "versions": _TEXTS,
        "seconds": _FIGURES,
        "steps": _SIMPLE[int],
        "hooks_applied": {"type": "array", "items": named},
        "notes": schema_of(list[str]),
        "left_out": {"type": "array", "items": left_out},
        **dict.fromkeys(("pid", "rank"), _SIMPLE[int]),
        **dict.fromkeys(("python", "executable", "platform"), _SIMPLE[str]),
        "script": schema_of(str | None),
        "argv": schema_of(list[str]),
    }
    return _object(properties, optional=("left_out",), open_=True)


def _metrics() -> Schema:
    """Written by the agent: `pmlaunch_agent.report.metrics_file`. One form for every generation."""
    from pmlaunch.model import Generation

    rate = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
    common: dict[str, Schema] = {
        "success_rate": rate,
        "mean_position_error_m": schema_of(float | None),
        "mean_rotation_error_deg": schema_of(float | None),
        "motions": _SIMPLE[int],
        "failed": schema_of(list[str]),
    }
    whole = ("motions", "failed")
    decides = {"figure": schema_of(str | None), "limit": schema_of(float | None), "max_steps": schema_of(int | None)}
    definition = _object({**decides, "others": _FIGURES}, optional=["others"])
    motion = _object({"motion": _SIMPLE[str], "success": schema_of(bool | None), "metrics": _FIGURES}, open_=True)
    properties: dict[str, Schema] = {
        "schema": {"const": 1},
        "generation": schema_of(Generation),
        "metrics": _FIGURES,
        "units": _TEXTS,
        "common": _object(common, optional=[name for name in common if name not in whole], open_=True),
        "per_motion": {"type": "array", "items": motion},
        "definition": {"anyOf": [definition, {"type": "null"}]},
        "comparable": _SIMPLE[bool],
        "notes": schema_of(list[str]),
        "seconds": _FIGURES,
        "steps": _SIMPLE[int],
        "steps_per_second": _SIMPLE[float],
    }
    return _object(properties, optional=["definition"], open_=True)


def _event() -> Schema:
    """Written by the agent. A program may report further events, so an unknown one is valid."""
    number, text, whole = _SIMPLE[float], _SIMPLE[str], _SIMPLE[int]
    known: dict[str, dict[str, Schema]] = {
        "started": {"pid": whole, "python": text, "executable": text, "platform": text},
        "importing": {"module": text},
        "imported": {"module": text},
        "process_group": {"backend": text, "world_size": whole, "rank": whole},
        "step": {"n": whole, "rate": schema_of(float | None)},
        "motion": {"done": whole, "of": whole},
        "evaluation_finished": {"seconds": number},
        "closing": {"exit_code": schema_of(int | None)},
        "finished": {"status": text, "exit_code": whole},
    }
    rules = [
        {"if": {"properties": {"event": {"const": name}}}, "then": _object(entries, open_=True)}
        for name, entries in known.items()
    ]
    return {**_object({"event": text, "t": number}, open_=True), "allOf": rules}


def _output() -> Schema:
    """Printed by every command with --json; `data` is the command's own."""
    from pmlaunch.model import Finding

    error = {name: schema_of(str | None) for name in ("hint", "subject")}
    properties: dict[str, Schema] = {
        "schema": {"const": 1},
        "command": _SIMPLE[str],
        "ok": _SIMPLE[bool],
        "exit_code": _SIMPLE[int],
        "data": {"type": ["object", "array"]},
        "findings": {"type": "array", "items": schema_of(Finding)},
        "errors": {"type": "array", "items": _object({"code": _SIMPLE[str], "message": _SIMPLE[str], **error})},
    }
    return _object(properties)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8", newline="\n")
