"""USDA, OpenUSD's text format: a UsdSkel skeleton, its animation and a skinned body of capsules for each animation.

Lengths are m (metersPerUnit = 1), time codes are frames (timeCodesPerSecond), and quaternions are written wxyz, as USD
does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pmlaunch.motions.animation import Animation
from pmlaunch.motions.capsules import capsules
from pmlaunch.motions.export_bvh import unique
from pmlaunch.motions.export_glb import COLOUR, COLOURS, continuous
from pmlaunch.motions.kinematics import Array


def usda(animations: tuple[Animation, ...], up: str) -> bytes:
    """Write animations side by side: one SkelRoot for each."""
    fps, last = animations[0].fps, animations[0].frames - 1
    names = unique(tuple(f"_{one.name}" if one.name[:1].isdigit() else one.name for one in animations), _FORBIDDEN)
    lines = [
        *(
            "#usda 1.0",
            "(",
            f'    defaultPrim = "{names[0] if len(names) == 1 else "Motion"}"',
            "    metersPerUnit = 1",
        ),
        *(f'    upAxis = "{up.upper()}"', "    startTimeCode = 0", f"    endTimeCode = {last}"),
        *(f"    timeCodesPerSecond = {fps:.9g}", f"    framesPerSecond = {fps:.9g}", ")", ""),
    ]
    if len(names) > 1:
        lines += ['def Xform "Motion"', "{"]
    for name, animation in zip(names, animations, strict=True):
        lines += _root(name, animation, "/Motion" if len(names) > 1 else "")
    return "\n".join([*lines, *("}" for _ in names[1:2]), ""]).encode("utf-8")


_FORBIDDEN = r"[^A-Za-z0-9_]"  # what USD refuses in a name


def _root(name: str, animation: Animation, above: str) -> Iterator[str]:
    path = f"{above}/{name}"
    yield f'def SkelRoot "{name}" ('
    yield '    prepend apiSchemas = ["SkelBindingAPI"]'
    yield from (")", "{", f"    rel skel:skeleton = <{path}/Skeleton>")
    joints = f"    uniform token[] joints = {_listed(map(_quoted, _joints(animation)))}"
    yield from ('    def Skeleton "Skeleton" (', '        prepend apiSchemas = ["SkelBindingAPI"]', "    )", "    {")
    yield f"    {joints}"
    yield f"        uniform matrix4d[] bindTransforms = {_listed(_moved(animation.rest))}"
    yield f"        uniform matrix4d[] restTransforms = {_listed(_moved(animation.offsets))}"
    yield f"        rel skel:animationSource = <{path}/Skeleton/Animation>"
    yield from ('        def SkelAnimation "Animation"', "        {", f"        {joints}")
    yield f"            half3[] scales = {_listed(['(1, 1, 1)'] * len(animation.parents))}"
    yield from _samples("float3[] translations", animation.translations)
    yield from _samples("quatf[] rotations", continuous(animation.rotations)[..., [3, 0, 1, 2]])
    yield from ("        }", "    }")
    yield from _mesh(animation)
    yield "}"


def _joints(animation: Animation) -> list[str]:
    """The joints as paths: a joint's parent is what stands before its name."""
    names = unique(tuple(f"_{name}" if name[:1].isdigit() else name for name in animation.body_names), _FORBIDDEN)
    paths: list[str] = []
    for name, parent in zip(names, animation.parents, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _samples(attribute: str, values: Array) -> Iterator[str]:
    yield f"            {attribute}.timeSamples = {{"
    for frame, row in enumerate(values):
        yield f"                {frame}: {_vectors(row)},"
    yield "            }"


def _mesh(animation: Animation) -> Iterator[str]:
    mesh = capsules(animation)
    colour = COLOURS.get(animation.name, COLOUR)
    yield from ('    def Mesh "Body" (', '        prepend apiSchemas = ["SkelBindingAPI"]', "    )", "    {")
    yield f"        int[] faceVertexCounts = {_listed(['3'] * len(mesh.triangles))}"
    yield f"        int[] faceVertexIndices = {_listed(map(str, mesh.triangles.ravel().tolist()))}"
    yield f"        point3f[] points = {_vectors(mesh.points)}"
    yield f"        normal3f[] normals = {_vectors(mesh.normals)} ("
    yield from ('            interpolation = "vertex"', "        )", '        uniform token subdivisionScheme = "none"')
    yield f"        color3f[] primvars:displayColor = {_vectors(np.array([colour[:3]]))}"
    yield f"        float[] primvars:displayOpacity = [{colour[3]}]"
    for name, kind, values in (("Indices", "int", mesh.bodies), ("Weights", "float", np.ones(len(mesh.bodies)))):
        yield f"        {kind}[] primvars:skel:joint{name} = {_listed(f'{value:g}' for value in values)} ("
        yield from ("            elementSize = 1", '            interpolation = "vertex"', "        )")
    yield "    }"


def _moved(offsets: Array) -> Iterator[str]:
    for x, y, z in offsets.tolist():
        yield f"((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), ({x:.9g}, {y:.9g}, {z:.9g}, 1))"


def _vectors(rows: Array) -> str:
    return _listed(f"({', '.join(f'{value:.9g}' for value in row)})" for row in (rows.round(7) + 0.0).tolist())


def _listed(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _quoted(text: str) -> str:
    return f'"{text}"'
