"""What doctor looks at: found as an evaluation would find it, from the same flags and settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmlaunch.catalog.presets import Preset, presets
from pmlaunch.doctor.check import OWN_PACKAGES, Site, finding
from pmlaunch.doctor.nvidia import has_nvidia
from pmlaunch.doctor.probe import probe_of
from pmlaunch.errors import NoCheckoutError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.planning.launch import runs_folder
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.runtimes.choose import choose_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.names import choose
from pmlaunch.support.platforms import Platform, platform_named

EMBEDDED = "mujoco"  # the embedded evaluation's simulator; with ProtoMotions 3 it is one of upstream's
_OF_SIMULATOR = {"isaaclab": ("isaaclab", "isaacsim"), "isaacgym": ("isaacgym",)}
_NEXT = "pmlaunch install makes one; pmlaunch eval demo --motion walk needs none"


def make_site(
    settings: Settings,
    *,
    simulator: str | None = None,
    protomotions: str | None = None,
    isaaclab: str | None = None,
    python: str | None = None,
    via: str | None = None,
    runs: str | None = None,
    device: str | None = None,
    quick: bool = False,
) -> Site:
    """The machine as a run would find it. Raises PML001, PML010 and PML015 for what was typed or set wrongly."""
    platform = platform_named(None)
    preset = _simulator(settings, simulator)
    checkout, problem = _checkout(settings, protomotions, preset.name == EMBEDDED)
    embedded = preset.name == EMBEDDED and (checkout is None or checkout.generation is Generation.V2)
    runtime = choose_runtime(
        via=str(_value(settings, "via", via) or "auto"),
        wanted=str(preset.values.get("runtime", "python")),
        own=embedded,
        isaaclab=isaaclab,
        python=python,
        settings=settings,
        beside=checkout.root if checkout else settings.folder,
        platform=platform,
    )
    chosen = _value(settings, "device", device)
    require_choice(EvalRequest, "device", chosen)
    devices: Sequence[str] = preset.values.get("devices") or ("gpu",)
    backend = _backend(settings, platform, chosen, devices)
    own = () if checkout is None or embedded else OWN_PACKAGES.get(checkout.generation, ())
    modules = ("lightning", *own, *_OF_SIMULATOR.get(preset.name, ()))
    probe = None if quick else probe_of(runtime, platform, settings.environment, checkout, modules, backend)
    return Site(
        settings,
        platform,
        preset,
        runtime,
        Path(runs_folder(settings, runs).value),
        checkout,
        problem,
        chosen,
        backend,
        embedded,
        quick,
        probe,
    )


def _value(settings: Settings, key: str, flag: str | None) -> Any | None:
    chosen = settings.get(key, flag)
    return None if chosen is None else chosen.value


def _simulator(settings: Settings, flag: str | None) -> Preset:
    known = presets("simulator", settings.preset_folders).values()
    wanted = str(_value(settings, "simulator", flag) or "isaaclab")
    return choose("simulator", wanted, known, lambda item: item.names, listing="pmlaunch list simulators")


def _checkout(settings: Settings, flag: str | None, embedded: bool) -> tuple[Checkout | None, Finding | None]:
    """The checkout, or why there is none: an error, unless only the embedded evaluation is asked about."""
    try:
        return find_checkout(settings, flag), None
    except NoCheckoutError as error:
        severity = Severity.NOTE if embedded and flag is None else Severity.ERROR
        return None, finding(error.code, severity, error.message, _NEXT, about=error.subject or "")


def _backend(settings: Settings, platform: Platform, device: str | None, devices: Sequence[str]) -> str | None:
    """The backend of a run's process group: the one that was set, the platform's, else Lightning's own choice."""
    chosen = str(_value(settings, "ddp_backend", None) or "auto")
    if chosen == "none":
        return None
    if chosen != "auto":
        return chosen
    on_cpu = device == "cpu" or "gpu" not in devices or not has_nvidia(settings.environment)
    return platform.ddp_backend or ("gloo" if on_cpu else "nccl")
