"""The pictures of a video: whatever goes wrong with one ends the video, never the run.

Two simulators are filmed in a better way than upstream's. ProtoMotions 3 draws MuJoCo's pictures with a free camera,
which stands where the model's coordinates begin, far from the robot on its terrain: its video shows an empty floor, and
takes a new renderer for every picture. And Genesis gives four pictures at once, of which upstream saves the tuple.
"""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from pmlaunch_agent.record import Record

MOST_PICTURES = 9999
"""Upstream numbers them with four digits and sorts them by name: the next ones would stand in between."""
_MUJOCO = "protomotions.simulator.mujoco.simulator"
_GENESIS = "protomotions.simulator.genesis.simulator"
_HEIGHT, _WIDTH = 480, 640  # upstream's, and the most that MuJoCo draws unless a model asks for more


class Camera:
    """Stands in for a simulator's `_write_viewport_to_file(file_name)`.

    Args:
        simulator: upstream's, with its window open.
        record: told why the video ends before the run does.

    Attributes:
        pictures: how many were drawn.
    """

    def __init__(self, simulator: Any, record: Record):
        self._record = record
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
            self._ended = True
            self._record.remark(f"the video ends after {self.pictures} pictures: {reason}")

    def close(self) -> None:
        """Free what was used to draw."""
        if self._mujoco is not None:
            self._mujoco.close()


class _MujocoPictures:
    """What the window shows, markers of the reference included."""

    def __init__(self, simulator: Any):
        self._simulator = simulator
        self._renderer: Any = None

    def draw(self, file_name: str) -> None:
        mujoco: Any = sys.modules["mujoco"]
        simulator, viewer = self._simulator, self._simulator.viewer
        if self._renderer is None:
            self._renderer = mujoco.Renderer(simulator.model, height=_HEIGHT, width=_WIDTH)
        with viewer.lock():  # the window draws from the same in a thread of its own
            self._renderer.update_scene(simulator.data, camera=viewer.cam)
            _add_markers(mujoco, self._renderer.scene, viewer.user_scn)
        _save(file_name, self._renderer.render())

    def close(self) -> None:
        """OpenGL's renderer must go before the window does."""
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
