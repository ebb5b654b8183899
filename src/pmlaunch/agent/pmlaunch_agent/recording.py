"""Upstream's own video, started and ended without its L key.

ProtoMotions 2 records what its window shows: one picture a step, and at the end a video of them, next to the pictures.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Recorder:
    """The recording of one simulator.

    Args:
        simulator: upstream's, which has been built.
        path: of the video without `-TIME.mp4`.
    """

    def __init__(self, simulator: Any, path: str):
        self._simulator = simulator
        self._path = path
        self._running = False

    def start(self) -> str | None:
        """Begin to record with the next picture; what is in the way, if something is."""
        simulator = self._simulator
        if getattr(simulator, "headless", True):
            return "nothing was recorded: there is no window"
        if not hasattr(simulator, "_toggle_video_record"):
            return "nothing was recorded: this version of ProtoMotions has no recording"
        if not provide_moviepy():
            return f"nothing was recorded: moviepy is not installed for {sys.executable}"
        # upstream puts the time into it with %
        simulator._user_recording_video_path = self._path.replace("%", "%%") + "-%s"
        simulator._toggle_video_record()
        self._running = True
        return None

    def stop(self) -> None:
        """End the recording and write the video: upstream does so when it draws the next time."""
        if self._running:
            self._running = False
            if self._simulator._user_is_recording:  # nobody pressed L meanwhile
                self._simulator._toggle_video_record()
            self._simulator.render()


def provide_moviepy() -> bool:
    """Let `from moviepy.editor import ...` succeed: moviepy 2 has the same names one level up. False without moviepy."""
    if importlib.util.find_spec("moviepy") is None:
        return False
    if importlib.util.find_spec("moviepy.editor") is None:
        sys.modules["moviepy.editor"] = importlib.import_module("moviepy")
    return True
