"""The frozen configs of ProtoMotions 3: resolved_configs_inference.pt beside a checkpoint, and its text.

The .pt is a pickle, and upstream loads it with weights_only=False: that may run anything. Here its opcodes are
read, which runs nothing: they tell the robot's class and every name that loading would import. The .yaml beside
it is upstream's own best-effort text of the same configs; all its values are texts.
"""

from __future__ import annotations

import contextlib
import json
import pickletools
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmlaunch.cache import JsonCache, content_key
from pmlaunch.checkouts import lfs
from pmlaunch.errors import PmlaunchError
from pmlaunch.yamlfile import yaml_mapping

CONFIGS = "resolved_configs_inference.pt"
_TEXT = "resolved_configs_inference.yaml"
_MAXIMUM_PICKLE = 16 << 20  # bytes; a real one has 27 kB
_ROBOT = re.compile(r"protomotions\.robot_configs\.(?!base\.|factory\.)(\w+)\.\w+")
# what dataclasses, enums, functions of ProtoMotions and tensors need; its utils can import and call by name
_HARMLESS = re.compile(
    r"protomotions\.(?!utils\.|assets\.|cli\.|train_|inference_)[\w.]+"
    r"|examples\.experiments\.[\w.]+"
    r"|collections\.(OrderedDict|defaultdict|deque)"
    r"|torch\.(\w+Storage|device|dtype|Size|float\w*|int\w*|bool|bfloat16|_utils\._rebuild_\w+)"
    r"|(numpy\.(ndarray|dtype|bool_|float\d+|int\d+)|numpy\._?core\.(multiarray\.(_reconstruct|scalar)))"
    r"|pathlib\.(Pure)?(Posix|Windows)?Path|argparse\.Namespace|builtins\.(set|frozenset|slice|complex|range)"
)
_TARGETS = re.compile(r"(protomotions|lightning|torch\.optim|torch\.nn)\.[\w.]+")


@dataclass(frozen=True)
class FrozenConfigs:
    """What the pickle says without being loaded. `state` is "here", "pointer", "missing" or "unreadable".

    `robot` is the module of the robot's class; `foreign` the names that configs have no need of.
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
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if archive.getinfo(name).file_size > _MAXIMUM_PICKLE:
                raise ValueError("too long for configs")
            names, targets = _names(archive.read(name))
    except (ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return FrozenConfigs("unreadable")
    robots = {match[1] for name in names if (match := _ROBOT.fullmatch(name))}
    foreign = {name for name in names if not _HARMLESS.fullmatch(name)}
    foreign |= {target for target in targets if not _TARGETS.fullmatch(target)}
    return FrozenConfigs("here", robots.pop() if len(robots) == 1 else None, tuple(sorted(foreign)))


def _names(payload: bytes) -> tuple[set[str], set[str]]:
    """(what loading would import, the values that follow a key `_target_`). Raises ValueError."""
    names: set[str] = set()
    targets: set[str] = set()
    memo: dict[Any, str | None] = {}
    value: str | None = None
    after_target = False
    for opcode, argument, _position in pickletools.genops(payload):
        if opcode.name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[argument] = value
            continue
        if opcode.name == "GLOBAL":
            names.add(str(argument).replace(" ", "."))
        elif opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"):
            names.add(f"({opcode.name})")  # torch.save writes protocol 2, which has no need of these
        if opcode.name in ("BINGET", "LONG_BINGET", "GET"):
            value = memo.get(argument)
        else:
            value = argument if isinstance(argument, str) and opcode.name != "GLOBAL" else None
        if after_target and value is not None:
            targets.add(value)
        after_target = value == "_target_"
    return names, targets


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
