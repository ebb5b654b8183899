"""What a run's torch can do, told from its metadata before it is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.model import ChosenPython
from pmlaunch.runtimes.python_files import site_packages
from pmlaunch.support.platforms import Platform

if TYPE_CHECKING:
    from packaging.version import Version

WITH_GLOO_ON_WINDOWS = "torch 2.7 or older, or 2.11 or newer"


def torch_version(python: ChosenPython | None) -> Version | None:
    """The version of the torch that `python` imports; None if it has none, or its files do not tell."""
    if python is None:
        return None
    from packaging.version import InvalidVersion, Version  # not needed by plans for another system

    for folder in site_packages(Path(python.path), python.version):
        for metadata in folder.glob("torch-*.dist-info"):
            try:
                return Version(metadata.name.removeprefix("torch-").removesuffix(".dist-info"))
            except InvalidVersion:
                continue
    return None


def has_gloo_transport(platform: Platform, version: Version | None) -> bool:
    """Whether gloo can form a process group; true if the version is unknown.

    Measured with PyTorch's Windows wheels: torch 2.8.0, 2.9.0, 2.9.1 and 2.10.0 raise `makeDeviceForHostname():
    unsupported gloo device`; 2.4 to 2.7, and 2.11 to 2.13, work.
    """
    if version is None or not platform.windows or platform.foreign:
        return True
    return not (2, 8) <= version.release[:2] <= (2, 10)
