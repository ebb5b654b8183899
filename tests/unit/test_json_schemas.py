"""The published JSON schemas describe the files that were really written: those in tests/snapshots/recorded."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "snapshots" / "recorded"
_NUMBER = re.compile(r"<(seconds|rate|pid|time|figure)>")


def without_placeholders(value: Any, key: str = "") -> Any:
    """Recorded files have placeholders where a number differs from run to run; `started` is a time as text."""
    if isinstance(value, dict):
        return {name: without_placeholders(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [without_placeholders(item) for item in value]
    return 1.0 if isinstance(value, str) and _NUMBER.fullmatch(value) and key != "started" else value


SCHEMAS: dict[str, Any] = importlib.import_module("json_schemas").schemas()


def load(path: Path) -> Any:
    return without_placeholders(json.loads(path.read_text(encoding="utf-8")))


def errors(name: str, document: Any) -> list[str]:
    return [
        f"{error.json_path}: {error.message}"[:300]
        for error in Draft202012Validator(SCHEMAS[name]).iter_errors(document)
    ]


# variants are recorded as differences from these
RUNS = {name: load(RECORDED / "run" / f"{name}.json") for name in ("2.x", "3.x", "demo")}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", ["spec", "result", "record", "metrics"])
def test_files_of_a_run(run: str, name: str) -> None:
    assert errors(name, RUNS[run][f"{name}.json"]) == []


@pytest.mark.parametrize("run", RUNS)
def test_events_of_a_run(run: str) -> None:
    events = RUNS[run]["events.jsonl"]
    assert len(events) > 5
    assert [found for event in events for found in errors("events", event)] == []


def test_output_of_commands() -> None:
    documents = {str(path.relative_to(RECORDED)): load(path) for path in RECORDED.rglob("*.json")}
    printed = {name: document for name, document in documents.items() if set(document) >= {"command", "ok", "data"}}
    assert len(printed) > 50
    assert {name: found for name, document in printed.items() if (found := errors("output", document))} == {}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_refuses(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert errors(name, {})
    assert errors(name, [])


def test_schema_tells_a_wrong_type_and_an_unknown_key() -> None:
    spec = RUNS["2.x"]["spec.json"]
    assert errors("spec", {**spec, "module": "also"})
    assert errors("spec", {**spec, "cwd": 1})
    assert errors("spec", {**spec, "unknown": 1})
    assert errors("events", {"event": "step", "t": 1.0, "n": "one", "rate": None})
