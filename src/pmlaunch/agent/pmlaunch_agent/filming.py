"""The pictures of a video on MuJoCo: what the window shows, markers of the reference included.

ProtoMotions 3 draws them with MuJoCo's free camera, which stands where the model's coordinates begin, far from the
robot on its terrain: its own video shows an empty floor. It also makes a renderer for every picture.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIMULATOR = "protomotions.simulator.mujoco.simulator"
_HEIGHT, _WIDTH = 480, 640  # upstream's, and the most that MuJoCo draws unless a model asks for more


class MujocoCamera:
    """Stands in for a simulator's `_write_viewport_to_file(file_name)`.

    Args:
        simulator: upstream's, with its window open.
    """

    def __init__(self, simulator: Any):
        self._simulator = simulator
        self._renderer: Any = None

    def __call__(self, file_name: str) -> None:
        from matplotlib.image import imsave  # upstream's way to write them

        mujoco: Any = sys.modules["mujoco"]
        simulator = self._simulator
        if self._renderer is None:
            self._renderer = mujoco.Renderer(simulator.model, height=_HEIGHT, width=_WIDTH)
        viewer = simulator.viewer
        with viewer.lock():  # the window draws from the same in a thread of its own
            self._renderer.update_scene(simulator.data, camera=viewer.cam)
            _add_markers(mujoco, self._renderer.scene, viewer.user_scn)
        imsave(file_name, self._renderer.render())

    def close(self) -> None:
        """Free the renderer: OpenGL's, and it must go before the window does."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def camera_of(simulator: Any) -> MujocoCamera | None:
    """A camera for a simulator whose own shows nothing; None where upstream's is as good."""
    if type(simulator).__module__ != _SIMULATOR or getattr(simulator, "viewer", None) is None:
        return None
    return MujocoCamera(simulator)


def _add_markers(mujoco: Any, scene: Any, markers: Any) -> None:
    for index in range(min(markers.ngeom, scene.maxgeom - scene.ngeom)):
        marker = markers.geoms[index]
        geom = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(geom, marker.type, marker.size, marker.pos, marker.mat.flatten(), marker.rgba)
        scene.ngeom += 1
