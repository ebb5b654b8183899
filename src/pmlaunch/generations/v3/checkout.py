"""A checkout of ProtoMotions 3: an argparse program, robots as Python classes, motions saved by torch.

Nothing in the checkout is imported. A robot's class names its MJCF file as a constant, which is read from the syntax
tree; the robot's bodies and joints are read from that file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.generations.checkout import BodyPosition, RobotOutline
from pmlaunch.generations.overrides import UserOverride
from pmlaunch.generations.v3.assignments import parse_assignments
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import Generation, Source, WatchPoint

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TURNED = ("quat", "axisangle", "xyaxes", "zaxis", "euler")
_NO_ROBOTS = ("__init__", "base", "factory")
_ASSETS = ("protomotions", "data", "assets")
_MOTION_FOLDERS = (("data",), ("examples", "data"))
_NO_MOTIONS = ("pretrained_models", "assets")  # folders with other kinds of .pt and .npy files
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
    WatchPoint("step", "protomotions.envs.base_env.env", "BaseEnv.step"),
)


@dataclass(frozen=True)
class InferenceCheckout:
    """ProtoMotions 3 at `root`. `assets` is the folder in which a run looks for the robots' files."""

    root: Path
    source: Source
    assets: Path
    generation: Generation = Generation.V3
    watch: tuple[WatchPoint, ...] = _WATCH

    @property
    def script(self) -> Path:
        return self.root / "protomotions" / "inference_agent.py"

    @property
    def config_dir(self) -> Path:
        """3.x has no config groups, so this folder does not exist."""
        return self.root / "protomotions" / "config"

    @property
    def python_path(self) -> tuple[Path, ...]:
        return (self.root,)

    def options(self, group: str) -> Sequence[str]:  # noqa: ARG002
        return []

    def groups(self) -> Sequence[str]:
        return []

    def parse(self, overrides: Sequence[str]) -> Sequence[UserOverride]:
        return parse_assignments(overrides)

    def robots(self) -> Sequence[RobotOutline]:
        """The robots whose class names a readable MJCF file."""
        outlines = []
        for path in sorted((self.root / "protomotions" / "robot_configs").glob("*.py")):
            asset = _asset_of(path, path.stat().st_mtime_ns) if path.stem not in _NO_ROBOTS else None
            outline = self._outline(path.stem, asset) if asset else None
            if outline:
                outlines.append(outline)
        return outlines

    def simulators(self) -> Sequence[str]:
        modules = (self.root / "protomotions" / "simulator").glob("*/simulator.py")
        return sorted(path.parent.name for path in modules if path.parent.name != "base_simulator")

    def checkpoints(self) -> Sequence[Path]:
        """One checkpoint of each folder: inference_last.ckpt is last.ckpt without what only training needs."""
        folders = {
            path.parent
            for name in ("last.ckpt", "inference_last.ckpt")
            for folder in ("data/pretrained_models/**/", "results/*/")
            for path in self.root.glob(folder + name)
        }
        return [smallest_checkpoint(folder) for folder in sorted(folders)]

    def motion_files(self) -> Sequence[Path]:
        found = set()
        for parts in _MOTION_FOLDERS:
            folder = self.root.joinpath(*parts)
            for suffix in ("*.motion", "*.pt"):
                found |= {path for path in folder.rglob(suffix) if not set(path.parts) & set(_NO_MOTIONS)}
        return sorted(found)

    def within(self, relative: str) -> Path:
        return self.root / relative

    def pointer_meshes(self, robot: str) -> list[Path]:
        asset = self._asset(robot)
        if asset is None:
            return []
        found = []
        for path in _meshes(self.assets / asset):
            try:
                if lfs.read_pointer(path) is not None:
                    found.append(path)
            except OSError:
                continue  # the simulator reports a missing file itself
        return found

    def body_positions(self, robot: str) -> Mapping[str, BodyPosition] | None:
        """The skeleton in the robot's MJCF file; None if a body is also rotated, or a name or number is not usable."""
        asset = self._asset(robot)
        root = _parsed(self.root.joinpath(*_ASSETS, asset)) if asset else None
        world = root.find("worldbody") if root is not None else None
        found: dict[str, BodyPosition] = {}
        try:
            for parent, body in _bodies(world, "") if world is not None else ():
                x, y, z = map(float, body.get("pos", "0 0 0").split())
                name = body.get("name", "")
                if name in found or not all(map(math.isfinite, (x, y, z))) or any(map(body.get, _TURNED)):
                    return None
                found[name] = BodyPosition(parent, x, y, z)
        except ValueError:
            return None
        return found

    def _asset(self, robot: str) -> str | None:
        """The MJCF file that the robot's class names, relative to the assets folder."""
        source = self.root / "protomotions" / "robot_configs" / f"{robot}.py"
        return _asset_of(source, source.stat().st_mtime_ns) if source.is_file() else None

    def _outline(self, name: str, asset: str) -> RobotOutline | None:
        path = self.root.joinpath(*_ASSETS, asset)
        try:
            found = _skeleton(path, path.stat().st_mtime_ns)
        except OSError:
            return None
        return RobotOutline(name, *found) if found else None


def v3_checkout(root: Path, source: Source, asset_root: str | None = None) -> InferenceCheckout:
    """ProtoMotions 3 at `root`; `asset_root` is the value of PROTOMOTIONS_ASSET_ROOT, which upstream obeys."""
    return InferenceCheckout(root, source, Path(asset_root) if asset_root else root.joinpath(*_ASSETS))


def smallest_checkpoint(folder: Path) -> Path:
    """The smallest checkpoint of a folder that inference can use."""
    path = folder / "inference_last.ckpt"
    return path if path.is_file() else folder / "last.ckpt"


def _bodies(element: Element, parent: str) -> Iterator[tuple[str, Element]]:
    """(name of the parent, body) of every body below an element, in the order of the file."""
    for body in element.findall("body"):
        yield parent, body
        yield from _bodies(body, body.get("name", ""))


@lru_cache(maxsize=64)
def _asset_of(source: Path, _changed: int) -> str | None:
    """The constant `asset_file_name=...` in the class of a robot; None if there is none."""
    import ast

    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "asset_file_name" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return None


@lru_cache(maxsize=64)
def _skeleton(path: Path, _changed: int) -> tuple[tuple[str, ...], int] | None:
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
    folder = Path(os.path.normpath(path.parent / (compiler.get("meshdir", "") if compiler is not None else "")))
    for mesh in root.iter("mesh"):
        if mesh.get("file"):
            yield folder / str(mesh.get("file"))


def _parsed(path: Path) -> Element | None:
    """The root element of an XML file; None if it is missing or malformed."""
    from xml.etree import ElementTree as ET

    try:
        return ET.parse(path).getroot()  # noqa: S314  # at worst it takes long, as upstream's own reader would
    except (OSError, ET.ParseError):
        return None
