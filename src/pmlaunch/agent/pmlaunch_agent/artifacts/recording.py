"""Record upstream's own video, without its L key.

ProtoMotions records what its window shows: one picture per step, and at the end a video of them next to the pictures.
Both generations use the same attributes; only the begin and end of an evaluation differ.
"""

from __future__ import annotations

import glob
import importlib
import importlib.util
import os
import sys
from typing import Any

from pmlaunch_agent.artifacts.camera import Camera
from pmlaunch_agent.contract import Artifact
from pmlaunch_agent.report.journal import Journal


class Recorder:
    """The recording of one simulator. A failure is remarked on and does not end the run.

    Args:
        simulator: upstream's, which has been built.
        path: of the video without `-TIME.mp4`.
        journal: told why there is no video.
    """

    def __init__(self, simulator: Any, path: str, journal: Journal) -> None:
        self._simulator = simulator
        self._path = path
        self._journal = journal
        self._camera: Camera | None = None

    def start(self) -> None:
        """Begin to record with the next picture."""
        try:
            reason = self._begin()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        if reason is not None:
            self._journal.left_out(Artifact.VIDEO, f"nothing was recorded: {reason}")

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
            if not glob.glob(f"{glob.escape(self._path)}*.mp4"):  # otherwise only upstream's cleanup failed
                self._journal.left_out(Artifact.VIDEO, f"the video was not written: {type(error).__name__}: {error}")
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
        except Exception as error:  # none, or a broken one
            return f"moviepy cannot be imported by {sys.executable}: {error}"
        camera = Camera(simulator, self._journal)
        # upstream puts the time into it with %
        simulator._user_recording_video_path = self._path.replace("%", "%%") + "-%s"
        simulator._write_viewport_to_file = camera
        simulator._toggle_video_record()
        self._camera = camera
        return None

    def _write(self) -> None:
        print("pmlaunch_agent: the video is being written", file=sys.stderr, flush=True)
        simulator = self._simulator
        if simulator._user_is_recording:  # unless the user pressed L meanwhile
            _draw_pending(simulator)
            simulator._toggle_video_record()
        simulator.render()
        if simulator._user_recording_state_change:  # after its window was closed, MuJoCo ignores one call
            simulator.render()

    def _drop(self) -> None:
        """Cancel the recording: upstream cannot make a video of no pictures. It may have made a folder for them."""
        simulator = self._simulator
        simulator._user_is_recording = simulator._user_recording_state_change = False
        folder = getattr(simulator, "_curr_user_recording_name", None)
        if folder is not None and str(folder).startswith(self._path) and os.path.isdir(folder):
            os.rmdir(folder)
        self._journal.left_out(Artifact.VIDEO, "nothing was recorded: no picture was drawn")


def _draw_pending(simulator: Any) -> None:
    """Let Isaac Lab draw the last pictures, which it does some frames after a request; others draw at once."""
    draw = getattr(getattr(simulator, "_sim", None), "render", None)
    if callable(draw):
        for _ in range(3):
            draw()


def provide_moviepy() -> None:
    """Let upstream import its ImageSequenceClip from moviepy 1 and 2 alike.

    ProtoMotions 2 imports it from moviepy.editor, which version 2 lacks; ProtoMotions 3 from moviepy, which in version
    1 has it one level down.

    Raises:
        ImportError: moviepy is not installed, or is incomplete.
    """
    moviepy: Any = importlib.import_module("moviepy")
    if importlib.util.find_spec("moviepy.editor") is None:
        sys.modules["moviepy.editor"] = moviepy
    elif not hasattr(moviepy, "ImageSequenceClip"):
        moviepy.ImageSequenceClip = importlib.import_module("moviepy.editor").ImageSequenceClip
