"""The humanoid: a MuJoCo model built from a motion's skeleton, so that its bones fit the motion exactly.

It has SMPL's 24 bodies, a free pelvis and 23 ball joints: 69 actuated degrees of freedom, about 72 kg. Bones are
capsules, a foot is two pairs of them side by side. Bodies collide with the flat ground, not with each other. Masses are
rounded, roughly the shares of de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters" (1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

import mujoco
import numpy as np

from pmlaunch.motions.generated.skeleton import HEEL, NODE_NAMES, PARENTS, SOLE_BELOW_TOE
from pmlaunch.motions.kinematics import Array
from pmlaunch.motions.poselib_motion import Motion


@dataclass(frozen=True)
class Part:
    """A body and the joint that connects it to its parent."""

    mass: float  # kg
    radius: float  # m, of its capsule; half the width of a foot or toe
    stiffness: float = 0.0  # Nm/rad of the PD controller
    damping: float = 0.0  # Nm s/rad; a joint lags behind its target by damping / stiffness, in s
    limit: float = 0.0  # Nm, largest torque of the controller about any axis


def _both_sides(**parts: Part) -> dict[str, Part]:
    return {f"{side}_{name}": part for side in "LR" for name, part in parts.items()}


PARTS: Final[dict[str, Part]] = {
    "Pelvis": Part(9.0, 0.10),
    "Torso": Part(6.0, 0.10, 1000.0, 70.0, 300.0),
    "Spine": Part(6.5, 0.10, 1000.0, 70.0, 300.0),
    "Chest": Part(9.0, 0.11, 1000.0, 70.0, 300.0),
    "Neck": Part(1.2, 0.05, 200.0, 14.0, 80.0),
    "Head": Part(4.6, 0.09, 120.0, 8.0, 60.0),
} | _both_sides(
    Hip=Part(8.5, 0.07, 850.0, 60.0, 300.0),
    Knee=Part(3.4, 0.05, 700.0, 48.0, 300.0),
    Ankle=Part(0.8, 0.045, 450.0, 30.0, 200.0),
    Toe=Part(0.2, 0.045, 60.0, 4.0, 40.0),
    Thorax=Part(1.2, 0.05, 400.0, 28.0, 150.0),
    Shoulder=Part(2.0, 0.045, 320.0, 22.0, 120.0),
    Elbow=Part(1.2, 0.04, 200.0, 14.0, 80.0),
    Wrist=Part(0.35, 0.03, 60.0, 4.0, 30.0),
    Hand=Part(0.15, 0.025, 30.0, 2.0, 15.0),
)
ARMATURE: Final = 0.02  # kg m^2 added to each joint, as the inertia of a motor; it keeps small bodies stable
TOE_LENGTH: Final = 0.07  # m from the toe joint to the tip


def controls(names: Sequence[str]) -> tuple[Array, Array]:
    """Stiffness (J-1,) in Nm/rad and torque limit (J-1,) in Nm of the joints, in the bodies' order."""
    parts = [PARTS[name] for name in names[1:]]
    return np.array([part.stiffness for part in parts]), np.array([part.limit for part in parts])


def mass_shares(motion: Motion) -> Array:
    """Weights (J,) of the bodies' positions in the centre of mass; each bone's mass is split between its ends."""
    shares = np.zeros(motion.bodies)
    for body, name in enumerate(motion.node_names):
        children = np.flatnonzero(motion.parents == body)
        shares[body] += PARTS[name].mass * (0.5 if len(children) else 1.0)
        shares[children] += PARTS[name].mass * 0.5 / max(len(children), 1)
    return np.asarray(shares / shares.sum())


def soles(motion: Motion) -> tuple[list[int], Array]:
    """Points under the feet: indices of their bodies, and positions (n, 3) m in those bodies' frames."""
    bodies, points = [], []
    for side in "LR":
        ankle, toe = (motion.node_names.index(f"{side}_{name}") for name in ("Ankle", "Toe"))
        ball = motion.local_translation[toe]
        sole = ball[2] - SOLE_BELOW_TOE
        bodies += [ankle, ankle, toe]
        points += [[-HEEL, ball[1], sole], [ball[0], ball[1], sole], [TOE_LENGTH, 0.0, -SOLE_BELOW_TOE]]
    return bodies, np.array(points)


