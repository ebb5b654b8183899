"""Robots and simulators of a checkout, with the names that presets give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pmlaunch.catalog.presets import MOST_ENVS, RobotPreset, SimulatorPreset
from pmlaunch.generations.checkout import Checkout, RobotOutline
from pmlaunch.model import RuntimeKind
from pmlaunch.support.json import HIDDEN
from pmlaunch.support.names import choose


@dataclass(frozen=True)
class Robot(RobotOutline):
    """A robot that can be simulated. `motion_prefix` is how the names of its motion files begin."""

    title: str
    names: tuple[str, ...]
    motion_prefix: str

    def __json__(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, "bodies": len(self.bodies), "actions": self.actions}


@dataclass(frozen=True)
class Simulator:
    """A simulator that the checkout can run: `runtime` starts it, on one of `devices`.

    `keys` maps a key of its window to what it does. For `packages` and `most_envs` see `SimulatorPreset`.
    """

    name: str
    title: str
    names: tuple[str, ...] = field(metadata=HIDDEN)
    runtime: RuntimeKind
    devices: tuple[str, ...]
    keys: Mapping[str, str] = field(default_factory=dict, metadata=HIDDEN)
    packages: tuple[str, ...] = field(default=(), metadata=HIDDEN)
    most_envs: int = field(default=MOST_ENVS, metadata=HIDDEN)


def robots(checkout: Checkout, known: Mapping[str, RobotPreset]) -> list[Robot]:
    """The robots of the checkout that can be simulated."""
    found = []
    for outline in checkout.robots():
        name, preset = outline.name, known.get(outline.name)
        title, names, prefix = (preset.title, preset.names, preset.motion_prefix) if preset else (name, (name,), None)
        found.append(Robot(name, outline.bodies, outline.actions, title, names, prefix or name))
    return found


def simulators(checkout: Checkout, known: Mapping[str, SimulatorPreset]) -> list[Simulator]:
    """The simulators of the checkout; one without a preset runs in a plain Python, on any device."""
    found = []
    for name in checkout.simulators():
        preset = known.get(name)
        if preset:
            shared = {item.name: getattr(preset, item.name) for item in fields(Simulator)}
            found.append(Simulator(**{**shared, "name": name}))
        else:
            found.append(Simulator(name, name, (name,), RuntimeKind.PYTHON, ("gpu", "cpu")))
    return found


def choose_robot(wanted: str, available: Iterable[Robot]) -> Robot:
    """The robot that `wanted` names. Raises PML010 and PML011."""
    return choose("robot", wanted, available, lambda robot: robot.names, listing="pmlaunch list robots")


def choose_simulator(wanted: str, available: Iterable[Simulator]) -> Simulator:
    """The simulator that `wanted` names. Raises PML010 and PML011."""
    return choose("simulator", wanted, available, lambda simulator: simulator.names, listing="pmlaunch list simulators")


def robot_with_bodies(bodies: frozenset[str], available: Sequence[Robot]) -> Robot | None:
    """The smallest robot that has all of these bodies; None for no bodies."""
    holding = [robot for robot in available if bodies and bodies <= frozenset(robot.bodies)]
    return min(holding, key=lambda robot: len(robot.bodies), default=None)


def whose_bodies(names: Sequence[str], available: Sequence[Robot]) -> tuple[Robot | None, str | None]:
    """(robot of a motion with these bodies, what about them is wrong). Upstream takes bodies by their position.

    The robot is the one with exactly these bodies, else the one that shares most names, which must be more than half.
    """
    exact = next((robot for robot in available if robot.bodies == tuple(names)), None)
    if exact is not None:
        return exact, None
    given = frozenset(names)
    nearest = max(available, key=lambda robot: 2 * len(given & set(robot.bodies)) - len(robot.bodies), default=None)
    if nearest is None or 2 * len(given & set(nearest.bodies)) <= max(len(names), len(nearest.bodies)):
        return None, None
    missing = [body for body in nearest.bodies if body not in given]
    extra = [body for body in dict.fromkeys(names) if body not in nearest.bodies]
    parts = [f"{what} {', '.join(bodies[:4])}" for what, bodies in (("misses", missing), ("adds", extra)) if bodies]
    if not parts and len(names) == len(given):
        place = next(index for index, pair in enumerate(zip(names, nearest.bodies, strict=True)) if pair[0] != pair[1])
        parts = [f"has its bodies in another order (number {place} is {names[place]}, not {nearest.bodies[place]})"]
    return nearest, " and ".join(parts or ["contains a body twice"])
