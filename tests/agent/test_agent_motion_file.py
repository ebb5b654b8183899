"""What is kept of an evaluation, on a stand-in for upstream's simulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AGENT_HOME = Path(__file__).parents[2] / "src" / "pmlaunch" / "agent"

np = pytest.importorskip("numpy")
pytest.importorskip("torch", reason="skipped: the bodies are tensors: pip install pmlaunch[demo]")

SCRIPT = '''
import os, sys, types
import torch
from types import SimpleNamespace as Space
from pmlaunch_agent.keeping import MotionKeeper

class Env:
    """Two environments of three bodies; the simulator writes every step into the same memory."""
    dt = 0.1
    mimic_info_dict = {}
    respawn_offset_relative_to_data = torch.tensor([[10.0, 0.0, 0.0], [20.0, 0.0, 0.0]])
    terrain = Space(get_ground_heights=lambda points: torch.full((len(points), 1), 0.5))
    config = Space(robot=Space(body_names=["pelvis", "hand", "head"]))
    def __init__(self):
        self.state = torch.zeros(2, 3, 3)
        self.simulator = Space(get_bodies_state=lambda: Space(
            rigid_body_pos=self.state, rigid_body_rot=torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(2, 3, 4)))
        self.progress_buf = torch.zeros(2, dtype=torch.long)
        self.motion_manager = Space(motion_ids=torch.tensor([0, 1]), motion_times=torch.zeros(2))
        tree = Space(node_names=["pelvis", "head", "hand"], parent_indices=torch.tensor([-1, 0, 1]))
        self.motion_lib = Space(
            state=Space(motions=[Space(skeleton_tree=tree)]),
            get_motion_state=lambda ids, times: Space(rigid_body_pos=torch.ones(2, 3, 3) * ids.view(-1, 1, 1)))
    def step(self):
        self.state += 1.0
        self.progress_buf += 1

env = Env()
keeper = MotionKeeper(env, ["walk", "fall", "sit"], [4, 2, 3])
for _ in range(4):
    env.step()
    keeper.add(2)
env.progress_buf[:] = 0
env.motion_manager.motion_ids[:] = torch.tensor([2, 1])
for _ in range(3):
    env.step()
    keeper.add(1)
assert keeper.write("motion.npz") and keeper.problem is None
os.mkdir("folder.npz")
try:
    keeper.write("folder.npz")
except OSError:
    assert not [name for name in os.listdir() if name.endswith(".tmp")]
else:
    raise AssertionError
assert not MotionKeeper(env, [], None).write("none.npz") and not os.path.exists("none.npz")
'''


def test_a_column_for_each_way_through_a_motion(agent: AgentRun) -> None:
    agent.write(SCRIPT).run()
    assert agent.returncode == 0, agent.stderr
    with np.load(agent.folder / "motion.npz", allow_pickle=False) as saved:
        assert list(saved["motions"]) == ["walk", "fall", "sit"], (
            "the surplus environment of the last batch is not kept"
        )
        assert list(saved["frames"]) == [4, 2, 3], "nothing behind a motion's end"
        assert saved["positions"].shape == saved["reference"].shape == (4, 3, 3, 3)
        assert saved["positions"][:, 0, 0, 0].tolist() == [1.0, 2.0, 3.0, 4.0], "each step its own numbers"
        assert saved["positions"][:3, 2, 0, 0].tolist() == [5.0, 6.0, 7.0]
        assert np.isnan(saved["positions"][2:, 1]).all()
        assert saved["rotations"][0, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
        assert saved["reference"][0, 1, 0].tolist() == [21.0, 1.0, 1.5], "moved to where it was spawned, on the ground"
        assert float(saved["fps"]) == 10.0
        assert list(saved["body_names"]) == ["pelvis", "hand", "head"]
        assert list(saved["parents"]) == [-1, 2, 0], "by name: the motion's order is another"


def test_the_agent_imports_neither_numpy_nor_torch_by_itself() -> None:
    source = "import sys, pmlaunch_agent.main; print([name for name in ('numpy', 'torch') if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", source], env={"PYTHONPATH": str(AGENT_HOME)}, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"


EVALUATION = '''
import sys
import torch
from types import SimpleNamespace as Space
from pmlaunch_agent.evaluate_v3 import Bodies

class Env:
    """Two environments of three bodies; the simulator writes every step into the same memory."""
    dt = 0.02
    robot_config = Space(kinematic_info=Space(body_names=["pelvis", "hand", "head"], parent_indices=[-1, 0, 0]))
    def __init__(self):
        self.state = torch.zeros(2, 3, 3)
        turned = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(2, 3, 4)
        self.context = Space(
            current=Space(rigid_body_pos=self.state, rigid_body_rot=turned),
            mimic=Space(ref_state=Space(rigid_body_pos=torch.ones(2, 3, 3))))

class Evaluator:
    motion_lib = Space(motion_files=("/clips/walk.motion", "C:\\\\clips\\\\wave.motion", "/clips/sit.motion"))
    def __init__(self):
        self.env, self.summed = Env(), 0
    def check(self, env_ids, motion_ids):
        return "checked"
    def process(self):
        self.summed += 1

record = Space(note=lambda text: print("note", text))
kept = Bodies(record, "motion.npz", {"file": ""})
Evaluator.check, Evaluator.process = kept.keeping(Evaluator.check), kept.writing(Evaluator.process)
evaluator = Evaluator()
for batch, (envs, steps) in {(0, 1): ([0, 1], 4), (2,): ([0], 2)}.items():
    for step in range(steps):
        evaluator.env.state += 1.0
        active = [env for env in envs if not (batch[env] == 1 and step >= 3)]  # wave is the shorter one
        assert evaluator.check(torch.tensor(active), torch.tensor([batch[env] for env in active])) == "checked"
evaluator.process()
assert evaluator.summed == 1
assert Bodies(record, None, None).keeping(len) is len
'''


def test_bodies_of_an_evaluation_of_generation_3(agent: AgentRun) -> None:
    agent.write(EVALUATION).run()
    assert agent.returncode == 0, agent.stderr
    assert "note" not in agent.stdout
    with np.load(agent.folder / "motion.npz", allow_pickle=False) as saved:
        assert saved["motions"].tolist() == ["walk", "wave", "sit"]
        assert saved["frames"].tolist() == [4, 3, 2]
        assert (float(saved["fps"]), saved["parents"].tolist()) == (50.0, [-1, 0, 0])
        assert saved["body_names"].tolist() == ["pelvis", "hand", "head"]
        assert saved["positions"].shape == (4, 3, 3, 3)
        assert saved["positions"][:2, :, 0, 0].tolist() == [[1.0, 1.0, 5.0], [2.0, 2.0, 6.0]]
        assert np.isnan(saved["positions"][3, 1]).all()
        assert saved["rotations"][0, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
        assert np.nanmax(saved["reference"]) == np.nanmin(saved["reference"]) == 1.0


PLAYED = '''
import torch
from types import SimpleNamespace as Space
from pmlaunch_agent.evaluate_v3 import Bodies

class Env:
    """ProtoMotions 3: what the policy sees is the state; a reset begins the motion again."""
    dt = 0.1
    robot_config = Space(kinematic_info=Space(body_names=["pelvis", "head"], parent_indices=[-1, 0]))
    def __init__(self):
        self.state = torch.zeros(1, 2, 3)
        self.progress_buf = torch.zeros(1, dtype=torch.long)
        self.motion_manager = Space(motion_ids=torch.tensor([1]))
        upright = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(1, 2, 4)
        self.context = Space(
            current=Space(rigid_body_pos=self.state, rigid_body_rot=upright),
            mimic=Space(ref_state=Space(rigid_body_pos=torch.full((1, 2, 3), 7.0))))
    def step(self, action):
        self.state += 1.0
        self.progress_buf += 1
        return "stepped"

class Notes:
    def remark(self, text):
        print(text)
    def stopping(self, reason):
        print(reason)

def play(evaluator):
    for step in range(5):
        if step == 3:
            evaluator.env.progress_buf[:] = 0
        assert evaluator.env.step(None) == "stepped"
    ENDING

env = Env()
evaluator = Space(env=env, motion_lib=Space(motion_files=("a/walk.motion", "a/sit.motion")))
try:
    Bodies(Notes(), "motion.npz", None).playing(play)(evaluator)
except (KeyboardInterrupt, SystemExit) as error:
    print(type(error).__name__)
assert "step" not in vars(env)
'''


@pytest.mark.parametrize(("ending", "said"), [("pass", ""), ("raise KeyboardInterrupt", "KeyboardInterrupt\n")])
def test_what_a_policy_of_3_plays_is_kept_although_nothing_is_measured(agent: AgentRun, ending: str, said: str) -> None:
    agent.write(PLAYED.replace("ENDING", ending)).run()
    assert (agent.returncode, agent.stdout) == (0, said), agent.stderr
    with np.load(agent.folder / "motion.npz", allow_pickle=False) as saved:
        assert (list(saved["motions"]), list(saved["frames"])) == (["sit", "sit"], [3, 2])
        assert saved["positions"][:2, 1, 0, 0].tolist() == [4.0, 5.0], "after the reset: a column of its own"
        assert saved["reference"][0, 0, 1].tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("kept", ['"motion.npz"', "None"])
def test_a_window_that_is_closed_ends_a_run_that_only_plays(agent: AgentRun, kept: str) -> None:
    viewer = "env.simulator = Space(viewer=Space(is_running=lambda: int(env.progress_buf) != 2))\nevaluator = Space("
    script = PLAYED.replace("evaluator = Space(", viewer, 1).replace("ENDING", "raise AssertionError")
    agent.write(script.replace('"motion.npz"', kept)).run()
    assert agent.stdout == "the window was closed, and the run ends\nwindow_closed\nStopRun\n", agent.stderr
    assert (agent.folder / "motion.npz").exists() == (kept != "None")
