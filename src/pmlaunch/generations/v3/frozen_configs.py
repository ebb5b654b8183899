"""The frozen configs of ProtoMotions 3: resolved_configs_inference.pt beside a checkpoint, and its text version.

The .pt is a pickle that upstream loads with weights_only=False, which may execute anything. Here only its opcodes are
read (frozen_pickle.py); they tell the robot's class and every name that loading would import. The .yaml beside it is
upstream's best-effort dump of the same configs, in which all values are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.generations.v3.frozen_pickle import read_names
from pmlaunch.generations.values import Training
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Generation
from pmlaunch.support.files import open_ordinary
from pmlaunch.support.json import as_mapping
from pmlaunch.support.torch_pickles import pickle_in_zip
from pmlaunch.support.yaml_file import yaml_mappings

_TEXT = "resolved_configs_inference.yaml"
_ROBOT = re.compile(r"protomotions\.robot_configs\.(?!base\.|factory\.)(\w+)\.\w+")


class FrozenState(Enum):
    """What is beside a checkpoint: frozen configs, their Git LFS pointer, nothing, or another file."""

    HERE = "here"
    POINTER = "pointer"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class FrozenConfigs:
    """What is known about the pickle without loading it."""

    state: FrozenState
    robot: str | None = None  # the module of the robot's class; None if there is not exactly one
    foreign: tuple[str, ...] = ()  # what configs do not need: names that loading would import or call, (descriptions)
    called: frozenset[str] = field(default=frozenset(), compare=False)  # must be classes of the checkout
    named: frozenset[str] = field(default=frozenset(), compare=False)  # must be classes or functions of the checkout


def read_frozen(checkpoint: Path) -> FrozenConfigs:
    """Read the frozen configs beside `checkpoint`. Invalid content is a state, not an error."""
    path = checkpoint.parent / FROZEN_CONFIGS
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return FrozenConfigs(FrozenState.MISSING)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> FrozenConfigs:
    if lfs.read_pointer(path) is not None:
        return FrozenConfigs(FrozenState.POINTER)
    try:
        with open_ordinary(path) as file:
            found = read_names(pickle_in_zip(file))
    except (ValueError, OSError):
        return FrozenConfigs(FrozenState.UNREADABLE)
    robots = {match[1] for name in found.names if (match := _ROBOT.fullmatch(name))}
    robot = robots.pop() if len(robots) == 1 else None
    return FrozenConfigs(FrozenState.HERE, robot, tuple(sorted(found.foreign)), found.called, found.values)


def frozen_text(checkpoint: Path) -> Mapping[str, Any]:
    """Read the configs from upstream's YAML dump; empty if it is missing or unreadable."""
    path = checkpoint.parent / _TEXT
    try:
        return _text(path, path.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=64)
def _text(path: Path, _changed: int) -> Mapping[str, Any]:
    return as_mapping(*yaml_mappings([path]))


def text_at(text: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key; None if there is none or if it is "None", since upstream writes text only."""
    node: Any = text
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return None if node == "None" else node


def number_at(text: Mapping[str, Any], key: str) -> float | None:
    """Return the number at a dotted key; None if there is none."""
    try:
        return float(text_at(text, key))
    except (TypeError, ValueError):
        return None


def training(checkpoint: Path, arguments: Mapping[str, Any]) -> Training:
    """What the frozen configs tell about the training, and its command-line `arguments` where they do not."""
    text = frozen_text(checkpoint)
    robots = (read_frozen(checkpoint).robot, arguments.get("robot_name"))
    bodies = text_at(text, "robot.kinematic_info.body_names")
    path = str(text_at(text, "simulator._target_")).split(".")  # protomotions.simulator.NAME.simulator.Class
    simulator = path[-3] if len(path) >= 3 else arguments.get("simulator")
    evaluator = text_at(text, "agent.evaluator")
    return Training(
        Generation.V3,
        robots=tuple(name for name in robots if isinstance(name, str)),
        bodies=frozenset(map(str, bodies)) if isinstance(bodies, list) else frozenset(),
        simulator=simulator if isinstance(simulator, str) else None,
        measures=not isinstance(evaluator, Mapping) or evaluator.get("evaluation_components", True) != {},
    )
