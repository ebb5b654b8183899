"""Robots and simulators: those of a checkout, with the presets' names for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pmlaunch.catalog.presets import Preset
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.support.names import choose
from pmlaunch.support.yaml_file import yaml_mapping

_MISSING = "???"


@dataclass(frozen=True)
class Robot:
    """A robot that can be simulated: `bodies` by name in the order of its motions, `actions` a network gives."""

    name: str
    title: str
    names: tuple[str, ...]
    bodies: tuple[str, ...]
    actions: int
    motion_prefix: str

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "bodies": len(self.bodies),
            "actions": self.actions,
        }


@dataclass(frozen=True)
class Simulator:
    """A simulator that the checkout can run: `runtime` starts it, on one of `devices`."""

    name: str
    title: str
    names: tuple[str, ...]
    runtime: str
    devices: tuple[str, ...]

    def __json__(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "runtime": self.runtime,
            "devices": list(self.devices),
        }


def robots(checkout: Checkout, known: Mapping[str, Preset]) -> list[Robot]:
    """The robots of the checkout that can be run, with the presets' names for them."""
    found = []
    for outline in checkout.robots():
        preset = known.get(outline.name)
        prefix = str(preset.values.get("motion_prefix", outline.name)) if preset else outline.name
        names = preset.names if preset else (outline.name,)
        title = preset.title if preset else outline.name
        found.append(Robot(outline.name, title, names, outline.bodies, outline.actions, prefix))
    return found


def simulators(checkout: Checkout, known: Mapping[str, Preset]) -> list[Simulator]:
    """The simulators of the checkout, with what the presets know of them."""
    found = []
    for name in checkout.simulators():
        preset = known.get(name)
        if preset:
            devices = tuple(map(str, preset.values.get("devices") or ()))
            runtime = str(preset.values.get("runtime", "python"))
            found.append(Simulator(name, preset.title, preset.names, runtime, devices))
        else:
            found.append(Simulator(name, name, (name,), "python", ("gpu", "cpu")))
    return found


def choose_robot(wanted: str, available: list[Robot]) -> Robot:
    return choose("robot", wanted, available, lambda robot: robot.names, listing="pmlaunch list robots")


def choose_simulator(wanted: str, available: list[Simulator]) -> Simulator:
    return choose("simulator", wanted, available, lambda simulator: simulator.names, listing="pmlaunch list simulators")


def robot_with_bodies(bodies: frozenset[str], available: list[Robot]) -> Robot | None:
    """The robot that has exactly these bodies; failing that, the one whose bodies hold all of them."""
    for robot in available:
        if bodies == frozenset(robot.bodies):
            return robot
    holding = [robot for robot in available if bodies and bodies <= frozenset(robot.bodies)]
    return min(holding, key=lambda robot: len(robot.bodies), default=None)


def trained_changes(checkout: Checkout, robot: Robot, trained: Mapping[str, Any]) -> dict[str, Any]:
    """What a training changed in its robot: dotted key -> value, for single values and lists of them.

    `+robot=NAME` on the command line sets every value of the robot's group again, over the checkpoint's own
    config: a policy trained with another control type would be evaluated with the group's, without a word.
    """
    group = dict(_leaves(_with_defaults(checkout, robot.name), "robot"))
    own = dict(_leaves(trained, "robot"))
    return {key: value for key, value in own.items() if key in group and group[key] != value and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    """A number, a truth value or a text that means itself: no ??? and no interpolation."""
    if isinstance(value, list):
        return all(_is_plain(item) and not isinstance(item, list) for item in value)
    return isinstance(value, (int, float)) or (isinstance(value, str) and "${" not in value and value != _MISSING)


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _leaves(child, f"{prefix}.{key}")
    else:
        yield prefix, node


def _with_defaults(checkout: Checkout, name: str, depth: int = 0) -> dict[str, Any]:
    """The group's values with those of the options that its defaults list names before it."""
    try:
        content = yaml_mapping(checkout.config_dir / "robot" / f"{name}.yaml")
    except PmlaunchError:
        return {}
    values: dict[str, Any] = {}
    for parent in content.get("defaults") or []:
        if isinstance(parent, str) and parent != "_self_" and depth < 5:
            values = _merged(values, _with_defaults(checkout, parent, depth + 1))
    own = content.get("robot")
    return _merged(values, own if isinstance(own, dict) else {})


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
