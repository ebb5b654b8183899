"""Motions for playback: error curves, the moment of failure, the worst body, and a compact form for the page."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pmlaunch.motions.animation import MOST_BODIES
from pmlaunch.motions.clips import Clip, Positions
from pmlaunch.motions.recorded_motion import SavedMotion

FAILED_ABOVE: Final = 0.5
"""Upstream's limit in m of the mean position error, above which 2.x and the demo call a motion lost."""
MOST_MOTIONS: Final = 10_000  # of a run
MOST_SHOWN: Final = 18_000  # frames of a motion: ten minutes at 30 Hz
_FINEST: Final = 0.0005  # m between two positions that the page tells apart
_FARTHEST: Final = 100.0  # m from the first pose: a simulation that blew up must not make all else coarse


@dataclass(frozen=True, eq=False)
class Track:
    """A motion with F frames and B bodies; frame 0 is `first` seconds after the start."""

    name: str
    positions: Positions  # (F, B, 3) m
    reference: Positions | None  # likewise, where the bodies should have been
    fps: float
    body_names: tuple[str, ...]
    parents: NDArray[np.int64]  # (B,), -1 for a root
    first: float = 0.0
    rotations: Positions | None = None  # (F, B, 4) xyzw
    reference_rotations: Positions | None = None

    @property
    def seconds(self) -> float:
        """Time of the last frame."""
        return self.first + (len(self.positions) - 1) / self.fps

    @cached_property
    def errors(self) -> Positions | None:
        """Distance (F, B) m of each body from its reference."""
        if self.reference is None:
            return None
        apart = self.positions - self.reference
        squares: Positions = np.einsum("fbi,fbi->fb", apart, apart)  # a third of the time of numpy's norm
        return np.sqrt(squares)

    @cached_property
    def failure(self) -> int | None:
        """The first frame whose mean error over the bodies is above `FAILED_ABOVE`."""
        if self.errors is None:
            return None
        above = np.flatnonzero(self.errors.mean(axis=1) > FAILED_ABOVE)
        return int(above[0]) if len(above) else None

    @property
    def failed_at(self) -> float | None:
        """The same in seconds."""
        return None if self.failure is None else self.first + self.failure / self.fps

    @cached_property
    def worst_body(self) -> int | None:
        """The body with the largest mean error, up to the failure if there was one."""
        if self.errors is None:
            return None
        until = len(self.errors) if self.failure is None else self.failure + 1
        return int(self.errors[:until].mean(axis=0).argmax())


def tracks_of(saved: SavedMotion) -> list[Track | None]:
    """The columns of a saved motion; None in place of one without frames or with numbers that are not finite."""
    return [_column(saved, index) for index in range(len(saved.motions))[:MOST_MOTIONS]]


def _column(saved: SavedMotion, index: int) -> Track | None:
    count = int(saved.frames[index])
    positions = saved.positions[:count, index]
    reference = None if saved.reference is None else saved.reference[:count, index]
    if count < 1 or not np.isfinite(positions).all():
        return None
    if reference is not None and not np.isfinite(reference).all():
        reference = None
    fitting = [
        it[:count, index] if it is not None and it.shape[:2] == saved.positions.shape[:2] else None
        for it in (saved.rotations, saved.reference_rotations)
    ]
    known = saved.motions[index], positions, reference, saved.fps, saved.body_names, saved.parents
    return Track(*known, 1 / saved.fps, *fitting)


def track_of(clip: Clip) -> Track:
    """The playback of a motion file."""
    names = clip.body_names or tuple(f"body {body}" for body in range(len(clip.parents)))
    return Track(clip.name, clip.positions, None, clip.fps, names, clip.parents, rotations=clip.rotations)


def check_saved(saved: SavedMotion) -> SavedMotion:
    """`saved` if its arrays agree with each other: a stranger may have written the file. Raises ValueError."""
    frames, columns, bodies, _ = saved.positions.shape
    parents = np.asarray(saved.parents)
    arrays = [saved.positions] if saved.reference is None else [saved.positions, saved.reference]
    if any(array.dtype.kind != "f" or array.shape != (frames, columns, bodies, 3) for array in arrays):
        raise ValueError("positions and reference have different shapes")
    if not 0 < bodies <= MOST_BODIES or parents.shape != (bodies,) or parents.dtype.kind != "i":
        raise ValueError("parents do not match its bodies")
    if (parents < -1).any() or (parents >= bodies).any() or not 0 < saved.fps <= 10_000:
        raise ValueError("parents or fps are invalid")
    counts = np.asarray(saved.frames)
    if counts.shape != (columns,) or counts.dtype.kind != "i" or (counts < 0).any() or (counts > frames).any():
        raise ValueError("frames are invalid")
    return saved


def pack(track: Track) -> tuple[dict[str, Any], bytes]:
    """Reduce the first `MOST_SHOWN` frames of a track to 16-bit numbers and compress them (raw deflate).

    Returns {origin, step, frames} and the data: a position is origin + step * number, in m. The numbers are (bodies,
    then reference bodies; x, y, z; frames), each the difference from the one before it, all low bytes before all high
    bytes.
    """
    parts = [track.positions] if track.reference is None else [track.positions, track.reference]
    values = np.concatenate([part[:MOST_SHOWN] for part in parts], axis=1).astype(np.float64)
    start = values[0].mean(axis=0)
    values = np.clip(values, start - _FARTHEST, start + _FARTHEST)
    origin = values.min(axis=(0, 1))
    step = max(_FINEST, float((values - origin).max()) / 65_000)
    numbers = np.rint((values - origin) / step).transpose(1, 2, 0).reshape(-1, len(values))
    return {"origin": origin.tolist(), "step": step, "frames": len(values)}, deflate(planes(numbers))


def planes(numbers: NDArray[Any]) -> bytes:
    """Code 16-bit numbers (channels, frames) as differences, all low bytes before all high bytes."""
    wrapped: NDArray[np.uint16] = np.diff(numbers.astype(np.int32), axis=1, prepend=0).astype("<u2")
    coded: bytes = wrapped.reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()
    return coded


def deflate(content: bytes) -> bytes:
    """Compress to raw deflate, which the page's own reader inflates."""
    squeezer = zlib.compressobj(6, zlib.DEFLATED, -15)  # 9 takes four times as long and saves 2 %
    return squeezer.compress(content) + squeezer.flush()
