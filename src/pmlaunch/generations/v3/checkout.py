"""A checkout of ProtoMotions 3: an argparse program, robots as Python classes, motions saved by torch.

Nothing in the checkout is imported. A robot's class names its MJCF file as a constant, which is read from the syntax
tree; the robot's bodies and joints are read from that file.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.agent.pmlaunch_agent.contract import WatchPoint
from pmlaunch.generations.checkout import BodyPosition, Checkout, RobotOutline
from pmlaunch.generations.overrides import UserOverride
from pmlaunch.generations.v3 import ASSETS, CHECKPOINT_NAMES
from pmlaunch.generations.v3.assignments import parse_assignments
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Generation, Source
from pmlaunch.support.file_kind import files_below
from pmlaunch.support.files import read_bytes
from pmlaunch.support.paths import is_remote

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TURNED = ("quat", "axisangle", "xyaxes", "zaxis", "euler")
_NO_ROBOTS = ("__init__", "base", "factory")
_ROBOTS, _ASSETS = Path("protomotions/robot_configs"), Path(ASSETS)
_NO_MOTIONS = {"pretrained_models", "assets"}  # folders with other kinds of .pt and .npy files
_EVALUATOR = "protomotions.agents.evaluators.base_evaluator"
_MIMIC = "protomotions.agents.evaluators.mimic_evaluator"
_WATCH = (
    WatchPoint("simulator_ready", "protomotions.envs.base_env.env", "BaseEnv.__init__"),
    WatchPoint("checkpoint_loaded", "protomotions.agents.base_agent.agent", "BaseAgent.load"),
    # MimicEvaluator calls the base class while it still holds the results of each motion
    WatchPoint("scores", _EVALUATOR, "BaseEvaluator.process_eval_results"),
    WatchPoint("bodies", _EVALUATOR, "BaseEvaluator._check_evaluation_failures"),
    WatchPoint("batches", _MIMIC, "MimicEvaluator._build_eval_batches"),
    WatchPoint("batch", _MIMIC, "MimicEvaluator.evaluate_episode"),
    WatchPoint("evaluation", _EVALUATOR, "BaseEvaluator.evaluate"),
    WatchPoint("evaluation", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    WatchPoint("playing", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    # around what is timed: writing a video takes time of its own
    WatchPoint("recording", _EVALUATOR, "BaseEvaluator.evaluate"),
    WatchPoint("recording", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    # around everything: what an evaluation leaves must be complete before the next begins
    WatchPoint("full_evaluation", _EVALUATOR, "BaseEvaluator.evaluate"),
    WatchPoint("step", "protomotions.envs.base_env.env", "BaseEnv.step"),
)


@dataclass(frozen=True)
class InferenceCheckout(Checkout):
    """ProtoMotions 3. `assets` is the folder in which a run looks for the robots' files."""

    assets: Path

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        return parse_assignments(overrides)

    def robots(self) -> Sequence[RobotOutline]:
        """The robots whose class names a readable MJCF file."""
        names = sorted(path.stem for path in (self.root / _ROBOTS).glob("*.py") if path.stem not in _NO_ROBOTS)
        skeletons = [(name, _skeleton(path)) for name in names if (path := self._mjcf(name, self.root / _ASSETS))]
        return [RobotOutline(name, *skeleton) for name, skeleton in skeletons if skeleton]

    def simulators(self) -> Sequence[str]:
        modules = (self.root / "protomotions" / "simulator").glob("*/simulator.py")
        return sorted(path.parent.name for path in modules if path.parent.name != "base_simulator")

    def checkpoints(self) -> Sequence[Path]:
        """One checkpoint of each folder."""
        best = {
            path.parent: path
            for name in reversed(CHECKPOINT_NAMES)
            for folder in ("data/pretrained_models/**/", "results/*/")
            for path in self.root.glob(folder + name)
        }
        return [path for _, path in sorted(best.items())]

    def motion_files(self) -> Sequence[Path]:
        folders = (self.root / "data", self.root / "examples" / "data")
        found = [path for folder in folders for path in files_below(folder, ".motion", ".pt")]
        return sorted(path for path in found if not set(path.parts) & _NO_MOTIONS)

    def pointer_meshes(self, robot: str) -> Sequence[Path]:
        path = self._mjcf(robot, self.assets)
        found = []
        for mesh in _meshes(path) if path else ():
            with contextlib.suppress(OSError):  # the simulator reports a missing file itself
                if lfs.read_pointer(mesh) is not None:
                    found.append(mesh)
        return found

    def body_positions(self, robot: str) -> Mapping[str, BodyPosition] | None:
        """The skeleton in the robot's MJCF file; None if a body is also rotated, or a name or number is not usable."""
        path = self._mjcf(robot, self.root / _ASSETS)
        root = _parsed(path) if path else None
        world = root.find("worldbody") if root is not None else None
        found: dict[str, BodyPosition] = {}
        try:
            for parent, body in _bodies(world, "") if world is not None else ():
                x, y, z = map(float, body.get("pos", "0 0 0").split())
                name = body.get("name", "")
                if name in found or not all(map(math.isfinite, (x, y, z))) or any(map(body.get, _TURNED)):
                    return None
                found[name] = BodyPosition(parent, x, y, z)
        except (ValueError, RecursionError):
            return None
        return found

    def _mjcf(self, robot: str, assets: Path) -> Path | None:
        """The MJCF file that the robot's class names, in a folder of assets."""
        asset = _asset_of(self.root / _ROBOTS / f"{robot}.py")
        return assets / asset if asset and not is_remote(asset) else None


