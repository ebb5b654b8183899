"""The config.yaml that a training of ProtoMotions 2 leaves beside its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmlaunch.generations.checkout import RobotOutline
from pmlaunch.support.json import as_mapping
from pmlaunch.support.paths import is_remote
from pmlaunch.support.yaml_file import yaml_mappings

_MISSING = "???"


def config_of(checkpoint: Path) -> Path | None:
    """The training's config.yaml where eval_agent.py looks for it: beside the checkpoint, or one folder above."""
    places = (folder / "config.yaml" for folder in checkpoint.parents[:2])
    return next((place for place in places if place.is_file()), None)


@lru_cache(maxsize=64)
def _robot_part(config: Path, _changed: int) -> Mapping[str, Any]:
    content = as_mapping(*yaml_mappings([config]))  # the config check reports a broken file
    return as_mapping(content.get("robot"))


def _trained_robot(checkpoint: Path) -> Mapping[str, Any]:
    """The part `robot` of the training's config; empty if there is none."""
    config = config_of(checkpoint)
    return _robot_part(config, config.stat().st_mtime_ns) if config else {}


def trained_bodies(checkpoint: Path) -> frozenset[str]:
    """The body names that the checkpoint's network was trained for; empty if its config does not tell."""
    bodies = _trained_robot(checkpoint).get("body_names")
    return frozenset(map(str, bodies)) if isinstance(bodies, list) else frozenset()


def trained_changes(config_dir: Path, robot: RobotOutline, checkpoint: Path) -> dict[str, Any]:
    """What the training changed in its robot: dotted key -> value, for single values and lists of them.

    `+robot=NAME` on the command line resets every value of the robot's group over the checkpoint's own config: a
    policy trained with another control type would silently be evaluated with the group's. Empty if the checkpoint was
    trained for another robot.
    """
    if trained_bodies(checkpoint) != frozenset(robot.bodies):
        return {}
    group = dict(_leaves(_with_defaults(config_dir, robot.name), "robot"))
    own = dict(_leaves(_trained_robot(checkpoint), "robot"))
    return {key: value for key, value in own.items() if key in group and group[key] != value and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    """Whether a number, truth value or text means itself: it is neither ??? nor an interpolation."""
    if isinstance(value, list):
        return all(_is_plain(item) and not isinstance(item, list) for item in value)
    return isinstance(value, (int, float)) or (isinstance(value, str) and "${" not in value and value != _MISSING)


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _leaves(child, f"{prefix}.{key}")
    else:
        yield prefix, node


def _with_defaults(config_dir: Path, name: str, depth: int = 0) -> dict[str, Any]:
    """The values of a robot's group, including those of the options in its defaults list."""
    content = as_mapping(*yaml_mappings([config_dir / "robot" / f"{name}.yaml"]))
    values: dict[str, Any] = {}
    for parent in content.get("defaults") or []:
        if isinstance(parent, str) and parent != "_self_" and not is_remote(parent) and depth < 5:
            values = _merged(values, _with_defaults(config_dir, parent, depth + 1))
    return _merged(values, as_mapping(content.get("robot")))


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {key for key, value in other.items() if isinstance(value, dict) and isinstance(one.get(key), dict)}
    return {**one, **{key: _merged(one[key], value) if key in both else value for key, value in other.items()}}
