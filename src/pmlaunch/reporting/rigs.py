"""Skeletons in rotation, small enough for the page, which makes GLB and BVH files of them when they are asked for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.animation import Animation, animation_of
from pmlaunch.motions.export import ExportRequest, prepare
from pmlaunch.motions.export_bvh import unique
from pmlaunch.motions.kinematics import to_vector
from pmlaunch.reporting.plain_text import plain
from pmlaunch.reporting.tracks import MOST_SHOWN, Track, deflate, planes

_TURN: Final = 2e-4  # rad between two rotations that the file tells apart
_MOVE: Final = 1e-4  # m between two places of the root, at least


def pack_rig(track: Track) -> tuple[dict[str, Any], bytes] | None:
    """Pack the rigid skeletons of a track, y up: the policy's, and the reference's if its rotations are known.

    Returns {turn, frames, parts} and the data. A part is {name, names, bvh, parents, offsets, origin, move}; parents
    come first. The numbers are those of one part after the other: (rotation vectors in the parents' frames in units of
    `turn`, from -pi on; then the root's place, origin + move * number, in m; frames), coded as `tracks.pack` does.
    None if there are no rotations, or if the bodies do not form a rigid skeleton.
    """
    policy = _rigid(track, "policy" if track.reference is not None else "motion", track.positions, track.rotations)
    if policy is None:
        return None
    reference = _rigid(track, "reference", track.reference, track.reference_rotations)
    parts, numbers = [], []
    for animation in (policy, reference) if reference is not None else (policy,):
        root = animation.translations[:, 0]
        origin = root.min(axis=0)
        move = max(_MOVE, float((root - origin).max()) / 65_000)
        turns = np.rint((to_vector(animation.rotations) + np.pi) / _TURN).reshape(len(root), -1)
        numbers.append(np.concatenate([turns, np.rint((root - origin) / move)], axis=1).T)
        names = [plain(name, 200) for name in animation.body_names]
        part = {"name": animation.name, "names": names, "parents": animation.parents}
        part |= {
            "bvh": unique(animation.body_names, r"[^A-Za-z0-9_.\-]"),
            "offsets": animation.offsets.round(6).tolist(),
        }
        parts.append(part | {"origin": origin.tolist(), "move": move})
    head = {"turn": _TURN, "frames": policy.frames, "parts": parts}
    return head, deflate(planes(np.concatenate(numbers)))


def _rigid(track: Track, name: str, positions: Any, rotations: Any) -> Animation | None:
    """A motion as BVH would hold it; None if it cannot."""
    if positions is None or rotations is None:
        return None
    try:
        skeleton = track.body_names, track.parents.tolist()
        made = animation_of(name, skeleton, positions[:MOST_SHOWN], rotations[:MOST_SHOWN], track.fps)
        return prepare((made,), ExportRequest("bvh")).animations[0]
    except (PmlaunchError, ValueError):
        return None
