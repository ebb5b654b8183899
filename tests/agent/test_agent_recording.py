"""Upstream's video, begun and ended without its key: on a stand-in for its simulator, and with MuJoCo's own scenes."""

from __future__ import annotations

import pytest

SIMULATOR = """
import sys
from pmlaunch_agent.recording import Recorder, Video

class Simulator:
    headless = False
    closed = False
    def __init__(self):
        self._user_is_recording = self._user_recording_state_change = False
        self.said = []
    def _write_viewport_to_file(self, name):
        self.said.append(name)
    def _toggle_video_record(self):
        self._user_is_recording = not self._user_is_recording
        self._user_recording_state_change = True
    def render(self):
        if self.closed:  # as MuJoCo does: the first picture after that is lost
            self.closed = False
            return
        if self._user_recording_state_change and self._user_is_recording:
            self.said.append("begin " + self._user_recording_video_path % "NOW")
        elif self._user_recording_state_change:
            IMPORT
            self.said.append("end " + ImageSequenceClip)
        self._user_recording_state_change = False
        if self._user_is_recording:
            self._write_viewport_to_file("picture.png")

class Notes:
    def remark(self, text):
        print(text)

simulator = Simulator()
"""
RECORDED = """
recorder = Recorder(simulator, "run 100%/recording", Notes())
recorder.start()
simulator.render()
recorder.stop()
recorder.stop()
print(simulator.said)
"""
BEGUN_AND_ENDED = "['begin run 100%/recording-NOW', 'picture.png', 'end clip']\n"
IMPORTS = ("from moviepy.editor import ImageSequenceClip", "from moviepy import ImageSequenceClip")


def recorded(agent, script: str = RECORDED, upstream: str = IMPORTS[0], moviepy: str | None = "2") -> str:
    """Run `script` on a simulator that writes its video by `upstream`'s import from that version of moviepy."""
    package = agent.folder / "moviepy"
    package.mkdir()
    (package / "__init__.py").write_text(
        {"1": "", "2": "ImageSequenceClip = 'clip'\n", None: "raise ImportError('no such thing')\n"}[moviepy]
    )
    if moviepy == "1":
        (package / "editor.py").write_text("ImageSequenceClip = 'clip'\n")
    agent.write(SIMULATOR.replace("IMPORT", upstream) + script).run()
    assert agent.returncode == 0, agent.stderr
    return str(agent.stdout)


def drawn(draws: str, steps: int, kind: str = "other") -> str:
    """A script that records `steps` pictures of a simulator of that kind, drawn by `draws`."""
    return f"""
from pmlaunch_agent import filming
filming.MOST_PICTURES = 2
def draw(name):
    {draws}
simulator._write_viewport_to_file = draw
Simulator.__module__ = "protomotions.simulator.{kind}.simulator"
recorder = Recorder(simulator, "recording", Notes())
recorder.start()
for _ in range({steps}):
    simulator.render()
recorder.stop()
print(simulator.said)
"""


@pytest.mark.parametrize("moviepy", ["1", "2"])
@pytest.mark.parametrize("upstream", IMPORTS)
def test_recording_begins_and_ends_without_its_key(agent: AgentRun, upstream: str, moviepy: str) -> None:
    assert recorded(agent, upstream=upstream, moviepy=moviepy) == BEGUN_AND_ENDED


def test_a_recording_that_was_ended_by_its_key_is_not_begun_again(agent: AgentRun) -> None:
    pressed = RECORDED.replace(
        "recorder.stop()", "simulator._toggle_video_record(); simulator.render(); recorder.stop()", 1
    )
    assert recorded(agent, pressed) == BEGUN_AND_ENDED


def test_a_window_that_was_closed_loses_a_picture_but_not_the_video(agent: AgentRun) -> None:
    closed = RECORDED.replace("recorder.stop()", "simulator.closed = True; recorder.stop()", 1)
    assert recorded(agent, closed) == BEGUN_AND_ENDED


def test_without_a_window_there_is_nothing_to_record(agent: AgentRun) -> None:
    headless = "simulator.headless = True\n" + RECORDED
    assert recorded(agent, headless) == "nothing was recorded: there is no window\n[]\n"


def test_without_moviepy_it_is_not_begun(agent: AgentRun) -> None:
    said = recorded(agent, moviepy=None)
    assert said.startswith("nothing was recorded: moviepy cannot be imported by ")
    assert said.endswith(": no such thing\n[]\n")


def test_a_video_that_cannot_be_written_ends_nothing(agent: AgentRun) -> None:
    said = recorded(agent, upstream="raise OSError('disk full'); ImageSequenceClip = ''")
    assert said.startswith("the video was not written: OSError: disk full\n['begin")


def test_a_picture_that_cannot_be_drawn_ends_the_video_and_not_the_run(agent: AgentRun) -> None:
    fails = "if simulator.said[1:]: raise OSError('disk full')\n    simulator.said.append(name)"
    said = recorded(agent, drawn(fails, steps=4))
    assert said == (
        "the video ends after 1 pictures: OSError: disk full\n['begin recording-NOW', 'picture.png', 'end clip']\n"
    )


def test_the_first_picture_that_fails_leaves_nothing_to_write(agent: AgentRun) -> None:
    said = recorded(agent, drawn("raise RuntimeError('no OpenGL')", steps=3))
    assert said == (
        "the video ends after 0 pictures: RuntimeError: no OpenGL\n"
        "nothing was recorded: no picture was drawn\n['begin recording-NOW']\n"
    )


