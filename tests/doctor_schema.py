"""Validates documents of `pmlaunch doctor --json` against docs/doctor.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "doctor.schema.json").read_text(encoding="utf-8"))


def schema_errors(document: Any) -> list[str]:
    """What is wrong with a document, each with its place in it; empty if it is valid."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(document)]
