"""What a generation of ProtoMotions has to provide: facts, a program to plan, and how to read its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.metric_definitions import MetricDefinitions
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo
from pmlaunch.generations.values import Choices, ConfigReport, LaunchDetails, Values
from pmlaunch.model import Generation, Source, Sourced
from pmlaunch.request import EvalRequest

STEPS_OF_UNKNOWN = 1000
"""Control steps of a headless run whose motion's length is unknown: about half a minute."""


class Program(Protocol):
    """The upstream program that a plan starts."""

    def check_request(self, request: EvalRequest) -> None:
        """Raise PML016 for an option that this program has no equivalent for."""
        ...

    def values(self, choices: Choices) -> Values:
        """All values but the number of steps. Raises PML017 for what the simulator cannot do."""
        ...

    def report(self, choices: Choices, values: Values) -> ConfigReport:
        """The content of the run's config; empty if the checkpoint has none, which a check reports."""
        ...

    def steps(self, choices: Choices, values: Values, report: ConfigReport) -> Sourced[int | None]:
        """The number of control steps of the run; None if it is open or unknown."""
        ...

    def details(self, choices: Choices, values: Values, steps: Sourced[int | None]) -> LaunchDetails:
        """The command line of the program, and what only this generation needs."""
        ...

    def read_library(self, library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
        """The motions of a library, in the order in which they are played. Raises PML120 and PML016."""
        ...

    def library_text(self, entries: Sequence[LibraryEntry]) -> str:
        """The YAML of a library."""
        ...


@dataclass(frozen=True)
class PackageRule:
    """What an installation does with a package that the checkout requires.

    Attributes:
        reason: shown to the user.
        specifier: replaces the one of the requirements file; None leaves the package out.
        later: install it in a second run of pip, whose resolver would refuse it together with the others.
        unless_installed: keep any installed version.
    """

    reason: str
    specifier: str | None = None
    later: bool = False
    unless_installed: bool = False


class GenerationAdapter(Protocol):
    """One generation. Adapters are cheap to import; what is slow is imported by their methods.

    Attributes:
        label: the generation in a sentence: "2.x", "the demo".
        script: the program, relative to the root of a checkout, which is recognised by it.
        refs: regular expression of the git refs of upstream that hold this generation.
        origin_of_checkout: how to get a checkout, for hints.
        embedded: whether it is part of pmlaunch, and so has no checkout to install and no window.
        hydra: whether the program takes Hydra overrides.
        motion_suffix: ending of its motion files; `packed_suffix`: of packed libraries that it can read.
        motion_names_carry_robot: whether a motion file's name begins with the robot's; else only its content tells.
        presets_know_keys: whether the keys of a simulator's preset are those of this generation's window.
        own_packages: packages of the checkout, in the order in which they import each other.
        required_packages: distributions that its program cannot run without.
        package_rules: distribution -> what an installation does with it.
        download_bytes, disk_bytes: size of one commit without history, packed and checked out.
        assets_in_lfs: whether the robots' meshes are in Git LFS.
    """

    generation: ClassVar[Generation]
    label: ClassVar[str]
    script: ClassVar[str]
    refs: ClassVar[str] = r"(?!)"
    origin_of_checkout: ClassVar[str] = ""
    embedded: ClassVar[bool] = False
    hydra: ClassVar[bool] = True
    motion_suffix: ClassVar[str]
    packed_suffix: ClassVar[str | None] = None
    motion_names_carry_robot: ClassVar[bool] = True
    presets_know_keys: ClassVar[bool] = False
    metrics: ClassVar[MetricDefinitions] = MetricDefinitions()
    own_packages: ClassVar[tuple[str, ...]] = ()
    required_packages: ClassVar[tuple[str, ...]] = ()
    package_rules: ClassVar[Mapping[str, PackageRule]] = {}
    download_bytes: ClassVar[int] = 0
    disk_bytes: ClassVar[int] = 0
    assets_in_lfs: ClassVar[bool] = False

    def open(self, root: Path, source: Source, environment: Mapping[str, str]) -> Checkout:
        """The checkout at `root`."""
        ...

    @property
    def program(self) -> Program:
        """The program that a plan of this generation starts."""
        ...

    def made(self, checkpoint: Path) -> bool:
        """Whether a training of this generation wrote the files beside the checkpoint."""
        ...

    def trained_robots(self, checkpoint: Path) -> Iterable[str]:
        """Names of the robot of the training, the most reliable first."""
        ...

    def trained_bodies(self, checkpoint: Path) -> frozenset[str]:
        """Body names of the robot of the training; empty if its files do not tell."""
        ...

    def trained_simulator(self, checkpoint: Path) -> str | None:
        """The simulator of the training; None if its files do not tell."""
        ...

    def measures_something(self, checkpoint: Path) -> bool:
        """Whether the checkpoint's evaluator has anything to measure."""
        ...
