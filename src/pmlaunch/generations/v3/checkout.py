"""A checkout of ProtoMotions 3: an argparse program, robots as Python classes, motions that torch saved.

Nothing of the checkout is imported. A robot's class names the MJCF file of its body as a constant, which is read
from the syntax tree; its bodies and joints are those of that file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pmlaunch.generations.checkout import RobotOutline
from pmlaunch.generations.v2.overrides import UserOverride
from pmlaunch.generations.v3.assignments import parse_assignments
from pmlaunch.git import lfs_pointer as lfs
from pmlaunch.model import ArgumentPoint, Generation, Source, WatchPoint

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TURNED = ("quat", "axisangle", "xyaxes", "zaxis", "euler")
_NO_ROBOTS = ("__init__", "base", "factory")
_ASSETS = ("protomotions", "data", "assets")
_MOTION_FOLDERS = (("data",), ("examples", "data"))
_NO_MOTIONS = ("pretrained_models", "assets")  # .pt and .npy files of other kinds lie there
_EVALUATOR = "protomotions.agents.evaluators.base_evaluator"
_MIMIC = "protomotions.agents.evaluators.mimic_evaluator"
_WATCH = (
    WatchPoint("simulator_ready", "protomotions.envs.base_env.env", "BaseEnv.__init__"),
    WatchPoint("checkpoint_loaded", "protomotions.agents.base_agent.agent", "BaseAgent.load"),
    # MimicEvaluator calls the base class while what it knows of each motion is still there
    WatchPoint("scores", _EVALUATOR, "BaseEvaluator.process_eval_results"),
    WatchPoint("bodies", _EVALUATOR, "BaseEvaluator._check_evaluation_failures"),
    WatchPoint("batches", _MIMIC, "MimicEvaluator._build_eval_batches"),
    WatchPoint("batch", _MIMIC, "MimicEvaluator.evaluate_episode"),
    WatchPoint("evaluation", _EVALUATOR, "BaseEvaluator.evaluate"),
    WatchPoint("evaluation", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    WatchPoint("playing", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    # around what is timed: a video takes its own time to be written
    WatchPoint("recording", _EVALUATOR, "BaseEvaluator.evaluate"),
    WatchPoint("recording", _EVALUATOR, "BaseEvaluator.simple_test_policy"),
    WatchPoint("step", "protomotions.envs.base_env.env", "BaseEnv.step"),
)


class Place(NamedTuple):
    """Where a body sits in the frame of its parent ("" for the root's): m."""

    parent: str
    x: float
    y: float
    z: float


@dataclass(frozen=True)
class InferenceCheckout:
    """ProtoMotions 3 at `root`. `assets` is where the run will look for the robots' files."""

    root: Path
    source: Source
    assets: Path
    generation: Generation = Generation.V3
    motions_carry_robot: bool = False
    watch: tuple[WatchPoint, ...] = _WATCH

    @property
    def script(self) -> Path:
        return self.root / "protomotions" / "inference_agent.py"

    @property
    def config_dir(self) -> Path:
        """3.x has no config groups: this folder is not there."""
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
        """The robots whose class names an MJCF file that can be read."""
        outlines = []
        for path in sorted((self.root / "protomotions" / "robot_configs").glob("*.py")):
            asset = _asset_of(path, path.stat().st_mtime_ns) if path.stem not in _NO_ROBOTS else None
            outline = self._outline(path.stem, asset) if asset else None
            if outline:
                outlines.append(outline)
        return outlines

    def simulators(self) -> Sequence[str]:
        places = (self.root / "protomotions" / "simulator").glob("*/simulator.py")
        return sorted(path.parent.name for path in places if path.parent.name != "base_simulator")

    def checkpoints(self) -> Sequence[Path]:
        """One of each folder: inference_last.ckpt is last.ckpt without what only training needs."""
        folders = {
            path.parent
            for name in ("last.ckpt", "inference_last.ckpt")
            for place in ("data/pretrained_models/**/", "results/*/")
            for path in self.root.glob(place + name)
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
        """The meshes of a robot's MJCF file that are Git LFS pointers: the simulator could not load them."""
        asset = self._asset(robot)
        if asset is None:
            return []
        found = []
        for path in _meshes(self.assets / asset):
            try:
                if lfs.read_pointer(path) is not None:
                    found.append(path)
            except OSError:
                continue  # the simulator says which file it misses
        return found

    def places(self, robot: str) -> dict[str, Place] | None:
        """Where each body of a robot sits, in the file's order; None where its MJCF does not tell that plainly.

        A body that is also turned, two of one name, and what is no number are not plain.
        """
        asset = self._asset(robot)
        root = _parsed(self.root.joinpath(*_ASSETS, asset)) if asset else None
        world = root.find("worldbody") if root is not None else None
        found: dict[str, Place] = {}
        try:
            for parent, body in _bodies(world, "") if world is not None else ():
                x, y, z = map(float, body.get("pos", "0 0 0").split())
                name = body.get("name", "")
                if name in found or not all(map(math.isfinite, (x, y, z))) or any(map(body.get, _TURNED)):
                    return None
                found[name] = Place(parent, x, y, z)
        except ValueError:
            return None
        return found

    def _asset(self, robot: str) -> str | None:
        """The MJCF file that the robot's class names, relative to the assets."""
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
    """ProtoMotions 3 at `root`; `asset_root` is what PROTOMOTIONS_ASSET_ROOT says, which upstream obeys."""
    return InferenceCheckout(root, source, Path(asset_root) if asset_root else root.joinpath(*_ASSETS))


def fabric_arguments(values: Mapping[str, object]) -> tuple[ArgumentPoint, ...]:
    """How to give Lightning what inference_agent.py has no option for: devices, accelerator, strategy."""
    module, attribute = "protomotions.utils.fabric_config", "FabricConfig.__init__"
    return (ArgumentPoint(module, attribute, values),) if values else ()


def smallest_checkpoint(folder: Path) -> Path:
    """The checkpoint of a folder that inference needs no more than."""
    path = folder / "inference_last.ckpt"
    return path if path.is_file() else folder / "last.ckpt"


def _bodies(element: Element, parent: str) -> Iterator[tuple[str, Element]]:
    """(name of the parent, body) of everything below an element, as the file has them."""
    for body in element.findall("body"):
        yield parent, body
        yield from _bodies(body, body.get("name", ""))


@lru_cache(maxsize=64)
def _asset_of(source: Path, _changed: int) -> str | None:
    """The constant `asset_file_name=...` in the class of a robot; None where there is none."""
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
    """(bodies in the order of the file, number of hinge joints); None for what is no MJCF file."""
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
    """The XML of the checkout's own file; None where there is none, or none that parses."""
    from xml.etree import ElementTree

    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