def v3_checkout(root: Path, source: Source, asset_root: str | None = None) -> InferenceCheckout:
    """ProtoMotions 3 at `root`; `asset_root` is the value of PROTOMOTIONS_ASSET_ROOT, which upstream obeys."""
    return InferenceCheckout(
        root,
        source,
        Generation.V3,
        script=root / "protomotions" / "inference_agent.py",
        config_dir=root / "protomotions" / "config",
        python_path=(root,),
        watch=_WATCH,
        assets=Path(asset_root) if asset_root else root / _ASSETS,
    )


def _bodies(element: Element, parent: str) -> Iterator[tuple[str, Element]]:
    """(name of the parent, body) of every body below an element, in the order of the file."""
    for body in element.findall("body"):
        yield parent, body
        yield from _bodies(body, body.get("name", ""))


def _asset_of(source: Path) -> str | None:
    """The constant `asset_file_name=...` in the class of a robot; None if there is none."""
    import ast

    try:
        tree = ast.parse(read_bytes(source))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "asset_file_name" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return None


def _skeleton(path: Path) -> tuple[tuple[str, ...], int] | None:
    """(bodies in the order of the file, number of hinge joints); None if it is not an MJCF file."""
    root = _parsed(path)
    world = root.find("worldbody") if root is not None else None
    if world is None:
        return None
    joints = [joint for joint in world.iter("joint") if joint.get("type", "hinge") == "hinge"]
    return tuple(body.get("name", "") for body in world.iter("body")), len(joints)


def _meshes(path: Path) -> Iterator[Path]:
    root = _parsed(path)
    if root is None:
        return
    compiler = root.find("compiler")
    named = compiler.get("meshdir", "") if compiler is not None else ""
    for mesh in root.iter("mesh"):
        file = mesh.get("file", "")
        if file and not is_remote(named) and not is_remote(file):
            yield Path(os.path.normpath(path.parent / named)) / file


def _parsed(path: Path) -> Element | None:
    """The root element of an XML file; None if it is missing or malformed."""
    from xml.etree import ElementTree as ET

    try:
        content = read_bytes(path)
        if b"<!ENTITY" in content:  # they may stand for billions of others
            return None
        return ET.fromstring(content)  # noqa: S314
    except (OSError, ET.ParseError, ValueError, LookupError):
        return None
