"""Replaces values that differ between machines or runs with placeholders such as `<tmp>`, `<python>` and `<seconds>`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

# Prose. It may be reworded at any time, so a snapshot only says whether there is any.
_PROSE = {"message", "hint", "cause", "cure", "text", "skipped", "traceback", "notes", "repairs"}

# Keys whose values depend on the machine or the run.
_VARYING = {
    "seconds": "<seconds>",  # except for a motion, where it is the length of the clip: see _is_clip()
    "stages": "<seconds>",
    "t": "<seconds>",
    "pid": "<pid>",
    "created": "<time>",
    "started": "<time>",
    "versions": "<version>",
    "pmlaunch": "<version>",
    "system": "<system>",
}

# The line of each test, and signed. tests/integration/test_history.py looks at it.
_ASKED = {"command": ["<asked>"], "folder": "<asked>", "request": None, "chosen": None, "signature": None}

_RATES = {"rate", "steps_per_second"}  # null when the run was too short for the clock
_PYTHON = (sys.version.split()[0], ".".join(map(str, sys.version_info[:2])))

_PATTERNS = (
    (re.compile(r"\b\d{8}-\d{6}\b"), "<time>"),  # in the names of run folders and log folders
    (re.compile(r"(?<=<time>-)\d+\b"), "<pid>"),
    (re.compile(r"(?<=<pid>/)\d\d-[\w-]+\.log"), "<log>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<commit>"),
    (re.compile(r"\bpmlaunch_agent(\.\w+)+"), "<pmlaunch_agent>"),  # the agent's modules are not part of the contract
)


def normalise(value: Any, places: Mapping[str, str]) -> Any:
    """Return a JSON value with placeholders in it; `places` maps folders and programs of this machine to theirs."""
    if isinstance(value, dict):
        return {normalise(key, places): _entry(key, value, places) for key in value}
    if isinstance(value, list):
        return [normalise(item, places) for item in value]
    if not isinstance(value, str):
        return value
    if value in _PYTHON:
        return "<version>"
    for place in sorted(places, key=len, reverse=True):  # nested folders first
        value = value.replace(place, places[place])
    for pattern, placeholder in _PATTERNS:
        value = pattern.sub(placeholder, value)
    return value


def _entry(key: str, mapping: Mapping[str, Any], places: Mapping[str, str]) -> Any:
    """Normalise the value of `key` in `mapping`."""
    value = mapping[key]
    if key == "versions" and "together" in mapping:
        return "<machine>"  # of runtime: what is installed in pmlaunch's own Python
    if key == "asked" and value:
        return _ASKED
    if key in _PROSE and not isinstance(value, int):  # "skipped" is also a number of cases
        return _everywhere(value, "<text>")
    if key in _RATES:
        return "<rate>"
    if key in _VARYING and not _is_clip(mapping):
        return _everywhere(value, _VARYING[key])
    return normalise(value, places)


def _everywhere(value: Any, placeholder: str) -> Any:
    """Replace every number and text in `value` by `placeholder`; keep null and the empty text."""
    if isinstance(value, dict):
        return {key: _everywhere(item, placeholder) for key, item in value.items()}
    if isinstance(value, list):
        return [_everywhere(item, placeholder) for item in value]
    return value if value is None or value == "" else placeholder


def _is_clip(mapping: Mapping[str, Any]) -> bool:
    return "fps" in mapping


# doctor's checks whose result depends on the hardware, and findings that depend on it or on the version of Python
_HARDWARE = {"compatibility", "gpu", "disk", "cache", "system", "runs"}
_OF_THE_MACHINE = {"PML233", "PML234", "PML235", "PML236", "PML238", "PML243", "PML244", "PML247"}


def without_hardware(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of doctor without what another machine, or tests that run at the same time, would change."""

    def kept(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [finding for finding in findings if finding["code"] not in _OF_THE_MACHINE]

    def stripped(check: dict[str, Any]) -> dict[str, Any]:
        if check["name"] in _HARDWARE:
            return {**check, **dict.fromkeys(("state", "facts", "findings", "fixable"), "<machine>")}
        return {**check, "findings": kept(check["findings"])}

    data = document["data"]
    groups = [{**group, "checks": [stripped(check) for check in group["checks"]]} for group in data["groups"]]
    return {**document, "data": {**data, "groups": groups}, "findings": kept(document["findings"])}
