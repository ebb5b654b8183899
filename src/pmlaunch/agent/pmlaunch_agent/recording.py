"""Upstream's own video, started and ended without its L key.

ProtoMotions records what its window shows: one picture a step, and at the end a video of them, next to the pictures.
Both generations do it by the same attributes; only where an evaluation begins and ends is another matter.
"""

from __future__ import annotations

import functools
import glob
import importlib
import importlib.util
import os
import sys

from pmlaunch_agent.filming import Camera

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from pmlaunch_agent.record import Record


class Recorder:
    """The recording of one simulator. A video is an extra: its failure is told and ends nothing.

    Args:
        simulator: upstream's, which has been built.
        path: of the video without `-TIME.mp4`.
        record: told why there is no video.
    """

    def __init__(self, simulator: Any, path: str, record: Record):
        self._simulator = simulator
        self._path = path
        self._record = record
        self._camera: Camera | None = None

    def start(self) -> None:
        """Begin to record with the next picture."""
        try:
            reason = self._begin()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        if reason is not None:
            self._record.remark(f"nothing was recorded: {reason}")

    def stop(self) -> None:
        """End the recording and write the video: upstream does so when it draws the next time."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            if camera.pictures:
                self._write()
            else:
                self._drop()
        except Exception as error:
            if not glob.glob(f"{glob.escape(self._path)}*.mp4"):  # else only upstream's tidying failed
                self._record.remark(f"the video was not written: {type(error).__name__}: {error}")
        finally:
            vars(self._simulator).pop("_write_viewport_to_file", None)
            camera.close()

    def _begin(self) -> str | None:
        simulator = self._simulator
        if getattr(simulator, "headless", True):
            return "there is no window"
        if not hasattr(simulator, "_toggle_video_record"):
            return "this version of ProtoMotions has no recording"
        try:
            provide_moviepy()
        except Exception as error:  # none, or one that is broken
            return f"moviepy cannot be imported by {sys.executable}: {error}"
        camera = Camera(simulator, self._record)
        # upstream puts the time into it with %
        simulator._user_recording_video_path = self._path.replace("%", "%%") + "-%s"
        simulator._write_viewport_to_file = camera
        simulator._toggle_video_record()
        self._camera = camera
        return None

    def _write(self) -> None:
        print("pmlaunch_agent: the video is being written", file=sys.stderr, flush=True)
        simulator = self._simulator
        if simulator._user_is_recording:  # nobody pressed L meanwhile
            _draw_what_was_asked_for(simulator)
            simulator._toggle_video_record()
        simulator.render()
        if simulator._user_recording_state_change:  # MuJoCo draws nothing at once after its window was closed
            simulator.render()

    def _drop(self) -> None:
        """Upstream could make no video of no pictures; a folder for them may be there."""
        simulator = self._simulator
        simulator._user_is_recording = simulator._user_recording_state_change = False
        folder = getattr(simulator, "_curr_user_recording_name", None)
        if folder is not None and str(folder).startswith(self._path) and os.path.isdir(folder):
            os.rmdir(folder)
        self._record.remark("nothing was recorded: no picture was drawn")


def _draw_what_was_asked_for(simulator: Any) -> None:
    """Isaac Lab writes a picture some frames after it was asked for it; others have written theirs."""
    draw = getattr(getattr(simulator, "_sim", None), "render", None)
    if callable(draw):
        for _ in range(3):
            draw()


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
            simulator = getattr(getattr(evaluator, "env", None), "simulator", None)
            recorder = Recorder(simulator, path, self._record)
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
