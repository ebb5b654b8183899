"""GLB, binary glTF 2.0 (Khronos, "glTF 2.0 Specification"): a skinned skeleton with capsules for each animation.

y is up, as the format demands, and lengths are m. The bind pose is the rest pose, and every joint's rotation is animated.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlaunch.motions.animation import Animation
from pmlaunch.motions.capsules import capsules

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_COMPONENTS = {"<f4": 5126, "<u2": 5123, "<u4": 5125}
_VERTICES, _INDICES = 34962, 34963  # targets of a buffer view
COLOURS = {"reference": (0.90, 0.62, 0.0, 0.45)}
"""RGBA of an animation by its name; the reference is a ghost."""
COLOUR = (0.0, 0.45, 0.70, 1.0)


class _Buffer:
    """The binary part, with the views and accessors that describe it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: NDArray[Any], kind: str, *, target: int | None = None, bounds: bool = False) -> int:
        """Append an array (rows, components) and return its accessor."""
        stored = np.ascontiguousarray(array, kind)
        rows = stored.reshape(len(stored), -1)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": stored.nbytes}
        self.views.append(view if target is None else {**view, "target": target})
        self.data += stored.tobytes() + bytes(-stored.nbytes % 4)
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": _COMPONENTS[kind],
            "count": len(rows),
        }
        accessor["type"] = _TYPES[rows.shape[1]]
        limits = {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()} if bounds else {}
        self.accessors.append({**accessor, **limits})
        return len(self.accessors) - 1


def glb(animations: tuple[Animation, ...], _up: str) -> bytes:
    """Write animations side by side: one node for each, with its joints below."""
    buffer = _Buffer()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "pmlaunch"},
        "scene": 0,
        "scenes": [{"nodes": []}],
        **{name: [] for name in ("nodes", "meshes", "skins", "materials", "animations")},
    }
    motion: dict[str, Any] = {"name": " and ".join(one.name for one in animations), "samplers": [], "channels": []}
    document["animations"].append(motion)
    for animation in animations:
        first = _skeleton(document, buffer, animation)
        _animate(motion, buffer, animation, first)
    document |= {
        "bufferViews": buffer.views,
        "accessors": buffer.accessors,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(buffer.data), b"BIN\0") + buffer.data
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _skeleton(document: dict[str, Any], buffer: _Buffer, animation: Animation) -> int:
    """Add the nodes, the skin and the mesh of an animation; return the index of its first joint."""
    nodes, which = document["nodes"], len(document["skins"])
    first, bodies = len(nodes) + 2, len(animation.parents)
    document["scenes"][0]["nodes"].append(len(nodes))
    children = [len(nodes) + 1, *(first + root for root in animation.roots)]
    nodes.append({"name": animation.name, "children": children})
    nodes.append({"name": f"{animation.name} mesh", "mesh": which, "skin": which})
    for body, name in enumerate(animation.body_names):
        node: dict[str, Any] = {"name": name, "translation": animation.offsets[body].tolist()}
        below = [first + child for child, parent in enumerate(animation.parents) if parent == body]
        nodes.append({**node, "children": below} if below else node)
    bind = np.tile(np.eye(4), (bodies, 1, 1))
    bind[:, 3, :3] = -animation.rest  # column by column, and without rotation in the rest pose
    skin = {"inverseBindMatrices": buffer.add(bind, "<f4"), "joints": list(range(first, first + bodies))}
    document["skins"].append({**skin, "name": animation.name})
    mesh = capsules(animation)
    joints, weights = np.zeros((2, len(mesh.points), 4))
    joints[:, 0], weights[:, 0] = mesh.bodies, 1.0
    attributes = {
        "POSITION": buffer.add(mesh.points, "<f4", target=_VERTICES, bounds=True),
        "NORMAL": buffer.add(mesh.normals, "<f4", target=_VERTICES),
        "JOINTS_0": buffer.add(joints, "<u2", target=_VERTICES),
        "WEIGHTS_0": buffer.add(weights, "<f4", target=_VERTICES),
    }
    indices = buffer.add(mesh.triangles.reshape(-1, 1), "<u4", target=_INDICES)
    primitive = {"attributes": attributes, "indices": indices, "material": which}
    document["meshes"].append({"name": animation.name, "primitives": [primitive]})
    colour = COLOURS.get(animation.name, COLOUR)
    surface = {"baseColorFactor": list(colour), "metallicFactor": 0.0, "roughnessFactor": 0.7}
    material = {"name": animation.name, "pbrMetallicRoughness": surface}
    document["materials"].append({**material, "alphaMode": "BLEND"} if colour[3] < 1 else material)
    return first


def _animate(motion: dict[str, Any], buffer: _Buffer, animation: Animation, first: int) -> None:
    """Add the animation of the joints from node `first` on."""
    times = buffer.add((np.arange(animation.frames) / animation.fps)[:, None], "<f4", bounds=True)
    for body, moves in enumerate(animation.moving):
        paths = {"rotation": animation.rotations[:, body]} | (
            {"translation": animation.translations[:, body]} if moves else {}
        )
        for path, values in paths.items():
            target = {"node": first + body, "path": path}
            motion["channels"].append({"sampler": len(motion["samplers"]), "target": target})
            output = buffer.add(continuous(values) if path == "rotation" else values, "<f4")
            motion["samplers"].append({"input": times, "output": output, "interpolation": "LINEAR"})


def continuous(q: NDArray[Any]) -> NDArray[Any]:
    """The same rotations (F, ..., 4), without jumps between a quaternion and its negative."""
    dots = (q[1:] * q[:-1]).sum(axis=-1)
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    return np.concatenate([q[:1], q[1:] * signs[..., None]])
