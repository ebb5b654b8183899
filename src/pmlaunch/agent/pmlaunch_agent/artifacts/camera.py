"""Draw the pictures of a video. A failure ends the video, never the run.

Two simulators are drawn in a better way than upstream's. ProtoMotions 3 draws MuJoCo with a free camera at the model's
origin, far from the robot on its terrain: its video shows an empty floor, and it makes a new renderer for every
picture. And Genesis renders four images at once, of which upstream saves the tuple.
"""

from __future__ import annotations

import importlib
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


class Camera:
    """Replaces `_write_viewport_to_file(file_name)` of upstream's simulator, whose window is open.

    Attributes:
        pictures: number of pictures drawn.
    """

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
            self._end("upstream can count no further")

    def close(self) -> None:
        """Close OpenGL's renderer, which must happen before the window closes."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _end(self, reason: str) -> None:
        self._ended = True
        text = f"the video ends after {self.pictures} pictures: {reason}"
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
