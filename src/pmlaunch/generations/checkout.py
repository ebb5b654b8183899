"""A checkout of ProtoMotions, of any generation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pmlaunch.agent.pmlaunch_agent.contract import WatchPoint
from pmlaunch.generations.overrides import UserOverride
from pmlaunch.model import Generation, Source


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


@dataclass(frozen=True)
class Checkout(ABC):
    """A checkout. Nothing in it is imported or executed."""

    root: Path
    source: Source  # how it was found
    generation: Generation
    script: Path  # the program
    config_dir: Path  # of the config groups; it does not exist in a generation without groups
    python_path: tuple[Path, ...]  # folders that the program's own packages are imported from
    watch: tuple[WatchPoint, ...]  # the functions of the program that the agent watches

    def groups(self) -> Sequence[str]:
        """The config groups, in alphabetical order."""
        return []

    def options(self, group: str) -> Sequence[str]:  # noqa: ARG002
        """The options of a config group, in alphabetical order."""
        return []

    @abstractmethod
    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        """A user's overrides as the program takes them. Raises PML002, PML003, PML016."""

    @abstractmethod
    def robots(self) -> Sequence[RobotOutline]:
        """The robots that can be simulated, in alphabetical order."""

    @abstractmethod
    def simulators(self) -> Sequence[str]:
        """The simulators that the checkout has code for, in alphabetical order."""

    @abstractmethod
    def checkpoints(self) -> Sequence[Path]:
        """The checkpoints in the checkout, both pretrained ones and those of its own trainings."""

    @abstractmethod
    def motion_files(self) -> Sequence[Path]:
        """The motion files in the checkout, sorted by path."""

    def body_positions(self, robot: str) -> Mapping[str, BodyPosition] | None:  # noqa: ARG002
        """The skeleton of a robot, in the order of its motion files; None if its files do not state it plainly."""
        return None

    def pointer_meshes(self, robot: str) -> Sequence[Path]:  # noqa: ARG002
        """The meshes of a robot that are still Git LFS pointers, which no simulator could load."""
        return ()
