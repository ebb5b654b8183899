"""A checkout whose program is a Hydra script: ProtoMotions 2.x, and the embedded demo, which has the same layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import WatchPoint
from pmlaunch.generations.checkout import Checkout, RobotOutline
from pmlaunch.generations.overrides import UserOverride
from pmlaunch.generations.v2.overrides import parse_overrides
from pmlaunch.model import Generation, Source
from pmlaunch.support.file_kind import files_below
from pmlaunch.support.json import as_mapping
from pmlaunch.support.yaml_file import yaml_mappings

_MISSING = "???"
_WATCH = (
    WatchPoint("simulator_ready", "protomotions.envs.base_env.env", "BaseEnv.__init__"),
    WatchPoint("checkpoint_loaded", "protomotions.agents.ppo.agent", "PPO.load"),
    WatchPoint("evaluation", "protomotions.agents.ppo.agent", "PPO.evaluate_policy"),
    WatchPoint("evaluation", "protomotions.agents.ase.agent", "ASE.evaluate_policy"),
    WatchPoint("step", "protomotions.envs.base_env.env", "BaseEnv.step"),
)


class HydraCheckout(Checkout):
    """A checkout whose program is a Hydra script."""

    def options(self, group: str) -> Sequence[str]:
        folder = self.config_dir / group
        return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))

    def groups(self) -> Sequence[str]:
        return sorted(path.name for path in self.config_dir.iterdir() if path.is_dir())

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        return parse_overrides(overrides, self.groups())

    def robots(self) -> Sequence[RobotOutline]:
        """The options of the group `robot`, except `base`, which leaves the body names open."""
        found = []
        for name, settings in self._parts("robot"):
            bodies, actions = settings.get("body_names"), settings.get("number_of_actions")
            if isinstance(bodies, list) and isinstance(actions, int):
                found.append(RobotOutline(name, tuple(map(str, bodies)), actions))
        return found

    def simulators(self) -> Sequence[str]:
        """The options of the group `simulator` that name a class; the others are parts of those."""
        parts = self._parts("simulator")
        return [name for name, settings in parts if settings.get("_target_", _MISSING) != _MISSING]

    def checkpoints(self) -> Sequence[Path]:
        places = ("data/pretrained_models/**/last.ckpt", "results/*/last.ckpt")
        return [path for place in places for path in sorted(self.root.glob(place))]

    def motion_files(self) -> Sequence[Path]:
        return sorted(files_below(self.root / "data" / "motions", ".npy"))

    def _parts(self, group: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """(option, part `group` of its file), empty if the file is broken, which the config check reports."""
        options = self.options(group)
        contents = yaml_mappings([self.config_dir / group / f"{name}.yaml" for name in options])
        return [(name, as_mapping(as_mapping(it).get(group))) for name, it in zip(options, contents, strict=True)]


def v2_checkout(root: Path, source: Source) -> HydraCheckout:
    """ProtoMotions 2.x at `root`. Its two helper packages need not be installed."""
    program, paths = root / "protomotions", (root, root / "isaac_utils", root / "poselib")
    return HydraCheckout(root, source, Generation.V2, program / "eval_agent.py", program / "config", paths, _WATCH)
