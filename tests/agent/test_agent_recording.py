"""Upstream's video, begun and ended without its key, on a stand-in for its simulator and with MuJoCo's own scenes."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pmlaunch_agent.artifacts import video
from pmlaunch_agent.artifacts.video import Camera, Recorder
from pmlaunch_agent.protomotions3 import evaluation
from reported import new_journal

V2, V3 = "moviepy.editor", "moviepy"
"""Where the generations import ImageSequenceClip from."""
CLOSING = "nothing was recorded: no frame was drawn"


class Simulator:
    """The attributes that both generations record by."""

    headless = False
    imported_from = V2

    def __init__(self) -> None:
        self._user_is_recording = self._user_recording_state_change = False
        self._user_recording_video_path = ""
        self.closed = False
        self.said: list[str] = []

    def _write_viewport_to_file(self, name: str) -> None:
        self.said.append(name)

    def _toggle_video_record(self) -> None:
        self._user_is_recording = not self._user_is_recording
        self._user_recording_state_change = True

    def render(self) -> None:
        if self.closed:  # as MuJoCo does: the first call after that is lost
            self.closed = False
            return
        if self._user_recording_state_change and self._user_is_recording:
            self.said.append("begin " + self._user_recording_video_path % "NOW")
        elif self._user_recording_state_change:
            self.said.append("end " + self._clip())
        self._user_recording_state_change = False
        if self._user_is_recording:
            self._write_viewport_to_file("picture.png")

    def _clip(self) -> str:
        return str(importlib.import_module(self.imported_from).ImageSequenceClip)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Simulator:
    monkeypatch.chdir(tmp_path)
    return Simulator()


InstallMoviepy = Callable[[str | None], None]


@pytest.fixture
def moviepy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InstallMoviepy:
    """Install a stand-in of moviepy 1 or 2; None: one that does not import."""

    def install(version: str | None) -> None:
        package = tmp_path / f"site {version}" / "moviepy"
        package.mkdir(parents=True, exist_ok=True)
        clip = "ImageSequenceClip = 'clip'\n"
        content = {"1": "", "2": clip, None: "raise ImportError('no such thing')\n"}[version]
        (package / "__init__.py").write_text(content, encoding="utf-8")
        if version == "1":
            (package / "editor.py").write_text(clip, encoding="utf-8")
        monkeypatch.syspath_prepend(str(package.parent))
        for name in ("moviepy", "moviepy.editor"):  # restored after the test
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
            del sys.modules[name]

    install("2")
    return install


class Recording:
    """Records a simulator; `said` is what the agent remarked."""

    def __init__(self, simulator: Any, path: str = "recording") -> None:
        self.journal, _ = new_journal()
        self._recorder = Recorder(simulator, path, self.journal)
        self._recorder.start()

    def stop(self) -> list[str]:
        self._recorder.stop()
        self._recorder.stop()
        return list(self.journal.result.notes)

    @property
    def left_out(self) -> list[str]:
        return [entry["reason"] for entry in self.journal.result.left_out if entry["what"] == "video"]


BEGUN_AND_ENDED = ["begin recording-NOW", "picture.png", "end clip"]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("imported_from", [V2, V3])
def test_recording_begins_and_ends_without_the_key(
    simulator: Simulator, moviepy: InstallMoviepy, imported_from: str, version: str
) -> None:
    moviepy(version)
    simulator.imported_from = imported_from
    run = Recording(simulator, "run 100%/recording")
    simulator.render()
    assert run.stop() == run.left_out == []
    assert simulator.said == ["begin run 100%/recording-NOW", "picture.png", "end clip"]


def test_recording_that_the_key_ended_is_not_begun_again(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    run = Recording(simulator)
    simulator.render()
    simulator._toggle_video_record()
    simulator.render()
    assert run.stop() == []
    assert simulator.said == BEGUN_AND_ENDED


def test_closed_window_does_not_lose_the_video(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    run = Recording(simulator)
    simulator.render()
    simulator.closed = True
    assert run.stop() == []
    assert simulator.said == BEGUN_AND_ENDED


def test_without_a_window_nothing_is_recorded(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    simulator.headless = True
    run = Recording(simulator)
    simulator.render()
    assert run.stop() == run.left_out == ["nothing was recorded: there is no window"]
    assert simulator.said == []


def test_without_moviepy_nothing_is_recorded(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    moviepy(None)
    run = Recording(simulator)
    simulator.render()
    assert run.stop() == [f"nothing was recorded: moviepy cannot be imported by {sys.executable}: no such thing"]
    assert simulator.said == []


def test_video_that_cannot_be_written_ends_nothing(
    simulator: Simulator, moviepy: InstallMoviepy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise OSError("disk full")

    monkeypatch.setattr(simulator, "_clip", fail)
    run = Recording(simulator)
    simulator.render()
    assert run.stop() == run.left_out == ["the video was not written: OSError: disk full"]
    assert simulator.said == BEGUN_AND_ENDED[:2]


def fails_after(simulator: Simulator, pictures: int, error: Exception) -> None:
    """Let the simulator draw so many pictures and then fail."""
    drawn: list[str] = []

    def draw(self: Simulator, name: str) -> None:
        if len(drawn) == pictures:
            raise error
        drawn.append(name)
        self.said.append(name)

    simulator.__class__ = type("Failing", (Simulator,), {"_write_viewport_to_file": draw})


def test_picture_that_cannot_be_drawn_ends_the_video_only(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    fails_after(simulator, 1, OSError("disk full"))
    run = Recording(simulator)
    for _ in range(4):
        simulator.render()
    assert run.stop() == ["the video ends after 1 frames: OSError: disk full"]
    assert run.left_out == [], "the video has one picture"
    assert simulator.said == BEGUN_AND_ENDED


def test_first_picture_that_fails_leaves_nothing_to_write(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    fails_after(simulator, 0, RuntimeError("no OpenGL"))
    run = Recording(simulator)
    for _ in range(3):
        simulator.render()
    reason = "the video ends after 0 frames: RuntimeError: no OpenGL"
    assert run.stop() == [reason, CLOSING]
    assert run.left_out == [reason], "the first reason counts"
    assert simulator.said == BEGUN_AND_ENDED[:1]


def test_no_video_without_a_step(simulator: Simulator, moviepy: InstallMoviepy) -> None:
    run = Recording(simulator)
    assert run.stop() == run.left_out == [CLOSING]
    assert simulator.said == []


def test_no_more_pictures_than_upstream_can_count(
    simulator: Simulator, moviepy: InstallMoviepy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmlaunch_agent.artifacts.video.MOST_PICTURES", 2)
    run = Recording(simulator)
    for _ in range(5):
        simulator.render()
    assert run.stop() == ["the video ends after 2 frames: ProtoMotions cannot number more frames"]
    assert simulator.said == ["begin recording-NOW", "picture.png", "picture.png", "end clip"]


def test_simulator_without_upstreams_attributes(moviepy: InstallMoviepy) -> None:
    other = types.SimpleNamespace(headless=False, _toggle_video_record=None)
    (note,) = Recording(other).stop()
    assert note.startswith("nothing was recorded: AttributeError")
    assert Recording(types.SimpleNamespace(headless=False)).stop() == [
        "nothing was recorded: this version of ProtoMotions cannot record"
    ]


def test_genesis_draws_four_images_at_once(simulator: Simulator, moviepy: InstallMoviepy, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="skipped: needs matplotlib: pip install pmlaunch[demo]")
    import numpy as np

    images = (np.zeros((4, 4, 3)), None, None, None)
    view = types.SimpleNamespace(render=lambda: images)
    members = {"__module__": "protomotions.simulator.genesis.simulator", "_perspective_view": view}
    simulator.__class__ = type("Genesis", (Simulator,), members)
    run = Recording(simulator)
    simulator.render()
    assert run.stop() == []
    assert simulator.said == ["begin recording-NOW", "end clip"]
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("interrupted", [False, True])
def test_evaluation_is_recorded_however_it_ends(
    simulator: Simulator, moviepy: InstallMoviepy, interrupted: bool
) -> None:
    def evaluate(evaluator: Any, *, collect: bool) -> str:
        evaluator.env.simulator.render()
        if interrupted:
            raise KeyboardInterrupt
        return f"done {collect}"

    evaluator = types.SimpleNamespace(env=types.SimpleNamespace(simulator=simulator))
    recorded = evaluation.recording(new_journal()[0], "video", evaluate)
    with pytest.raises(KeyboardInterrupt) if interrupted else contextlib.nullcontext():
        assert recorded(evaluator, collect=True) == "done True"
    assert simulator.said == ["begin video-NOW", "picture.png", "end clip"]


BODY = "<mujoco><worldbody><body pos='7 8 1'><freejoint/><geom size='.2'/></body></worldbody></mujoco>"


def mujoco_simulator(mujoco: Any) -> Any:
    """A simulator whose window looks at a body, with two markers."""
    import numpy as np

    model = mujoco.MjModel.from_xml_string(BODY)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    markers = mujoco.MjvScene(model, 10)
    for index in range(2):
        mujoco.mjv_initGeom(
            markers.geoms[index], mujoco.mjtGeom.mjGEOM_SPHERE, np.full(3, 0.05),
            np.array([1.0, 2.0, 3.0]) + index, np.eye(3).flatten(), np.array([1, 0, 0, 1], np.float32),
        )  # fmt: skip
        markers.ngeom += 1
    camera = mujoco.MjvCamera()
    camera.type, camera.trackbodyid, camera.distance = mujoco.mjtCamera.mjCAMERA_TRACKING, 1, 3.0
    camera.azimuth, camera.elevation = 180.0, 0.0
    viewer = types.SimpleNamespace(cam=camera, user_scn=markers, lock=contextlib.nullcontext)
    members = {"__module__": "protomotions.simulator.mujoco.simulator", "_write_viewport_to_file": None}
    simulator = type("Mujoco", (), members)()
    simulator.model, simulator.data, simulator.viewer = model, data, viewer
    return simulator


def test_mujoco_is_drawn_from_where_its_window_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mujoco = pytest.importorskip("mujoco", reason="skipped: needs mujoco: pip install pmlaunch[demo]")
    pytest.importorskip("matplotlib", reason="skipped: needs matplotlib: pip install pmlaunch[demo]")
    import numpy as np

    made: list[Renderer] = []
    eyes: list[list[float]] = []

    class Renderer:
        """mujoco.Renderer without OpenGL."""

        def __init__(self, model: Any, height: int, width: int) -> None:
            made.append(self)
            self.model, self.shape, self.closed = model, (height, width, 3), False
            self.scene = mujoco.MjvScene(model, 100)

        def update_scene(self, data: Any, camera: Any) -> None:
            shown = mujoco.mjtCatBit.mjCAT_ALL
            mujoco.mjv_updateScene(self.model, data, mujoco.MjvOption(), None, camera, shown, self.scene)

        def render(self) -> Any:
            assert self.scene.ngeom == 3
            assert [geom.pos.tolist() for geom in self.scene.geoms[1:3]] == [[1, 2, 3], [2, 3, 4]]
            assert [geom.rgba.tolist() for geom in self.scene.geoms[1:3]] == [[1, 0, 0, 1]] * 2
            eyes.append(np.mean([camera.pos for camera in self.scene.camera], axis=0).round(2).tolist())
            return np.zeros(self.shape, dtype=np.uint8)

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(mujoco, "Renderer", Renderer)
    camera = Camera(mujoco_simulator(mujoco), new_journal()[0])
    camera(str(tmp_path / "first.png"))
    camera(str(tmp_path / "second.png"))
    camera.close()
    camera.close()
    assert (camera.pictures, len(made), made[0].closed) == (2, 1, True)
    assert eyes == [[10.0, 8.0, 1.0]] * 2, "three metres in front of the body, not at the origin"
    assert (tmp_path / "second.png").read_bytes().startswith(b"\x89PNG")


def test_recording_is_provided_before_upstream_imports_it(moviepy: InstallMoviepy) -> None:
    moviepy("1")
    video.provide_moviepy()
    assert importlib.import_module("moviepy").ImageSequenceClip == "clip"
