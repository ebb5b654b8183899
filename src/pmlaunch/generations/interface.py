"""What a generation of ProtoMotions has to provide: facts, a program to plan, and how to read its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.motion_library import LibraryEntry, ReadInfo
from pmlaunch.generations.values import Choices, ConfigReport, LaunchDetails, RunSettings, Training
from pmlaunch.model import Generation, Source
from pmlaunch.motions.raw_data import RawFormat
from pmlaunch.request import EvalRequest


class Program(Protocol):
    """The upstream program that a plan starts."""

    def check_request(self, request: EvalRequest) -> None:  # noqa: ARG002
        """Raise PML016 for an option that this program has no equivalent for."""
        return  # most have all

    def settings(self, choices: Choices) -> RunSettings:
        """The values that planning has decided, by key. Raises PML017 for what the simulator cannot do."""
        ...

    def report(self, choices: Choices, settings: RunSettings) -> ConfigReport:
        """The content of the run's config; empty if the checkpoint has none, which a check reports."""
        ...

    def details(self, choices: Choices, settings: RunSettings, report: ConfigReport) -> LaunchDetails:
        """The length of the run, the command line, and what only this generation needs."""
        ...

    def read_library(self, library: Path, read: ReadInfo) -> Iterator[LibraryEntry]:
        """The motions of a library, in the order in which they are played. Raises PML120 and PML016."""
        ...

    def library_text(self, entries: Sequence[LibraryEntry]) -> str:
        """The YAML of a library, in ASCII: upstream opens it in whatever encoding Windows is set to."""
        ...


@dataclass(frozen=True)
class PackageRule:
    """What an installation does with a package that the checkout requires."""

    reason: str  # shown to the user
    specifier: str | None = None  # replaces the one of the requirements file; None leaves the package out
    later: bool = False  # in a second run of pip, whose resolver would refuse it together with the others
    unless_installed: bool = False  # keep any installed version


@dataclass(frozen=True)
class MetricDefinitions:
    """The metrics of a generation: names, units, and which of them mean the same in every generation."""

    units: Mapping[str, str] = field(default_factory=dict)  # by the metric's name without prefix, `_max` and `_min`
    common: Mapping[str, str] = field(default_factory=dict)  # name in every generation -> name in this one
    factors: Mapping[str, float] = field(default_factory=dict)  # likewise -> factor from this one's unit, if not 1
    failed_when: tuple[str, float] | None = None  # (metric, limit): a motion above the limit counts as lost
    agents: tuple[str, ...] = ()  # prefixes of the agents (`_target_`) that have metrics of their own
    wraps: bool = False  # whether `agent._target_` is replaced for a run that measures
    by_itself: bool = False  # whether the program measures when asked to, so that the agent only watches

    def cover(self, agent: str | None) -> bool:
        """Whether this agent (its `_target_`) computes metrics, as far as is known before the start."""
        return not self.wraps or agent is None or agent.startswith(self.agents)


class GenerationAdapter(Protocol):
    """One generation. Adapters are cheap to import; what is slow is imported by their methods."""

    generation: ClassVar[Generation]
    label: ClassVar[str]  # the generation in a sentence: "2.x", "the demo"
    script: ClassVar[str]  # the program, relative to the root of a checkout, which is recognised by it
    refs: ClassVar[str] = r"(?!)"  # regular expression of the git refs of upstream that hold it
    origin_of_checkout: ClassVar[str] = ""  # how to get a checkout, for hints
    embedded: ClassVar[bool] = False  # part of pmlaunch, so without a checkout to install and without a window
    hydra: ClassVar[bool] = True  # whether the program takes Hydra overrides
    motion_suffixes: ClassVar[tuple[str, ...]]  # of the files that it reads; the first is that of single motions
    conversions: ClassVar[Mapping[RawFormat, str]] = {}  # how to make its motions of those of other projects
    motion_names_carry_robot: ClassVar[bool] = True  # a motion's name begins with the robot's; else its content tells
    presets_know_keys: ClassVar[bool] = False  # the keys of a simulator's preset are those of this generation's window
    metrics: ClassVar[MetricDefinitions] = MetricDefinitions()
    checkpoint_names: ClassVar[tuple[str, ...]] = ("last.ckpt",)  # in the folder of a model, the one to evaluate first
    own_packages: ClassVar[tuple[str, ...]] = ()  # of the checkout, in the order in which they import each other
    required_packages: ClassVar[tuple[str, ...]] = ()  # distributions that the program cannot run without
    package_rules: ClassVar[Mapping[str, PackageRule]] = {}  # by distribution
    download_bytes: ClassVar[int] = 0  # of one commit without history
    disk_bytes: ClassVar[int] = 0  # of its files
    assets_in_lfs: ClassVar[bool] = False  # whether the robots' meshes are in Git LFS

    @property
    def program(self) -> Program:
        """The program that a plan of this generation starts."""
        ...

    def open(self, root: Path, source: Source, environment: Mapping[str, str]) -> Checkout:
        """The checkout at `root`."""
        ...

    def training(self, checkpoint: Path) -> Training | None:
        """What is known about the training; None if another generation wrote the files beside the checkpoint."""
        ...

    def trained_config(self, checkpoint: Path) -> Mapping[str, object]:
        """The config that the training left beside its checkpoint, which builds the policy; empty if it is not readable."""
        ...

    def refuse_unreadable_config(self, checkpoint: Path) -> None:  # noqa: ARG002
        """Raise PML107 or PML130 for configs that are beside the checkpoint but cannot be read, so that no robot is known."""
        return