def build_model(motion: Motion, timestep: float) -> Any:
    """Build the `mujoco.MjModel` with a physics step of `timestep` s. Raises ValueError for another skeleton than SMPL's."""
    if motion.node_names != NODE_NAMES or not np.array_equal(motion.parents, PARENTS):
        own, other = f"the {len(NODE_NAMES)} bodies of SMPL in order", ", ".join(motion.node_names)
        raise ValueError(f"the demo's humanoid has {own}; the motion {motion.name} has {motion.bodies}: {other}")
    return mujoco.MjModel.from_xml_string(mjcf_of(motion, timestep))


def mjcf_of(motion: Motion, timestep: float) -> str:
    """Describe that model in MuJoCo's XML format."""
    root = ET.Element("mujoco", model="pmlaunch-demo")
    ET.SubElement(root, "compiler", angle="radian", inertiafromgeom="true")
    ET.SubElement(root, "option", timestep=repr(timestep), integrator="implicitfast", iterations="20")
    default = ET.SubElement(root, "default")
    # only the ground's contype matches a body's conaffinity, so bodies do not collide with each other
    ET.SubElement(default, "geom", contype="0", conaffinity="1", friction="0.7 0.005 0.0001", condim="3")
    world = ET.SubElement(root, "worldbody")
    ET.SubElement(world, "geom", name="ground", type="plane", size="50 50 1", contype="1", conaffinity="0")
    elements = [_body(world, motion, 0)]
    for index in range(1, motion.bodies):
        elements.append(_body(elements[motion.parents[index]], motion, index))
    return ET.tostring(root, encoding="unicode")


def _body(parent: ET.Element, motion: Motion, index: int) -> ET.Element:
    name = motion.node_names[index]
    part = PARTS[name]
    place = motion.local_translation[index] if index else np.zeros(3)
    body = ET.SubElement(parent, "body", name=name, pos=_text(place))
    if index == 0:
        ET.SubElement(body, "freejoint", name=name)
    else:
        ET.SubElement(body, "joint", name=name, type="ball", damping=repr(part.damping), armature=repr(ARMATURE))
    shapes = _shapes(motion, index)
    for shape in shapes:
        ET.SubElement(body, "geom", {"mass": repr(part.mass / len(shapes)), **shape})
    return body


def _shapes(motion: Motion, index: int) -> list[dict[str, str]]:
    """The geometry of a body: the rails of a foot, a capsule to each child, or a sphere at the end of a chain."""
    name, radius = motion.node_names[index], PARTS[motion.node_names[index]].radius
    children = motion.local_translation[motion.parents == index]
    if name.endswith("Ankle"):
        x, y, z = children[0].tolist()
        return _rails(-HEEL, x, y, z - SOLE_BELOW_TOE, radius)
    if name.endswith("Toe"):
        return _rails(0.0, TOE_LENGTH, 0.0, -SOLE_BELOW_TOE, radius)
    if not len(children):
        return [{"type": "sphere", "size": repr(radius)}]
    return [{"type": "capsule", "size": repr(radius), "fromto": f"0 0 0 {_text(child)}"} for child in children]


def _rails(start: float, end: float, middle: float, sole: float, half_width: float) -> list[dict[str, str]]:
    """Two capsules side by side that rest on z = `sole` from x = `start` to `end`, all in m.

    A heel that grazes the ground slides on round ends; the edge of a box would catch and trip the walker.
    """
    height = sole + SOLE_BELOW_TOE
    edges = (middle - half_width + SOLE_BELOW_TOE, middle + half_width - SOLE_BELOW_TOE)
    rails = [[start + SOLE_BELOW_TOE, y, height, end - SOLE_BELOW_TOE, y, height] for y in edges]
    return [{"type": "capsule", "size": repr(SOLE_BELOW_TOE), "fromto": _text(rail)} for rail in rails]


def _text(numbers: Any) -> str:
    return " ".join(repr(float(number)) for number in numbers)
