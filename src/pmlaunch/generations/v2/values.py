"""Decide the values of a run and write them as the override list of eval_agent.py.

The order is part of the contract with upstream: it scans its arguments for the word robot before the word
simulator, so these two groups stand first; then the other groups, then the values, the user's own last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pmlaunch.catalog.constraints import GROUP, choose_constraint, constraints
from pmlaunch.catalog.models import trained_robot
from pmlaunch.catalog.robots import trained_changes
from pmlaunch.errors import UnknownNameError, did_you_mean
from pmlaunch.generations.v2.overrides import UserOverride, merge_group_choices
from pmlaunch.generations.v2.quoting import value_override
from pmlaunch.model import CHECKPOINT, DEFAULT, FLAG, OVERRIDE, EvalRequest, Origin, Sourced
from pmlaunch.planning.choices import at_least_one, backend_of, device_of, headless_or_window, path_text
from pmlaunch.planning.motion_list import LIBRARY_FILE
from pmlaunch.planning.resolve import Things
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform

MAX_STEPS_KEY = "agent.config.max_eval_steps"
_BACKEND_KEY = "fabric.strategy.process_group_backend"


@dataclass(frozen=True)
class Values:
    """The decided values. `settings` are config keys with their values, in the order they are written."""

    robot: str | None
    simulator: str
    terrain: Sourced[str | None]
    constraints: Sourced[tuple[str, ...]]
    headless: Sourced[bool]
    device: Sourced[str | None]
    backend: Sourced[str | None]
    settings: Mapping[str, Sourced[Any]]
    user: tuple[UserOverride, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    metrics: bool = False

    @property
    def overridden(self) -> frozenset[str]:
        """The config keys that the user set by hand: these win over everything."""
        return frozenset(item.key for item in self.user if item.kind == "value")

    def with_value(self, key: str, value: Sourced[Any]) -> Values:
        return replace(self, settings={**self.settings, key: value})

    def arguments(self) -> list[str]:
        """The arguments of the program; of Hydra's, the override list in the only order that works."""
        written = [f"+robot={self.robot}"] if self.robot else []
        written.append(f"+simulator={self.simulator}")
        written += [f"+{group}={choice}" for group, choice in self.groups.items()]
        for key, sourced in self.settings.items():
            if key not in self.overridden:
                written.append(value_override(key, sourced.value))
        written += [item.argument() for item in self.user if item.kind != "group"]
        return written


def decide_values(request: EvalRequest, settings: Settings, things: Things, platform: Platform) -> Values:
    """Every value but the number of steps, which the composed config is needed for. Raises PML001, PML003."""
    terrain = _terrain(request, things)
    chosen = _constraints(request, things)
    headless = headless_or_window(request, settings, things, platform)
    device = device_of(request, settings, things)
    backend, strategy = backend_of(request, settings, platform)
    keys: dict[str, Sourced[Any]] = {
        "checkpoint": path_text(things.checkpoint, platform, things),
    }
    if things.motions:
        path = Sourced(things.motion_list.file or Path(LIBRARY_FILE), things.motion_source)
        keys["motion_file"] = path_text(path, platform, things)
    keys |= _trained(things)
    num_envs = settings.get("num_envs", request.num_envs)
    keys["num_envs"] = at_least_one("--num-envs", num_envs or Sourced(1, DEFAULT))
    keys["headless"] = headless
    if request.seed is not None:
        keys["seed"] = Sourced(request.seed, FLAG)
    if request.devices is not None:
        keys["ngpu"] = at_least_one("--devices", Sourced(request.devices, FLAG))
    if request.max_steps is not None:
        at_least_one("--max-steps", Sourced(request.max_steps, FLAG))
    if device.value is not None:  # the demo's config says cpu, upstream's say gpu: what was asked for is always said
        keys["fabric.accelerator"] = device
    if strategy is not None:
        keys["fabric.strategy"] = strategy
    elif backend.value is not None:
        keys[_BACKEND_KEY] = backend
    return Values(
        robot=things.robot.value.name if things.robot.value else None,
        simulator=things.simulator.value.name,
        terrain=terrain,
        constraints=chosen,
        headless=headless,
        device=device,
        backend=_overridden_backend(things, backend),
        settings=keys,
        user=things.overrides,
        groups=_groups(things.overrides, terrain, chosen),
    )


def _groups(
    overrides: tuple[UserOverride, ...], terrain: Sourced[str | None], chosen: Sourced[tuple[str, ...]]
) -> dict[str, str]:
    """Every group but robot and simulator, each once: two `+opt=` would fail, one list works."""
    groups: dict[str, str] = {"terrain": terrain.value} if terrain.value else {}
    names = dict.fromkeys([GROUP, *(item.key for item in overrides if item.kind == "group")])
    for name in names:
        if name in ("robot", "simulator", "terrain"):
            continue
        choices = merge_group_choices(overrides, name, chosen.value if name == GROUP else ())
        if choices:
            groups[name] = choices[0] if len(choices) == 1 else f"[{','.join(choices)}]"
    return groups


def _terrain(request: EvalRequest, things: Things) -> Sourced[str | None]:
    typed = merge_group_choices(things.overrides, "terrain")
    if typed:
        return Sourced(typed[-1], OVERRIDE)
    preset = things.model.preset
    if request.terrain is not None:
        options = things.checkout.options("terrain")
        if request.terrain not in options:
            near = did_you_mean(request.terrain, list(options)) or f" It is {' or '.join(options)}."
            raise UnknownNameError(f"No terrain is called {request.terrain!r}.{near}", subject=request.terrain)
        return Sourced(request.terrain, FLAG)
    if preset and preset.values.get("terrain"):
        return Sourced(str(preset.values["terrain"]), preset.source)
    return Sourced(None, CHECKPOINT)


def _constraints(request: EvalRequest, things: Things) -> Sourced[tuple[str, ...]]:
    available = constraints(things.checkout) if request.constraints else []
    options = tuple(choose_constraint(name, available).option for name in request.constraints)
    return Sourced(options, FLAG if options else DEFAULT)


def _overridden_backend(things: Things, backend: Sourced[str | None]) -> Sourced[str | None]:
    typed = [item.value for item in things.overrides if item.kind == "value" and item.key == _BACKEND_KEY]
    return Sourced(typed[-1], OVERRIDE) if typed else backend


def _trained(things: Things) -> dict[str, Sourced[Any]]:
    """What the training changed in its robot, said again: `+robot=` would set it back to the group's values."""
    robot = things.robot.value
    if robot is None or things.robot.source.origin is Origin.OVERRIDE:
        return {}
    trained = trained_robot(things.checkpoint.value)
    if frozenset(map(str, trained.get("body_names") or ())) != frozenset(robot.bodies):
        return {}
    changes = trained_changes(things.checkout, robot, trained)
    return {key: Sourced(value, CHECKPOINT) for key, value in changes.items()}