def test_no_step_is_no_video(agent: AgentRun) -> None:
    said = recorded(agent, drawn("pass", steps=0))
    assert said == "nothing was recorded: no picture was drawn\n[]\n"


def test_more_pictures_than_upstream_can_count_are_not_drawn(agent: AgentRun) -> None:
    said = recorded(agent, drawn("simulator.said.append(name)", steps=5))
    assert said == (
        "the video ends after 2 pictures: upstream can count no further\n"
        "['begin recording-NOW', 'picture.png', 'picture.png', 'end clip']\n"
    )


def test_a_simulator_without_its_attributes_ends_nothing(agent: AgentRun) -> None:
    said = recorded(agent, "del Simulator._write_viewport_to_file\n" + RECORDED.replace("simulator.render()\n", ""))
    assert said.startswith("nothing was recorded: AttributeError")


def test_genesis_gives_four_pictures_at_once(agent: AgentRun) -> None:
    pytest.importorskip("matplotlib", reason="skipped: needs matplotlib: pip install pmlaunch[demo]")
    view = "import numpy, types\nfour = (numpy.zeros((4, 4, 3)), None, None, None)\n"
    view += "simulator._perspective_view = types.SimpleNamespace(render=lambda: four)\n"
    said = recorded(agent, view + drawn("raise TypeError", steps=1, kind="genesis"))
    assert said == "['begin recording-NOW', 'end clip']\n"
    assert (agent.folder / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["return 'done'", "raise KeyboardInterrupt"])
def test_an_evaluation_is_recorded_to_its_end_however_it_ends(agent: AgentRun, ending: str) -> None:
    script = f"""
from types import SimpleNamespace
def evaluate(evaluator, *, collect):
    evaluator.env.simulator.render()
    print("collect", collect)
    {ending}
evaluator = SimpleNamespace(env=SimpleNamespace(simulator=simulator))
assert Video(Notes(), None).recording(evaluate) is evaluate
try:
    print(Video(Notes(), "video").recording(evaluate)(evaluator, collect=True))
except KeyboardInterrupt:
    print("interrupted")
print(simulator.said)
"""
    last = "done" if "done" in ending else "interrupted"
    assert recorded(agent, script) == f"collect True\n{last}\n['begin video-NOW', 'picture.png', 'end clip']\n"


FILMED = """
import contextlib, sys, types
import mujoco, numpy as np
from pmlaunch_agent.filming import Camera

BODY = "<mujoco><worldbody><body pos='7 8 1'><freejoint/><geom size='.2'/></body></worldbody></mujoco>"
made = []

class Renderer:
    # mujoco.Renderer but for OpenGL
    def __init__(self, model, height, width):
        made.append(self)
        self.model, self.shape, self.scene, self.closed = model, (height, width, 3), mujoco.MjvScene(model, 100), False
    def update_scene(self, data, camera):
        mujoco.mjv_updateScene(self.model, data, mujoco.MjvOption(), None, camera, mujoco.mjtCatBit.mjCAT_ALL, self.scene)
    def render(self):
        assert self.scene.ngeom == 3
        assert [geom.pos.tolist() for geom in self.scene.geoms[1:3]] == [[1, 2, 3], [2, 3, 4]]
        assert [geom.rgba.tolist() for geom in self.scene.geoms[1:3]] == [[1, 0, 0, 1]] * 2
        eye = np.mean([camera.pos for camera in self.scene.camera], axis=0)
        print("eye", eye.round(2).tolist())
        return np.zeros(self.shape, dtype=np.uint8)
    def close(self):
        self.closed = True

class Simulator:
    def _write_viewport_to_file(self, name):
        raise NotImplementedError
    def __init__(self):
        self.model = mujoco.MjModel.from_xml_string(BODY)
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)
        markers = mujoco.MjvScene(self.model, 10)
        for index in range(2):
            mujoco.mjv_initGeom(markers.geoms[index], mujoco.mjtGeom.mjGEOM_SPHERE, np.full(3, 0.05),
                                np.array([1.0, 2.0, 3.0]) + index, np.eye(3).flatten(), np.array([1, 0, 0, 1], np.float32))
            markers.ngeom += 1
        camera = mujoco.MjvCamera()
        camera.type, camera.trackbodyid, camera.distance = mujoco.mjtCamera.mjCAMERA_TRACKING, 1, 3.0
        camera.azimuth, camera.elevation = 180.0, 0.0
        self.viewer = types.SimpleNamespace(cam=camera, user_scn=markers, lock=contextlib.nullcontext)

class Notes:
    def remark(self, text):
        print(text)

mujoco.Renderer = Renderer
simulator = Simulator()
Simulator.__module__ = "protomotions.simulator.mujoco.simulator"
camera = Camera(simulator, Notes())
camera("first.png")
camera("second.png")
camera.close()
camera.close()
assert camera.pictures == 2 and len(made) == 1 and made[0].closed
"""


def test_mujoco_is_filmed_from_where_its_window_looks(agent: AgentRun) -> None:
    pytest.importorskip("mujoco", reason="skipped: needs mujoco: pip install pmlaunch[demo]")
    pytest.importorskip("matplotlib", reason="skipped: needs matplotlib: pip install pmlaunch[demo]")
    agent.write(FILMED).run()
    assert agent.returncode == 0, agent.stderr
    assert agent.stdout == "eye [10.0, 8.0, 1.0]\n" * 2, "three metres before the body, not where coordinates begin"
    assert (agent.folder / "second.png").read_bytes().startswith(b"\x89PNG")
