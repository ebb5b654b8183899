"""The outline of a motion file."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BYTES = 64 << 20
"""Of a motion file: 13 minutes of a humanoid at 60 Hz. Reading it takes three times as much memory."""


@dataclass(frozen=True)
class MotionOutline:
    """Size and duration of a motion, or of all motions of a packed library together."""

    frames: int
    bodies: int
    fps: float
    seconds: float  # from the first frame to the last; of a library's longest motion
    body_names: tuple[str, ...] = ()  # empty if the file does not store them
    motions: int = 1
    shortest: int | None = None  # frames of a library's shortest motion

    @property
    def least_frames(self) -> int:
        """Frames of the motion, or of the shortest one."""
        return self.frames if self.shortest is None else self.shortest
