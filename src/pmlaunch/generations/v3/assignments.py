"""A user's overrides for ProtoMotions 3: `key=value` with Python's values, as inference_agent.py takes them.

The spelling of 2.x is accepted as well: a leading + or ++, the words true, false and null, and the plain names of
what is a command-line option in 3.x (num_envs=4). Keys without an equivalent in 3.x are refused before the start.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.overrides import OverrideKind, UserOverride

PARTS = ("env", "simulator", "robot", "agent", "terrain", "motion_lib", "scene_lib")
OPTIONS = ("checkpoint", "motion_file", "scenes_file", "num_envs", "headless", "command_source")
_GROUPS = ("robot", "simulator")
_WITHOUT_EQUIVALENT: Mapping[str, str] = {
    "terrain": "the terrain is frozen in the checkpoint's configs; override a field with terrain.FIELD=VALUE",
    "opt": "the constraints of MaskedMimic are frozen in the checkpoint's configs",
    "exp": "the experiment is frozen in the checkpoint's configs",
    "seed": "use --seed",
    "ngpu": "use --devices",
    "nodes": "inference_agent.py runs on a single machine",
    "fabric": "use --device, --devices and --ddp-backend",
    "hydra": "3.x does not use Hydra",
}
_SPELLED = {"true": "True", "false": "False", "null": "None", "none": "None"}


def parse_assignments(texts: Sequence[str]) -> list[UserOverride]:
    """`texts` as inference_agent.py would take them.

    Raises PML002 if one is not key=value, PML003 for a key in no part of the configs, and PML016 for a key of 2.x that
    3.x has no equivalent for.
    """
    return [_parse(text) for text in texts]


def _parse(text: str) -> UserOverride:
    added = text.startswith("+")
    key, equals, right_side = text.lstrip("+").partition("=")
    key, right_side = key.strip(), right_side.strip()
    if text.startswith("~"):
        raise PmlaunchError("PML016", f"{text} deletes a key, which ProtoMotions 3 does not support.", subject=text)
    if not equals or not key:
        raise PmlaunchError("PML002", f"{text} is not an override: it has no key=value.", subject=text)
    word = _SPELLED.get(right_side.casefold(), right_side)
    value = _value(word)
    first = key.replace("@", ".").replace("/", ".").split(".")[0]
    if key in _GROUPS:
        return UserOverride(OverrideKind.GROUP, key, right_side, str(value), added)
    if key in OPTIONS or (first in PARTS and "." in key):
        return UserOverride(OverrideKind.VALUE, key, word, value, added)
    if first in _WITHOUT_EQUIVALENT:
        message = f"{key} has no equivalent in ProtoMotions 3: {_WITHOUT_EQUIVALENT[first]}."
        raise PmlaunchError("PML016", message, subject=text)
    near = did_you_mean(first, [*PARTS, *OPTIONS])
    parts = ", ".join(f"{part}.*" for part in PARTS)
    message = f"ProtoMotions 3 has no key {key}.{near}"
    raise PmlaunchError("PML003", message, hint=f"overrides start with one of {parts}", subject=text)


def literal(text: Any) -> Any:
    """The value that upstream's text of a config stands for; anything but a text unchanged."""
    return _value(text) if isinstance(text, str) else text


def _value(word: str) -> Any:
    """The value that upstream makes of the text, by the same rule."""
    try:
        value = ast.literal_eval(word)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return word
    return value if isinstance(value, (bool, int, float, str, list, dict, type(None))) else word
