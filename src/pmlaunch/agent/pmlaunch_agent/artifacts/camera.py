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
from pmlaunch_agent.report.journal import Journal

MOST_PICTURES = 9999
"""Upstream numbers pictures with four digits and sorts them by name, so more would be out of order."""
_MUJOCO = "protomotions.simulator.mujoco.simulator"
_GENESIS = "protomotions.simulator.genesis.simulator"
_HEIGHT, _WIDTH = 480, 640  # upstream's, and the most that MuJoCo draws unless a model asks for more


class Camera:
    """Replaces a simulator's `_write_viewport_to_file(file_name)`.

    Args:
        simulator: upstream's, with its window open.
        journal: told why the video ends before the run does.

    Attributes:
        pictures: number of pictures drawn.
    """

    def __init__(self, simulator: Any, journal: Journal) -> None:
        self._journal = journal
        self._mujoco: _MujocoPictures | None = None
        self._draw: Callable[[str], None] = simulator._write_viewport_to_file
        self._ended = False
        self.pictures = 0
        kind = type(simulator).__module__
        if kind == _MUJOCO and getattr(simulator, "viewer", None) is not None:
            self._mujoco = _MujocoPictures(simulator)
            self._draw = self._mujoco.draw
        elif kind == _GENESIS:
            self._draw = lambda file_name: _draw_genesis(simulator, file_name)

    def __call__(self, file_name: str) -> None:
        """Draw the next picture."""
        if self._ended:
            return
        reason = None
        try:
            self._draw(file_name)
            self.pictures += 1
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        if reason is None and self.pictures == MOST_PICTURES:
            reason = "upstream can count no further"
        if reason is not None:
            self._end(f"the video ends after {self.pictures} pictures: {reason}")

    def _end(self, text: str) -> None:
        self._ended = True
        if self.pictures:
            self._journal.remark(text)
        else:
            self._journal.left_out(Artifact.VIDEO, text)

    def close(self) -> None:
        """Free the renderer."""
        if self._mujoco is not None:
            self._mujoco.close()


class _MujocoPictures:
    """Draws what the window shows, including the markers of the reference."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator
        self._renderer: Any = None

    def draw(self, file_name: str) -> None:
        """Write a picture to a file."""
        mujoco: Any = sys.modules["mujoco"]
        simulator, viewer = self._simulator, self._simulator.viewer
        if self._renderer is None:
            self._renderer = mujoco.Renderer(simulator.model, height=_HEIGHT, width=_WIDTH)
        with viewer.lock():  # the window draws the same data in its own thread
            self._renderer.update_scene(simulator.data, camera=viewer.cam)
            _add_markers(mujoco, self._renderer.scene, viewer.user_scn)
        _save(file_name, self._renderer.render())

    def close(self) -> None:
        """Close OpenGL's renderer, which must happen before the window closes."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _draw_genesis(simulator: Any, file_name: str) -> None:
    drawn = simulator._perspective_view.render()
    _save(file_name, drawn[0] if isinstance(drawn, tuple) else drawn)  # (color, depth, segmentation, normal)


def _save(file_name: str, picture: Any) -> None:
    importlib.import_module("matplotlib.image").imsave(file_name, picture)  # as upstream does


def _add_markers(mujoco: Any, scene: Any, markers: Any) -> None:
    for index in range(min(markers.ngeom, scene.maxgeom - scene.ngeom)):
        marker = markers.geoms[index]
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(geom, marker.type, marker.size, marker.pos, marker.mat.flatten(), marker.rgba)
        scene.ngeom += 1
