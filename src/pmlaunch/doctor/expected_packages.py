"""What the simulator's Python has to offer besides the packages of the generation: a row for each simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """`packages` are distributions that must be installed, `modules` are tried to import, in this order."""

    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


OF_SIMULATOR: Mapping[str, Expected] = {
    "isaaclab": Expected(("isaaclab", "isaacsim"), ("isaaclab", "isaacsim")),
    "genesis": Expected(("genesis-world",)),
    "isaacgym": Expected(("isaacgym",), ("isaacgym",)),
    "mujoco": Expected(("mujoco",)),
}
OPTIONAL = ("isaacsim",)  # a binary Isaac Sim is not a package
CHECKOUT_PACKAGES: Mapping[str, str] = {"protomotions": "", "isaac_utils": "isaac_utils", "poselib": "poselib"}
"""The packages a checkout can provide, with their folders in it."""


def of_simulator(name: str) -> Expected:
    """What the simulator `name` adds; nothing for one without a row."""
    return OF_SIMULATOR.get(name, Expected())
