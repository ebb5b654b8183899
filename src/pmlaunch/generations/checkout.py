"""A checkout of one generation, behind one Protocol; and the two that are Hydra programs: 2.x and the demo.

These two have the same command line and the same groups, so they differ only in where their files lie and
which functions the agent watches. ProtoMotions 3 is in inference.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.overrides import UserOverride, parse_overrides
from pmlaunch.model import Generation, Origin, Source, WatchPoint
from pmlaunch.support.yaml_file import yaml_mapping

_MISSING = "???"


@dataclass(frozen=True)
class RobotOutline:
    """A robot as the checkout describes it: `bodies` in the order of its motions, `actions` a network gives."""

    name: str
    bodies: tuple[str, ...]
    actions: int


class Checkout(Protocol):
    """What planning asks of a checkout, whatever its generation."""

    @property
    def root(self) -> Path: ...
    @property
    def generation(self) -> Generation: ...
    @property
    def source(self) -> Source: ...
    @property
    def script(self) -> Path: ...
    @property
    def config_dir(self) -> Path:
        """Where the config groups lie; a generation without groups has no such folder."""
        ...

    @property
    def motions_carry_robot(self) -> bool:
        """Whether the name of a motion file begins with its robot's (else only its content tells)."""
        ...

    @property
    def python_path(self) -> tuple[Path, ...]: ...
    @property
    def watch(self) -> tuple[WatchPoint, ...]: ...

    def options(self, group: str) -> Sequence[str]:
        """What can be chosen for a config group, in alphabetical order."""
        ...

    def groups(self) -> Sequence[str]:
        """The config groups, in alphabetical order."""
        ...

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        """A user's overrides as the generation's program takes them. Raises PML002, PML003, PML016."""
        ...

    def robots(self) -> Sequence[RobotOutline]:
        """The robots that can be simulated, in alphabetical order."""
        ...

    def simulators(self) -> Sequence[str]:
        """The simulators that the checkout has code for, in alphabetical order."""
        ...

    def checkpoints(self) -> Sequence[Path]:
        """The checkpoints that lie in the checkout, pretrained or trained here."""
        ...

    def motion_files(self) -> Sequence[Path]:
        """The motions that lie in the checkout, sorted by path."""
        ...

    def within(self, relative: str) -> Path:
        """The path of a file that presets name relative to the checkout."""
        ...


@dataclass(frozen=True)
class HydraCheckout:
    """A checkout whose program is a Hydra script. `source` says how it was found."""

    root: Path
    generation: Generation
    source: Source
    script: Path
    config_dir: Path
    python_path: tuple[Path, ...]
    watch: tuple[WatchPoint, ...]
    motions_carry_robot: bool = True

    def options(self, group: str) -> Sequence[str]:
        folder = self.config_dir / group
        return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))

    def groups(self) -> Sequence[str]:
        return sorted(path.name for path in self.config_dir.iterdir() if path.is_dir())

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        return parse_overrides(overrides, self.groups())

    def robots(self) -> Sequence[RobotOutline]:
        """The options of the group robot; not `base`, which leaves the body names open."""
        found = []
        for name in self.options("robot"):
            settings = self._part("robot", name)
            bodies, actions = settings.get("body_names"), settings.get("number_of_actions")
            if isinstance(bodies, list) and isinstance(actions, int):
                found.append(RobotOutline(name, tuple(map(str, bodies)), actions))
        return found

    def simulators(self) -> Sequence[str]:
        """The options that name a class; the others are parts of those."""
        options = self.options("simulator")
        return [name for name in options if self._part("simulator", name).get("_target_", _MISSING) != _MISSING]

    def checkpoints(self) -> Sequence[Path]:
        places = ("data/pretrained_models/**/last.ckpt", "results/*/last.ckpt")
        return [path for place in places for path in sorted(self.root.glob(place))]

    def motion_files(self) -> Sequence[Path]:
        return sorted((self.root / "data" / "motions").rglob("*.npy"))

    def within(self, relative: str) -> Path:
        return self.root / relative

    def _part(self, group: str, name: str) -> Mapping[str, Any]:
        """The part `group` of an option's file; empty when the file is broken: the config check says why."""
        try:
            content = yaml_mapping(self.config_dir / group / f"{name}.yaml").get(group)
        except PmlaunchError:
            return {}
        return content if isinstance(content, dict) else {}


_V2_WATCH = (
    WatchPoint("simulator_ready", "protomotions.envs.base_env.env", "BaseEnv.__init__"),
    WatchPoint("checkpoint_loaded", "protomotions.agents.ppo.agent", "PPO.load"),
    WatchPoint("evaluation", "protomotions.agents.ppo.agent", "PPO.evaluate_policy"),
    WatchPoint("evaluation", "protomotions.agents.ase.agent", "ASE.evaluate_policy"),
    WatchPoint("step", "protomotions.envs.base_env.env", "BaseEnv.step"),
)
_DEMO_WATCH = (
    WatchPoint("simulator_ready", "pmlaunch.demo.env", "DemoEnv.__init__"),
    WatchPoint("checkpoint_loaded", "pmlaunch.demo.agent", "DemoAgent.load"),
    WatchPoint("evaluation", "pmlaunch.demo.agent", "DemoAgent.evaluate_policy"),
    WatchPoint("step", "pmlaunch.demo.env", "DemoEnv.step"),
    WatchPoint("motion", "pmlaunch.demo.agent", "DemoAgent.progress"),
)


def v2_checkout(root: Path, source: Source) -> HydraCheckout:
    """ProtoMotions 2.x at `root`. Its two helper packages are found without being installed."""
    return HydraCheckout(
        root=root,
        generation=Generation.V2,
        source=source,
        script=root / "protomotions" / "eval_agent.py",
        config_dir=root / "protomotions" / "config",
        python_path=(root, root / "isaac_utils", root / "poselib"),
        watch=_V2_WATCH,
    )


def demo_checkout() -> HydraCheckout:
    """The embedded evaluation, which comes with pmlaunch."""
    root = Path(__file__).parent.parent / "demo"
    return HydraCheckout(
        root=root,
        generation=Generation.DEMO,
        source=Source(Origin.DEFAULT, "comes with pmlaunch"),
        script=root / "eval_agent.py",
        config_dir=root / "config",
        python_path=(root.parent.parent,),
        watch=_DEMO_WATCH,
    )
