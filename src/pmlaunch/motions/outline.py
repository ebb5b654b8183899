"""The outline of a motion file: its size and duration, without its numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MotionOutline:
    """What a motion file holds, or a packed library of motions in total.

    Attributes:
        frames: number of frames; of a library, those of all motions.
        bodies: number of bodies of the skeleton.
        fps: frames per second.
        seconds: duration from first to last frame; of a library, that of its longest motion.
        body_names: names of the bodies; empty if the file does not store them.
    """

    frames: int
    bodies: int
    fps: float
    seconds: float
    body_names: tuple[str, ...] = ()
