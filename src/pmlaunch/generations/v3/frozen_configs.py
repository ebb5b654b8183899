"""The frozen configs of ProtoMotions 3: resolved_configs_inference.pt beside a checkpoint, and its text.

The .pt is a pickle, and upstream loads it with weights_only=False: that may run anything. Here its opcodes are
read (frozenpickle.py), which runs nothing: they tell the robot's class and every name that loading would import. The .yaml beside
it is upstream's own best-effort text of the same configs; all its values are texts.
"""

from __future__ import annotations

import contextlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v3.frozen_pickle import read_names
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.yaml_file import yaml_mapping

CONFIGS = "resolved_configs_inference.pt"
_TEXT = "resolved_configs_inference.yaml"
_MAXIMUM_PICKLE = 16 << 20  # bytes; a real one has 27 kB
_ROBOT = re.compile(r"protomotions\.robot_configs\.(?!base\.|factory\.)(\w+)\.\w+")


@dataclass(frozen=True)
class FrozenConfigs:
    """What the pickle says without being loaded. `state` is "here", "pointer", "missing" or "unreadable".

    `robot` is the module of the robot's class; `foreign` what configs have no need of: names, or (what is done).
    """

    state: str
    robot: str | None = None
    foreign: tuple[str, ...] = ()


def read_frozen(checkpoint: Path) -> FrozenConfigs:
    """The frozen configs beside `checkpoint`. Never raises for what the file holds."""
    path = checkpoint.parent / CONFIGS
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return FrozenConfigs("missing")


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> FrozenConfigs:
    if lfs.read_pointer(path) is not None:
        return FrozenConfigs("pointer")
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":  # torch would take it for a bare pickle, whatever archive hangs behind it
                return FrozenConfigs("unreadable")
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.casefold().endswith("/data.pkl")]
            if archive.getinfo(name).file_size > _MAXIMUM_PICKLE:
                raise ValueError("too long for configs")
            names, foreign = read_names(archive.read(name))
    except (ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return FrozenConfigs("unreadable")
    robots = {match[1] for name in names if (match := _ROBOT.fullmatch(name))}
    return FrozenConfigs("here", robots.pop() if len(robots) == 1 else None, tuple(sorted(foreign)))


def frozen_text(checkpoint: Path) -> Mapping[str, Any]:
    """The configs as upstream wrote them down in YAML; empty where it did not, or not readably."""
    path = checkpoint.parent / _TEXT
    try:
        return _text(path, path.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=64)
def _text(path: Path, _changed: int) -> Mapping[str, Any]:
    """Cached by content: two thousand lines of YAML take longer than everything else that a plan reads."""
    cache, key = JsonCache("frozen"), content_key("frozen 1", path.read_bytes())
    entry = cache.get(key)
    if isinstance(entry, dict):
        return entry
    try:
        text = {} if lfs.read_pointer(path) else yaml_mapping(path)
    except PmlaunchError:
        return {}
    with contextlib.suppress(TypeError, ValueError, RecursionError):  # dates, or a list that holds itself: no cache
        cache.put(key, text)
    return text


def text_at(text: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; None where there is none. "None" is None: upstream writes texts only."""
    node: Any = text
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return None if node == "None" else node


def number_at(text: Mapping[str, Any], key: str) -> float | None:
    """The number at a dotted key; None where there is none."""
    try:
        return float(text_at(text, key))
    except (TypeError, ValueError):
        return None


def typed_arguments(checkpoint: Path) -> Mapping[str, Any]:
    """What was typed for the training: ProtoMotions 3 keeps it as JSON in config.yaml. Empty for any other file."""
    try:
        content = (checkpoint.parent / "config.yaml").read_text(encoding="utf-8")
        arguments = json.loads(content) if content.lstrip().startswith("{") else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) and "robot_name" in arguments else {}


def is_of_generation_3(checkpoint: Path) -> bool:
    """Whether ProtoMotions 3 made this checkpoint, by what lies beside it."""
    return (checkpoint.parent / CONFIGS).is_file() or bool(typed_arguments(checkpoint))


def robot_names(checkpoint: Path) -> Iterator[str]:
    """The robot's name as the files tell it, the surest first."""
    frozen = read_frozen(checkpoint)
    if frozen.robot:
        yield frozen.robot
    typed = typed_arguments(checkpoint).get("robot_name")
    if isinstance(typed, str):
        yield typed


def robot_bodies(checkpoint: Path) -> frozenset[str]:
    """The bodies of the trained robot, from the text of the configs; empty where that does not tell."""
    bodies = text_at(frozen_text(checkpoint), "robot.kinematic_info.body_names")
    return frozenset(map(str, bodies)) if isinstance(bodies, list) else frozenset()


def trained_simulator(checkpoint: Path) -> str | None:
    """The simulator of the training: protomotions.simulator.NAME.simulator.Class; None where that is not said."""
    parts = str(text_at(frozen_text(checkpoint), "simulator._target_")).split(".")
    if len(parts) >= 3:
        return parts[-3]
    typed = typed_arguments(checkpoint).get("simulator")
    return typed if isinstance(typed, str) else None


def measures_something(checkpoint: Path) -> bool:
    """Whether the checkpoint's evaluator has anything to measure, which a prior's has not; yes where it is not said."""
    evaluator = text_at(frozen_text(checkpoint), "agent.evaluator")
    return not isinstance(evaluator, Mapping) or evaluator.get("evaluation_components", True) != {}
