"""A checkout of ProtoMotions, of any generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from pmlaunch.generations.overrides import UserOverride
from pmlaunch.model import Generation, Source, WatchPoint


@dataclass(frozen=True)
class RobotOutline:
    """A robot as the checkout describes it.

    `bodies` are in the order of its motion files; `actions` is the size of a policy's output.
    """

    name: str
    bodies: tuple[str, ...]
    actions: int


class BodyPosition(NamedTuple):
    """The position of a body in the frame of its parent ("" for the root's), in m."""

    parent: str
    x: float
    y: float
    z: float


class Checkout(Protocol):
    """The parts of a checkout that planning uses."""

    @property
    def root(self) -> Path:
        """The folder of the checkout."""
        ...

    @property
    def generation(self) -> Generation:
        """The generation, whose adapter is in registry.py."""
        ...

    @property
    def source(self) -> Source:
        """How the checkout was found."""
        ...

    @property
    def script(self) -> Path:
        """The program."""
        ...

    @property
    def config_dir(self) -> Path:
        """The folder of the config groups; it does not exist in a generation without groups."""
        ...

    @property
    def python_path(self) -> tuple[Path, ...]:
        """Folders that the program's own packages are imported from."""
        ...

    @property
    def watch(self) -> tuple[WatchPoint, ...]:
        """The functions of the program that the agent watches."""
        ...

    def options(self, group: str) -> Sequence[str]:
        """The options of a config group, in alphabetical order."""
        ...

    def groups(self) -> Sequence[str]:
        """The config groups, in alphabetical order."""
        ...

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        """A user's overrides as the program takes them. Raises PML002, PML003, PML016."""
        ...

    def robots(self) -> Sequence[RobotOutline]:
        """The robots that can be simulated, in alphabetical order."""
        ...

    def simulators(self) -> Sequence[str]:
        """The simulators that the checkout has code for, in alphabetical order."""
        ...

    def checkpoints(self) -> Sequence[Path]:
        """The checkpoints in the checkout, both pretrained ones and those of its own trainings."""
        ...

    def motion_files(self) -> Sequence[Path]:
        """The motion files in the checkout, sorted by path."""
        ...

    def within(self, relative: str) -> Path:
        """The path of a file that a preset names relative to the checkout."""
        ...

    def body_positions(self, robot: str) -> Mapping[str, BodyPosition] | None:
        """The skeleton of a robot, in the order of its motion files; None if its files do not state it plainly."""
        ...

    def pointer_meshes(self, robot: str) -> Sequence[Path]:
        """The meshes of a robot that are still Git LFS pointers, which no simulator could load."""
        ...
