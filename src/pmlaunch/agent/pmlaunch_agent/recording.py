"""Upstream's own video, started and ended without its L key.

ProtoMotions records what its window shows: one picture a step, and at the end a video of them, next to the pictures.
Both generations do it by the same attributes; only where an evaluation begins and ends is another matter.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys

from pmlaunch_agent.filming import camera_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from pmlaunch_agent.filming import MujocoCamera
    from pmlaunch_agent.record import Record


class Recorder:
    """The recording of one simulator.

    Args:
        simulator: upstream's, which has been built.
        path: of the video without `-TIME.mp4`.
        record: told why there is no video. A video is an extra: its failure ends nothing.
    """

    def __init__(self, simulator: Any, path: str, record: Record):
        self._simulator = simulator
        self._path = path
        self._record = record
        self._camera: MujocoCamera | None = None
        self._running = False

    def start(self) -> None:
        """Begin to record with the next picture."""
        reason = self._obstacle()
        if reason is not None:
            self._record.remark(f"nothing was recorded: {reason}")
            return
        self._camera = camera_of(self._simulator)
        if self._camera is not None:
            self._simulator._write_viewport_to_file = self._camera
        # upstream puts the time into it with %
        self._simulator._user_recording_video_path = self._path.replace("%", "%%") + "-%s"
        self._simulator._toggle_video_record()
        self._running = True

    def stop(self) -> None:
        """End the recording and write the video: upstream does so when it draws the next time."""
        if not self._running:
            return
        self._running = False
        try:
            if self._simulator._user_is_recording:  # nobody pressed L meanwhile
                self._simulator._toggle_video_record()
            self._simulator.render()
            if self._simulator._user_recording_state_change:  # MuJoCo draws nothing at once after its window was closed
                self._simulator.render()
        except Exception as error:
            self._record.remark(f"the video was not written: {type(error).__name__}: {error}")
        finally:
            if self._camera is not None:
                del self._simulator._write_viewport_to_file
                self._camera.close()

    def _obstacle(self) -> str | None:
        if getattr(self._simulator, "headless", True):
            return "there is no window"
        if not hasattr(self._simulator, "_toggle_video_record"):
            return "this version of ProtoMotions has no recording"
        try:
            provide_moviepy()
        except Exception as error:  # none, or one that is broken
            return f"moviepy cannot be imported by {sys.executable}: {error}"
        return None


class Video:
    """hooks.record of spec.json, where the program has evaluations that are called: ProtoMotions 3.

    Args:
        record: see Recorder.
        path: see Recorder; None: record nothing.
    """

    def __init__(self, record: Record, path: str | None):
        self._record = record
        self._path = path

    def recording(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function(evaluator)`, recorded from its begin to its end, however it ends."""
        if self._path is None:
            return function
        path = self._path

        @functools.wraps(function)
        def evaluate(evaluator: Any, *args: Any, **kwargs: Any) -> Any:
            recorder = Recorder(evaluator.env.simulator, path, self._record)
            recorder.start()
            try:
                return function(evaluator, *args, **kwargs)
            finally:
                recorder.stop()

        return evaluate


def provide_moviepy() -> None:
    """Let upstream import its ImageSequenceClip from moviepy 1 and 2 alike.

    ProtoMotions 2 asks moviepy.editor for it, which version 2 has no more; ProtoMotions 3 asks moviepy, which in
    version 1 has it one level down.

    Raises:
        ImportError: moviepy is not installed, or lacks something.
    """
    moviepy: Any = importlib.import_module("moviepy")
    if importlib.util.find_spec("moviepy.editor") is None:
        sys.modules["moviepy.editor"] = moviepy
    elif not hasattr(moviepy, "ImageSequenceClip"):
        moviepy.ImageSequenceClip = importlib.import_module("moviepy.editor").ImageSequenceClip
