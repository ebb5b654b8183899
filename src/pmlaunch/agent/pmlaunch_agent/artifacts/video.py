"""Record upstream's own video, without its L key.

ProtoMotions records what its window shows: one picture per step, and at the end a video of them next to the pictures.
Both generations use the same attributes; only the begin and end of an evaluation differ.

Two simulators are drawn in a better way than upstream's. ProtoMotions 3 draws MuJoCo with a free camera at the model's
origin, far from the robot on its terrain: its video shows an empty floor, and it makes a new renderer for every
picture. And Genesis renders four images at once, of which upstream saves the tuple.
"""

from __future__ import annotations

import glob
import importlib
import importlib.util
import os
import sys
from typing import Any, Callable

from pmlaunch_agent.contract import Artifact
from pmlaunch_agent.report.ending import error_text
from pmlaunch_agent.report.journal import Journal

MOST_PICTURES = 9999
"""Upstream numbers pictures with four digits and sorts them by name, so more would be out of order."""
_MUJOCO = "protomotions.simulator.mujoco.simulator"
_GENESIS = "protomotions.simulator.genesis.simulator"
_HEIGHT, _WIDTH = 480, 640  # upstream's, and the most that MuJoCo draws unless a model asks for more


class Recorder:
    """The recording of upstream's `simulator`, at `path` without `-TIME.mp4`. A failure does not end the run."""

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
            reason = error_text(error)
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
                self._journal.left_out(Artifact.VIDEO, f"the video was not written: {error_text(error)}")
        finally:
            vars(self._simulator).pop("_write_viewport_to_file", None)
            camera.close()

    def _begin(self) -> str | None:
        simulator = self._simulator
        if getattr(simulator, "headless", True):
            return "there is no window"
        if not hasattr(simulator, "_toggle_video_record"):
            return "this version of ProtoMotions cannot record"
        try:
            provide_moviepy()
        except Exception as error:  # none, or a broken one
            return f"moviepy cannot be imported by {sys.executable}: {error}"
        camera = simulator._write_viewport_to_file = Camera(simulator, self._journal)
        simulator._user_recording_video_path = self._path.replace("%", "%%") + "-%s"  # upstream puts the time into it
        simulator._toggle_video_record()
        self._camera = camera
        return None

    def _write(self) -> None:
        print("pmlaunch_agent: the video is being written", file=sys.stderr, flush=True)
        simulator = self._simulator
        if simulator._user_is_recording:  # unless the user pressed L meanwhile
            draw = getattr(getattr(simulator, "_sim", None), "render", None)
            if callable(draw):  # Isaac Lab draws some frames after a request; others draw at once
                for _ in range(3):
                    draw()
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
        self._journal.left_out(Artifact.VIDEO, "nothing was recorded: no frame was drawn")


def provide_moviepy() -> None:
    """Let upstream import its ImageSequenceClip from moviepy 1 and 2 alike.

    ProtoMotions 2 imports it from moviepy.editor, which version 2 lacks; ProtoMotions 3 from moviepy, which in version
    1 has it one level down. Raises ImportError if moviepy is missing or incomplete.
    """
    moviepy: Any = importlib.import_module("moviepy")
    if importlib.util.find_spec("moviepy.editor") is None:
        sys.modules["moviepy.editor"] = moviepy
    elif not hasattr(moviepy, "ImageSequenceClip"):
        moviepy.ImageSequenceClip = importlib.import_module("moviepy.editor").ImageSequenceClip


class Camera:
    """Replaces `_write_viewport_to_file(file_name)` of a simulator whose window is open. A failure ends the video only."""

    def __init__(self, simulator: Any, journal: Journal) -> None:
        self._simulator = simulator
        self._journal = journal
        self._renderer: Any = None  # MuJoCo's
        self._ended = False
        self.pictures = 0
        kind = type(simulator).__module__
        self._draw: Callable[[str], None] = simulator._write_viewport_to_file
        if kind == _MUJOCO and getattr(simulator, "viewer", None) is not None:
            self._draw = self._draw_mujoco
        elif kind == _GENESIS:
            self._draw = self._draw_genesis

    def __call__(self, file_name: str) -> None:
        """Draw the next picture."""
        if self._ended:
            return
        try:
            self._draw(file_name)
        except Exception as error:
            self._end(error_text(error))
            return
        self.pictures += 1
        if self.pictures == MOST_PICTURES:
            self._end("ProtoMotions cannot number more frames")

    def close(self) -> None:
        """Close OpenGL's renderer, which must happen before the window closes."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _end(self, reason: str) -> None:
        self._ended = True
        text = f"the video ends after {self.pictures} frames: {reason}"
        if self.pictures:
            self._journal.remark(text)
        else:
            self._journal.left_out(Artifact.VIDEO, text)

    def _draw_mujoco(self, file_name: str) -> None:
        """Draw what the window shows, including the markers of the reference."""
        mujoco: Any = sys.modules["mujoco"]
        simulator, viewer = self._simulator, self._simulator.viewer
        if self._renderer is None:
            self._renderer = mujoco.Renderer(simulator.model, height=_HEIGHT, width=_WIDTH)
        with viewer.lock():  # the window draws the same data in its own thread
            self._renderer.update_scene(simulator.data, camera=viewer.cam)
            _add_markers(mujoco, self._renderer.scene, viewer.user_scn)
        _save(file_name, self._renderer.render())

    def _draw_genesis(self, file_name: str) -> None:
        drawn = self._simulator._perspective_view.render()
        _save(file_name, drawn[0] if isinstance(drawn, tuple) else drawn)  # (color, depth, segmentation, normal)


def _save(file_name: str, picture: Any) -> None:
    importlib.import_module("matplotlib.image").imsave(file_name, picture)  # as upstream does


def _add_markers(mujoco: Any, scene: Any, markers: Any) -> None:
    for index in range(min(markers.ngeom, scene.maxgeom - scene.ngeom)):
        marker = markers.geoms[index]
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(geom, marker.type, marker.size, marker.pos, marker.mat.flatten(), marker.rgba)
        scene.ngeom += 1
