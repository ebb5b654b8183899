"""Choices that are made alike for every generation: window or none, device, backend of the process group."""

from __future__ import annotations

from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import CHECKPOINT, DEFAULT, FLAG, OVERRIDE, EvalRequest, Origin, Source, Sourced
from pmlaunch.planning.resolve import Things
from pmlaunch.request import require_choice
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform


def headless_or_window(request: EvalRequest, settings: Settings, things: Things, platform: Platform) -> Sourced[bool]:
    """A window where a person can look at it: on Windows, or where there is a display; never in CI."""
    typed = [item.value for item in things.overrides if item.kind == "value" and item.key == "headless"]
    if typed:
        return Sourced(bool(typed[-1]), OVERRIDE)
    preset = things.model.preset
    if request.headless is not None:
        return Sourced(request.headless, FLAG)
    if preset and preset.values.get("headless") is not None:
        return Sourced(bool(preset.values["headless"]), preset.source)
    chosen = settings.get("headless")
    if chosen is not None:
        return Sourced(bool(chosen.value), chosen.source)
    environment = settings.environment
    if environment.get("CI"):
        return Sourced(True, Source(Origin.ENVIRONMENT, "environment CI"))
    if platform.has_display(environment):
        return Sourced(False, DEFAULT)
    return Sourced(True, Source(Origin.DEFAULT, "default: no display"))


def device_of(request: EvalRequest, settings: Settings, things: Things) -> Sourced[str | None]:
    """The device, gpu or cpu; None if the checkpoint or upstream decides. Raises PML001."""
    preset = things.model.preset
    chosen = settings.get("device", request.device)
    if request.device is None and preset and preset.values.get("device"):
        chosen = Sourced(str(preset.values["device"]), preset.source)
    if chosen is None:
        return Sourced(None, CHECKPOINT)
    require_choice(EvalRequest, "device", chosen.value)
    return chosen


def backend_of(
    request: EvalRequest, settings: Settings, platform: Platform
) -> tuple[Sourced[str | None], Sourced[str] | None]:
    """(the process group's backend, or None for Lightning's choice; Fabric's strategy when there is no group)."""
    chosen = settings.get("ddp_backend", request.ddp_backend) or Sourced("auto", DEFAULT)
    require_choice(EvalRequest, "ddp_backend", chosen.value)
    if chosen.value == "auto":
        return Sourced(platform.ddp_backend, Source(Origin.PLATFORM, f"platform {platform.name}")), None
    if chosen.value == "none":
        return Sourced(None, chosen.source), Sourced("auto", chosen.source)
    return chosen, None


def path_text(path: Sourced[Any], platform: Platform, things: Things) -> Sourced[str]:
    """A path as the target's command line has it."""
    return Sourced(platform.path_text(path.value, things.checkout.root), path.source)


def seconds_of(key: str, settings: Settings, flag: float | None, default: float | None) -> Sourced[Any]:
    """A limit in seconds, from whatever layer it comes; None is no limit. Raises PML001."""
    chosen = settings.get(key, flag) or Sourced(default, DEFAULT)
    if chosen.value is not None and not chosen.value > 0:
        message = f"--{key} cannot be {chosen.value:g} ({chosen.source}): it is a number of seconds above 0."
        raise PmlaunchError("PML001", message, hint=f"--{key} 600, or leave it out")
    return chosen


def at_least_one(option: str, count: Sourced[Any]) -> Sourced[Any]:
    """`count`, if it is one. Raises PML001."""
    if count.value < 1:
        raise PmlaunchError("PML001", f"{option} cannot be {count.value}: it is at least 1.")
    return count
