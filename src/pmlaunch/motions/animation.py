"""A skeleton in motion, ready to export: hierarchy, rest offsets, local transforms, axes and rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.kinematics import Array, inverse, multiply, normalized, rotate, slerp

MOST_BODIES: Final = 512
MOST_FRAMES: Final = 200_000
_RIGID: Final = 0.00001  # m; a body that varies less than this has one offset for the whole motion
_HALF: Final = np.sqrt(0.5)
_TO_Y_UP: Final[Array] = np.array([-_HALF, 0.0, 0.0, _HALF])  # by -90 degrees about x


@dataclass(frozen=True, eq=False)
class Animation:
    """F frames of B bodies, z up unless it was converted; parents come before their children.

    Attributes:
        translations: (F, B, 3) m of each body in its parent's frame; of a root in the world.
        rotations: (F, B, 4) xyzw, likewise.
        error: the largest distance in m of a body from where the simulator had it.
    """

    name: str
    body_names: tuple[str, ...]
    parents: tuple[int, ...]  # -1 for a root
    translations: Array
    rotations: Array
    fps: float
    error: float = 0.0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.rotations)

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """The bodies without a parent."""
        return tuple(body for body, parent in enumerate(self.parents) if parent < 0)

    @cached_property
    def offsets(self) -> Array:
        """(B, 3) m of each body in its parent's frame; zero for a root."""
        offsets: Array = np.median(self.translations, axis=0).round(7)
        offsets[list(self.roots)] = 0.0
        return offsets

    @cached_property
    def rest(self) -> Array:
        """(B, 3) m of the bodies in the rest pose: frames parallel to the world's, the root at the origin."""
        rest: Array = self.offsets.copy()
        for body, parent in enumerate(self.parents):
            if parent >= 0:
                rest[body] += rest[parent]
        return rest

    @cached_property
    def moving(self) -> NDArray[np.bool_]:
        """(B,) whether a body's translation has to be animated: roots, and bodies that are not quite rigidly connected."""
        spread = np.abs(self.translations - self.offsets).max(axis=(0, 2))
        return np.array([parent < 0 or spread[body] > _RIGID for body, parent in enumerate(self.parents)])

    def world(self, translations: Array | None = None) -> tuple[Array, Array]:
        """World positions (F, B, 3) m and rotations (F, B, 4), with other `translations` (broadcast) if given."""
        moves = np.broadcast_to(self.translations if translations is None else translations, self.translations.shape)
        positions, rotations = moves.copy(), self.rotations.copy()
        for body, parent in enumerate(self.parents):
            if parent >= 0:
                positions[:, body] = positions[:, parent] + rotate(rotations[:, parent], moves[:, body])
                rotations[:, body] = multiply(rotations[:, parent], self.rotations[:, body])
        return positions, rotations

    def rigid(self) -> Animation:
        """The same with the offsets as the translations of all bodies but the roots."""
        rigid = np.broadcast_to(self.offsets, self.translations.shape).copy()
        rigid[:, list(self.roots)] = self.translations[:, list(self.roots)]
        return replace(self, translations=rigid)

    def y_up(self) -> Animation:
        """The same in axes with y up and z towards the viewer: world and bodies' frames turn alike."""
        turned = multiply(multiply(_TO_Y_UP, self.rotations), inverse(_TO_Y_UP))
        return replace(self, translations=rotate(_TO_Y_UP, self.translations), rotations=turned)

    def at_rate(self, fps: float) -> Animation:
        """Resample to `fps`: rotations along the shortest arc, translations linearly. Raises PML001 if that is too long."""
        count = int(np.floor((self.frames - 1) / self.fps * fps + 1e-6)) + 1
        if count > MOST_FRAMES:
            raise PmlaunchError("PML001", f"--fps {fps:g} makes {count} frames; {MOST_FRAMES} is the most.")
        place = np.minimum(np.arange(count) * self.fps / fps, self.frames - 1)
        before = np.minimum(place.astype(int), max(self.frames - 2, 0))
        after = np.minimum(before + 1, self.frames - 1)
        share = (place - before)[:, None]
        moved = self.translations[after] - self.translations[before]
        return replace(
            self,
            translations=self.translations[before] + share[..., None] * moved,
            rotations=slerp(self.rotations[before], self.rotations[after], share),
            fps=fps,
        )


def animation_of(
    name: str,
    skeleton: tuple[Sequence[str], Sequence[int]],
    positions: NDArray[Any],
    rotations: NDArray[Any],
    fps: float,
) -> Animation:
    """Make an animation of world positions (F, B, 3) m and rotations (F, B, 4) xyzw of a skeleton (names, parents).

    Raises ValueError if shapes, numbers or parents are impossible.
    """
    names, parents = tuple(skeleton[0]), [int(parent) for parent in skeleton[1]]
    frames, bodies = positions.shape[:2] if positions.ndim == 3 else (0, 0)
    if not 0 < frames <= MOST_FRAMES or not 0 < bodies <= MOST_BODIES or not len(names) == len(parents) == bodies:
        raise ValueError(f"its positions are {positions.shape}, of {len(names)} bodies")
    if positions.shape != (frames, bodies, 3) or rotations.shape != (frames, bodies, 4):
        raise ValueError(f"its rotations are {rotations.shape} and its positions {positions.shape}")
    if any(array.dtype.kind != "f" or not np.isfinite(array).all() for array in (positions, rotations)):
        raise ValueError("it holds numbers that are not finite")
    lengths = np.linalg.norm(rotations, axis=-1)
    if not 0 < fps <= 10_000 or np.abs(lengths - 1.0).max() > 0.1:
        raise ValueError("its rate or its quaternions are impossible")
    order = _parents_first(parents)
    parents = [order.index(parents[body]) if parents[body] >= 0 else -1 for body in order]
    world = positions[:, order].astype(np.float64), normalized(rotations[:, order].astype(np.float64))
    local = _local(parents, *world)
    animation = Animation(name, tuple(names[body] for body in order), tuple(parents), *local, float(fps))
    still = ~animation.moving
    animation.translations[:, still] = animation.offsets[still]
    apart = np.linalg.norm(animation.world()[0] - world[0], axis=-1)
    return replace(animation, error=float(apart.max()))


def _parents_first(parents: Sequence[int]) -> list[int]:
    """The bodies in an order in which parents come first, otherwise unchanged. Raises ValueError if it is no forest."""
    order: dict[int, None] = {}
    waiting = list(range(len(parents)))
    while waiting:
        ready = next((body for body in waiting if parents[body] == -1 or parents[body] in order), None)
        if ready is None:
            raise ValueError("its parents are no tree")
        order[ready] = None
        waiting.remove(ready)
    return list(order)


def _local(parents: Sequence[int], positions: Array, rotations: Array) -> tuple[Array, Array]:
    """Translations and rotations in the parents' frames."""
    translations, turned = positions.copy(), rotations.copy()
    for body, parent in enumerate(parents):
        if parent >= 0:
            back = inverse(rotations[:, parent])
            translations[:, body] = rotate(back, positions[:, body] - positions[:, parent])
            turned[:, body] = multiply(back, rotations[:, body])
    return translations, turned
