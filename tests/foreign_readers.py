"""Exported motions as other programs' readers see them: where those put the bodies."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from pmlaunch.motions.kinematics import Array

MM = 0.001
Found = tuple[list[str], list[str], Array, float]
"""Names of bodies, of their parents ("" for a root), world positions (F, B, 3) m in the file's axes, and the rate."""


def matrices(q: Array) -> Array:
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return np.stack(rows, axis=-1).reshape(*x.shape, 3, 3)


def placed(parents: list[int], turns: list[Array], moves: list[Array]) -> Array:
    """World positions (F, B, 3) of bodies with local matrices (F, 3, 3) and translations (F, 3), parents first."""
    world: list[Array] = []
    at: list[Array] = []
    for parent, turn, move in zip(parents, turns, moves, strict=True):
        world.append(turn if parent < 0 else world[parent] @ turn)
        at.append(move if parent < 0 else at[parent] + (world[parent] @ move[..., None])[..., 0])
    return np.stack(at, axis=1)


def read_glb(path: Path, name: str = "policy") -> Found:
    pygltflib = pytest.importorskip("pygltflib")
    file = pygltflib.GLTF2().load_binary(str(path))

    def numbers(index: int) -> Array:
        accessor = file.accessors[index]
        view = file.bufferViews[accessor.bufferView]
        kind = {5126: "<f4", 5123: "<u2", 5125: "<u4"}[accessor.componentType]
        size = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
        raw = file.binary_blob()[view.byteOffset :][: view.byteLength]
        return np.frombuffer(raw, kind).reshape(accessor.count, size).astype(np.float64)

    (skin,) = (skin for skin in file.skins if skin.name == name)
    joints = skin.joints
    above = {child: node for node in range(len(file.nodes)) for child in file.nodes[node].children or ()}
    channels = {(each.target.node, each.target.path): each.sampler for each in file.animations[0].channels}
    samplers = file.animations[0].samplers
    times = numbers(samplers[0].input).ravel()
    turns, moves = [], []
    for joint in joints:
        turns.append(matrices(numbers(samplers[channels[joint, "rotation"]].output)))
        moved = channels.get((joint, "translation"))
        still = np.tile(file.nodes[joint].translation, (len(times), 1))
        moves.append(still if moved is None else numbers(samplers[moved].output))
    parents = [joints.index(above[joint]) if above[joint] in joints else -1 for joint in joints]
    rest = placed(parents, [np.eye(3)[None]] * len(joints), [np.array([file.nodes[j].translation]) for j in joints])[0]
    bind = numbers(skin.inverseBindMatrices).reshape(-1, 4, 4)
    np.testing.assert_allclose(bind[:, 3, :3], -rest, atol=1e-6)
    mesh = file.meshes[file.skins.index(skin)].primitives[0]
    corners, owners = numbers(mesh.attributes.POSITION), numbers(mesh.attributes.JOINTS_0)[:, 0].astype(int)
    assert np.linalg.norm(corners - rest[owners], axis=-1).max() < 0.7
    triangles = corners[numbers(mesh.indices).astype(int).reshape(-1, 3)]
    assert np.linalg.det(triangles).sum() > 0  # six times the volume: triangles are counter-clockwise from outside
    names = [file.nodes[joint].name for joint in joints]
    named = ["" if parent < 0 else names[parent] for parent in parents]
    return names, named, placed(parents, turns, moves), float(1 / np.diff(times).mean())


def read_bvh(path: Path) -> Found:
    bvh = pytest.importorskip("bvh")
    file = bvh.Bvh(path.read_text(encoding="ascii"))
    names = file.get_joints_names()
    above = [file.joint_parent_index(name) for name in names]
    turns, moves = [], []
    rows = np.array(file.frames, dtype=float)
    for name in names:
        channels = file.joint_channels(name)
        start = file.get_joint_channels_index(name)
        values = rows[:, start : start + len(channels)]
        turn = np.tile(np.eye(3), (file.nframes, 1, 1))
        move = np.tile(np.array(file.joint_offset(name)), (file.nframes, 1))
        for channel, value in zip(channels, values.T, strict=True):
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                move[:, axis] += value
            else:
                q = np.zeros((file.nframes, 4))
                q[:, axis], q[:, 3] = np.sin(np.radians(value) / 2), np.cos(np.radians(value) / 2)
                turn = turn @ matrices(q)
        turns.append(turn)
        moves.append(move)
    parents = ["" if parent < 0 else names[parent] for parent in above]
    return names, parents, placed(above, turns, moves), 1 / file.frame_time


def read_usda(path: Path, name: str = "policy") -> Found:
    pytest.importorskip("pxr")
    from pxr import Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    (prim,) = (prim for prim in stage.Traverse() if prim.GetName() == name)
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(prim), Usd.PrimDefaultPredicate)
    query = cache.GetSkelQuery(UsdSkel.Skeleton(prim.GetChild("Skeleton")))
    assert query.HasBindPose()
    assert query.HasRestPose()
    (binding,) = cache.ComputeSkelBindings(UsdSkel.Root(prim), Usd.PrimDefaultPredicate)
    assert [target.GetPrim().GetName() for target in binding.GetSkinningTargets()] == ["Body"]
    times = np.arange(stage.GetStartTimeCode(), stage.GetEndTimeCode() + 1)
    poses = np.array([query.ComputeJointSkelTransforms(time) for time in times])
    paths = list(query.GetJointOrder())
    names = [path.rpartition("/")[2] for path in paths]
    parents = [path.rpartition("/")[0].rpartition("/")[2] for path in paths]
    return names, parents, poses[:, :, 3, :3], stage.GetTimeCodesPerSecond()


def read_csv(path: Path) -> Found:
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
    names = [title.removesuffix(" x [m]").removeprefix("'") for title in rows[0] if title.endswith(" x [m]")]
    numbers = np.array(rows[1:], dtype=float)
    assert rows[0][:8:7] == ["time [s]", f"{names[0]} qw [1]"]
    positions = numbers[:, 1:].reshape(len(numbers), len(names), 7)[..., :3]
    return names, [], positions, float(1 / np.diff(numbers[:, 0]).mean())


def read_npz(path: Path) -> Found:
    with np.load(path, allow_pickle=False) as found:
        names = found["body_names"].tolist()
        parents = ["" if parent < 0 else names[parent] for parent in found["parents"]]
        at = found["positions"]
        turns, moves = matrices(found["local_rotations"]), np.tile(found["offsets"], (len(at), 1, 1))
        moves[:, 0] = at[:, 0]
        again = placed(found["parents"].tolist(), list(turns.swapaxes(0, 1)), list(moves.swapaxes(0, 1)))
        np.testing.assert_allclose(again, at, atol=0.1 * MM)
        return names, parents, at, float(found["fps"])


def in_axes(positions: Array, up: str) -> Array:
    return positions if up == "z" else np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], axis=-1)
