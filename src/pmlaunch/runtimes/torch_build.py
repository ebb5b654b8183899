"""What a run's torch can do, told from its metadata before it is imported."""

from __future__ import annotations

from pmlaunch.model import ChosenPython
from pmlaunch.runtimes.compatibility import NO_GLOO, Found, Part
from pmlaunch.runtimes.versions import packages_of
from pmlaunch.support.platforms import Platform

WITH_GLOO_ON_WINDOWS = "torch 2.7 or older, or 2.11 or newer"


def torch_version(python: ChosenPython | None) -> str | None:
    """The version of the torch that `python` imports; None if it has none, or its files do not tell."""
    torch = packages_of(python).get("torch")
    return torch["version"] if torch else None


def has_gloo_transport(platform: Platform, version: str | None) -> bool:
    """Whether gloo can form a process group; true if the version is unknown."""
    if version is None or platform.foreign:
        return True
    return not NO_GLOO.matches({Part.SYSTEM: Found(platform.name), Part.TORCH: Found(version)})
