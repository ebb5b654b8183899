"""A polite stop inside Isaac Sim: the verdict, the motion and the video are kept, as they are outside it."""

from __future__ import annotations

import pytest
from agent_run import AgentRun
from test_agent_isaac import with_isaac

np = pytest.importorskip("numpy")

UPSTREAM = """
import time
from types import SimpleNamespace as Space

import numpy as np


class Tensor(np.ndarray):
    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)


def tensor(values):
    return np.asarray(values, dtype="float32").view(Tensor)


class Simulator:
    headless = False

    def __init__(self, app):
        self._app, self._pictures = app, 0
        self._user_is_recording = self._user_recording_state_change = False
        self._position = tensor([[[0.0, 0.0, 0.9], [0.0, 0.0, 1.5]]])

    def get_bodies_state(self):
        return Space(rigid_body_pos=self._position, rigid_body_rot=tensor([[[0, 0, 0, 1]] * 2]))

    def step(self):
        self._position += 0.1
        self.render()
        time.sleep(0.01)

    def _write_viewport_to_file(self, name):
        self._pictures += 1

    def _toggle_video_record(self):
        self._user_is_recording = not self._user_is_recording
        self._user_recording_state_change = True

    def render(self):
        self._app.update()  # the end of the process, if a quit was posted
        if self._user_is_recording:
            self._write_viewport_to_file("picture.png")
        elif self._user_recording_state_change:
            with open(self._user_recording_video_path % "NOW" + ".mp4", "w") as video:
                video.write(f"{self._pictures} pictures")
        self._user_recording_state_change = False


class PPO:
    def __init__(self, app):
        self.fabric = Space(global_rank=0)
        self.motion_lib = None
        self.env = Space(
            simulator=Simulator(app), dt=0.1, progress_buf=np.zeros(1), config=Space(robot=Space(body_names=["a", "b"]))
        )

    def env_step(self, actions):
        self.env.simulator.step()
        self.env.progress_buf += 1
        print("step", flush=True)
        return {}, None, None, None, {}

    def evaluate_policy(self):
        while True:
            self.env_step(None)
"""
SCRIPT = """
from isaaclab.app import AppLauncher
app = AppLauncher({"headless": False}).app
from pmlaunch_agent.protomotions2.target import agent
try:
    agent(app).evaluate_policy()
except KeyboardInterrupt:
    import sys
    sys.exit(3) if SYS_EXIT else None
    raise
"""


@pytest.mark.parametrize("sys_exit", [False, True], ids=["interrupted", "the script calls sys.exit"])
@pytest.mark.parametrize("release", ["2.3", "3.0"])
def test_verdict_motion_and_video_are_kept(agent: AgentRun, release: str, sys_exit: bool) -> None:
    with_isaac(agent, release, "hang-at-exit")
    (agent.folder / "upstream.py").write_text(UPSTREAM, encoding="utf-8")
    (agent.folder / "moviepy").mkdir()
    (agent.folder / "moviepy" / "__init__.py").write_text("ImageSequenceClip = None\n", encoding="utf-8")
    hooks = {
        "agent": "upstream.PPO",
        "save_motion": {"file": str(agent.folder / "motion.npz")},
        "record": {"path": str(agent.folder / "recording")},
    }
    limits = {"stop_file": str(agent.stop_file)}
    process = agent.write(SCRIPT.replace("SYS_EXIT", str(sys_exit)), hooks=hooks, limits=limits).start()
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline() == "step\n"
    agent.stop_file.touch()
    agent.wait(process)
    result = agent.result
    code = 3 if sys_exit else 130
    assert (agent.returncode, result["status"], result["exit_code"]) == (code, "finished", code), agent.stderr
    assert result["stopped_by"] == "stop_file"
    assert "left_out" not in result
    with np.load(agent.folder / "motion.npz") as motion:
        frames = len(motion["positions"])
    assert frames >= 5
    (video,) = agent.folder.glob("recording-*.mp4")
    assert int(video.read_text().split()[0]) >= frames - 1
