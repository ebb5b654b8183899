"""A checkout of one generation, behind one Protocol; and the two that exist today: 2.x and the embedded demo.

Both are Hydra programs with the same command line and the same groups, so they differ only in where their
files lie and which functions the agent watches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pmlaunch.model import WatchPoint


class Checkout(Protocol):
    """What planning asks of a checkout, whatever its generation."""

    @property
    def root(self) -> Path: ...
    @property
    def generation(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def script(self) -> Path: ...
    @property
    def config_dir(self) -> Path: ...
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

    def within(self, relative: str) -> Path:
        """The path of a file that presets name relative to the checkout."""
        ...


@dataclass(frozen=True)
class HydraCheckout:
    """A checkout whose program is a Hydra script. `source` says how it was found."""

    root: Path
    generation: str
    source: str
    script: Path
    config_dir: Path
    python_path: tuple[Path, ...]
    watch: tuple[WatchPoint, ...]

    def options(self, group: str) -> Sequence[str]:
        folder = self.config_dir / group
        return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))

    def groups(self) -> Sequence[str]:
        return sorted(path.name for path in self.config_dir.iterdir() if path.is_dir())

    def within(self, relative: str) -> Path:
        return self.root / relative


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


def v2_checkout(root: Path, source: str) -> HydraCheckout:
    """ProtoMotions 2.x at `root`. Its two helper packages are found without being installed."""
    return HydraCheckout(
        root=root,
        generation="2",
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
        generation="demo",
        source="comes with pmlaunch",
        script=root / "eval_agent.py",
        config_dir=root / "config",
        python_path=(root.parent.parent,),
        watch=_DEMO_WATCH,
    )
