"""motion.npz of both generations, on stand-ins for upstream's environments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace as Space
from typing import Any

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch", reason="skipped: the bodies are tensors: pip install pmlaunch[demo]")

from agent_run import AGENT_HOME  # noqa: E402
from pmlaunch_agent.artifacts.motion_file import MotionKeeper  # noqa: E402
from pmlaunch_agent.contract import Hooks, MotionRequest, StopReason, WatchPoint  # noqa: E402
from pmlaunch_agent.hooks.post_import import before  # noqa: E402
from pmlaunch_agent.protomotions2.bodies import Bodies2  # noqa: E402
from pmlaunch_agent.protomotions3.bodies import Bodies3, KeptMotion  # noqa: E402
from pmlaunch_agent.protomotions3.evaluation import handlers  # noqa: E402
from pmlaunch_agent.report.ending import StopRun  # noqa: E402
from reported import new_journal  # noqa: E402

UPRIGHT = torch.tensor([0.0, 0.0, 0.0, 1.0])


def read(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as saved:
        return dict(saved)


class Env2:
    """Two environments of three bodies; the simulator writes every step into the same memory."""

    dt = 0.1
    mimic_info_dict: dict[str, Any] = {}  # noqa: RUF012
    respawn_offset_relative_to_data = torch.tensor([[10.0, 0.0, 0.0], [20.0, 0.0, 0.0]])
    terrain = Space(get_ground_heights=lambda points: torch.full((len(points), 1), 0.5))
    config = Space(robot=Space(body_names=["pelvis", "hand", "head"]))

    def __init__(self) -> None:
        self.state = torch.zeros(2, 3, 3)
        state = Space(rigid_body_pos=self.state, rigid_body_rot=UPRIGHT.expand(2, 3, 4))
        self.simulator = Space(get_bodies_state=lambda: state)
        self.progress_buf = torch.zeros(2, dtype=torch.long)
        self.motion_manager = Space(motion_ids=torch.tensor([0, 1]), motion_times=torch.zeros(2))
        tree = Space(node_names=["pelvis", "head", "hand"], parent_indices=torch.tensor([-1, 0, 1]))
        self.motion_lib = Space(
            state=Space(motions=[Space(skeleton_tree=tree)]),
            get_motion_state=lambda ids, times: Space(
                rigid_body_pos=torch.ones(2, 3, 3) * ids.view(-1, 1, 1), rigid_body_rot=-UPRIGHT.expand(2, 3, 4)
            ),
        )

    def step(self) -> None:
        self.state += 1.0
        self.progress_buf += 1


def test_generation_2_keeps_a_column_for_each_pass_through_a_motion(tmp_path: Path) -> None:
    env = Env2()
    keeper = MotionKeeper(Bodies2(env), [4, 2, 3])
    for _ in range(4):
        env.step()
        keeper.add(2)
    env.progress_buf[:] = 0
    env.motion_manager.motion_ids[:] = torch.tensor([2, 1])
    for _ in range(3):
        env.step()
        keeper.add(1)
    assert keeper.problem is None
    keeper.save(str(tmp_path / "motion.npz"), ["walk", "fall", "sit"], new_journal()[0])
    saved = read(tmp_path / "motion.npz")
    assert list(saved["motions"]) == ["walk", "fall", "sit"], "without the idle environment of the last batch"
    assert list(saved["frames"]) == [4, 2, 3], "nothing after a motion's end"
    assert saved["positions"].shape == saved["reference"].shape == (4, 3, 3, 3)
    assert saved["positions"][:, 0, 0, 0].tolist() == [1.0, 2.0, 3.0, 4.0], "each step has its own numbers"
    assert saved["positions"][:3, 2, 0, 0].tolist() == [5.0, 6.0, 7.0]
    assert np.isnan(saved["positions"][2:, 1]).all()
    assert saved["rotations"][0, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert saved["reference"][0, 1, 0].tolist() == [21.0, 1.0, 1.5], "moved to where it was spawned, on the ground"
    assert saved["reference_rotations"][0, 1, 0].tolist() == [0.0, 0.0, 0.0, -1.0]
    assert int(saved["schema"]) == 2
    assert float(saved["fps"]) == 10.0
    assert list(saved["body_names"]) == ["pelvis", "hand", "head"]
    assert list(saved["parents"]) == [-1, 2, 0], "by name: the motion has another order"


def test_of_a_run_that_was_cut_off_only_whole_motions_are_kept(tmp_path: Path) -> None:
    env, (journal, _) = Env2(), new_journal()
    keeper = MotionKeeper(Bodies2(env), [4, 2, 3])
    for _ in range(3):
        env.step()
        keeper.add()
    keeper.save(str(tmp_path / "motion.npz"), ["walk", "fall", "sit"], journal, cut=True)
    saved = read(tmp_path / "motion.npz")
    assert (list(saved["motions"]), list(saved["frames"])) == (["fall"], [2])
    reason = "the run ended before these were played to their end: walk, sit"
    assert journal.result.left_out == [{"what": "motion", "reason": reason}]


def test_motions_are_whole_when_their_batch_ends(tmp_path: Path) -> None:
    env, (journal, _) = Env2(), new_journal()
    keeper = MotionKeeper(Bodies2(env), [4, 2])
    env.step()
    keeper.add()
    keeper.finish()
    keeper.save(str(tmp_path / "motion.npz"), ["walk", "fall"], journal, cut=True)
    assert list(read(tmp_path / "motion.npz")["motions"]) == ["walk", "fall"]
    assert journal.result.left_out == []


def test_nothing_is_kept_if_no_motion_is_whole(tmp_path: Path) -> None:
    env, (journal, _) = Env2(), new_journal()
    keeper = MotionKeeper(Bodies2(env), [4, 2])
    keeper.add()
    keeper.save(str(tmp_path / "motion.npz"), ["walk", "fall"], journal, cut=True)
    assert not (tmp_path / "motion.npz").exists()
    (entry,) = journal.result.left_out
    assert entry["reason"] == "motion.npz was not written: no motion was played to its end"


def test_file_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    env, (journal, _) = Env2(), new_journal()
    keeper = MotionKeeper(Bodies2(env))
    keeper.add()
    (tmp_path / "folder.npz").mkdir()
    keeper.save(str(tmp_path / "folder.npz"), [], journal)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]
    (entry,) = journal.result.left_out
    assert entry["what"] == "motion"
    assert entry["reason"].startswith("motion.npz was not written: ")
    assert journal.result.notes == [entry["reason"]]


def test_no_file_without_a_step(tmp_path: Path) -> None:
    journal, _ = new_journal()
    MotionKeeper(Bodies2(Env2())).save(str(tmp_path / "none.npz"), [], journal)
    assert list(tmp_path.iterdir()) == []
    assert journal.result.left_out == [{"what": "motion", "reason": "motion.npz was not written: no step was taken"}]


def test_bodies_that_cannot_be_read_end_the_motion_only(tmp_path: Path) -> None:
    env, (journal, _) = Env2(), new_journal()
    keeper = MotionKeeper(Bodies2(env))
    keeper.add()
    del env.simulator
    keeper.add()
    keeper.save(str(tmp_path / "motion.npz"), [], journal)
    assert read(tmp_path / "motion.npz")["frames"].tolist() == [1, 1]
    (note,) = journal.result.notes
    assert note.startswith("motion.npz ends early: AttributeError: ")
    assert journal.result.left_out == []


def test_memory_for_a_motion_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch_agent.artifacts.motion_file.MOST_BYTES", 1000)
    keeper = MotionKeeper(Bodies2(Env2()))
    for _ in range(100):
        keeper.add()
    assert (keeper.problem or "").startswith("motion.npz ends after ")
    assert keeper._bytes < 2000


def test_agent_imports_neither_numpy_nor_torch_by_itself() -> None:
    source = "import sys, pmlaunch_agent.main; print([name for name in ('numpy', 'torch') if name in sys.modules])"
    environment = {"PYTHONPATH": str(AGENT_HOME)}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


class Env3:
    """The state is what the policy sees; a reset begins the motion again."""

    dt = 0.02

    def __init__(self, environments: int, bodies: list[str], reference: float) -> None:
        parents = [-1] + [0] * (len(bodies) - 1)
        self.robot_config = Space(kinematic_info=Space(body_names=bodies, parent_indices=parents))
        shape = (environments, len(bodies), 3)
        self.state = torch.zeros(shape)
        self.progress_buf = torch.zeros(environments, dtype=torch.long)
        self.motion_manager = Space(motion_ids=torch.ones(environments, dtype=torch.long))
        self.context = Space(
            current=Space(rigid_body_pos=self.state, rigid_body_rot=UPRIGHT.expand(*shape[:2], 4)),
            mimic=Space(
                ref_state=Space(
                    rigid_body_pos=torch.full(shape, reference), rigid_body_rot=-UPRIGHT.expand(*shape[:2], 4)
                )
            ),
        )

    def step(self, action: Any) -> str:
        self.state += 1.0
        self.progress_buf += 1
        return "stepped"


class Evaluator:
    """BaseEvaluator follows several motions at a time, and sums up at the end."""

    def __init__(self, env: Env3, *files: str) -> None:
        self.env, self.motion_lib, self.summed = env, Space(motion_files=files), 0

    def check(self, env_ids: Any, motion_ids: Any) -> str:
        return "checked"

    def process(self) -> None:
        self.summed += 1


def test_generation_3_keeps_a_column_for_each_motion(tmp_path: Path) -> None:
    journal, _ = new_journal()
    kept = KeptMotion(journal, str(tmp_path / "motion.npz"))
    check, process = before(Evaluator.check, kept.keep), before(Evaluator.process, kept.save)
    env = Env3(2, ["pelvis", "hand", "head"], reference=1.0)
    evaluator = Evaluator(env, "/clips/walk.motion", "C:\\clips\\wave.motion", "/clips/sit.motion")
    for batch, (envs, steps) in {(0, 1): ([0, 1], 4), (2,): ([0], 2)}.items():
        for step in range(steps):
            env.state += 1.0
            active = [env for env in envs if not (batch[env] == 1 and step >= 3)]  # wave is shorter
            motions = torch.tensor([batch[env] for env in active])
            assert check(evaluator, torch.tensor(active), motions) == "checked"
    process(evaluator)
    assert (evaluator.summed, journal.result.notes) == (1, [])
    saved = read(tmp_path / "motion.npz")
    assert saved["motions"].tolist() == ["walk", "wave", "sit"]
    assert saved["frames"].tolist() == [4, 3, 2]
    assert (float(saved["fps"]), saved["parents"].tolist()) == (50.0, [-1, 0, 0])
    assert saved["body_names"].tolist() == ["pelvis", "hand", "head"]
    assert saved["positions"].shape == (4, 3, 3, 3)
    assert saved["positions"][:2, :, 0, 0].tolist() == [[1.0, 1.0, 5.0], [2.0, 2.0, 6.0]]
    assert np.isnan(saved["positions"][3, 1]).all()
    assert saved["rotations"][0, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert np.nanmax(saved["reference"]) == np.nanmin(saved["reference"]) == 1.0
    assert saved["reference_rotations"][0, 0, 0].tolist() == [0.0, 0.0, 0.0, -1.0]


def test_reference_without_rotations_is_kept(tmp_path: Path) -> None:
    env = Env3(1, ["pelvis", "head"], reference=1.0)
    del env.context.mimic.ref_state.rigid_body_rot
    keeper = MotionKeeper(Bodies3(env))
    keeper.follow(torch.tensor([0]), torch.tensor([0]))
    keeper.save(str(tmp_path / "motion.npz"), ["walk"], new_journal()[0])
    assert {"reference", "reference_rotations"} & read(tmp_path / "motion.npz").keys() == {"reference"}


def test_generation_3_keeps_the_motions_that_were_finished_before_an_interrupt(tmp_path: Path) -> None:
    journal, _ = new_journal()
    wrap = handlers(Hooks(save_motion=MotionRequest(str(tmp_path / "motion.npz"))), journal)
    check = wrap["bodies"](Evaluator.check, WatchPoint("bodies", "", ""))

    def evaluate(evaluator: Evaluator) -> None:
        check(evaluator, torch.tensor([0, 1]), torch.tensor([0, 1]))
        check(evaluator, torch.tensor([1]), torch.tensor([1]))
        raise KeyboardInterrupt

    evaluator = Evaluator(Env3(2, ["pelvis", "head"], reference=1.0), "walk.motion", "wave.motion", "sit.motion")
    with pytest.raises(KeyboardInterrupt):
        wrap["recording"](evaluate, WatchPoint("recording", "", ""))(evaluator)
    assert read(tmp_path / "motion.npz")["motions"].tolist() == ["walk"]
    (entry,) = journal.result.left_out
    assert entry["reason"].endswith("wave, sit")


def test_generation_3_is_not_wrapped_if_nothing_is_kept() -> None:
    wrap = handlers(Hooks(), new_journal()[0])
    assert all(wrap[event](len, WatchPoint(event, "", "")) is len for event in ("bodies", "scores", "recording"))


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_generation_3_keeps_what_a_policy_plays_although_nothing_is_measured(
    tmp_path: Path, ending: type[BaseException] | None
) -> None:
    env = Env3(1, ["pelvis", "head"], reference=7.0)

    def play(evaluator: Evaluator) -> None:
        for step in range(5):
            if step == 3:
                env.progress_buf[:] = 0
            assert env.step(None) == "stepped"
        if ending is not None:
            raise ending

    playing = KeptMotion(new_journal()[0], str(tmp_path / "motion.npz")).playing(play)
    evaluator = Evaluator(env, "a/walk.motion", "a/sit.motion")
    if ending is None:
        playing(evaluator)
    else:
        with pytest.raises(ending):
            playing(evaluator)
    assert "step" not in vars(env)
    saved = read(tmp_path / "motion.npz")
    assert (list(saved["motions"]), list(saved["frames"])) == (["sit", "sit"], [3, 2])
    assert saved["positions"][:2, 1, 0, 0].tolist() == [4.0, 5.0], "after the reset, in a column of its own"
    assert saved["reference"][0, 0, 1].tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("keep", [True, False])
def test_closed_window_ends_a_run_that_only_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keep: bool
) -> None:
    env, (journal, _), file = Env3(1, ["pelvis", "head"], reference=7.0), new_journal(), tmp_path / "motion.npz"
    env.simulator = Space(viewer=Space(is_running=lambda: int(env.progress_buf) != 2))  # type: ignore[attr-defined]

    def play(evaluator: Evaluator) -> None:
        while True:
            evaluator.env.step(None)

    with pytest.raises(StopRun):
        KeptMotion(journal, str(file) if keep else None).playing(play)(Evaluator(env, "walk.motion"))
    assert int(env.progress_buf) == 2
    assert journal.result.stopped_by is StopReason.WINDOW_CLOSED
    assert capsys.readouterr().err == "pmlaunch_agent: the window was closed, so the run ends\n"
    assert file.exists() == keep


def test_bodies_of_generation_3_without_a_matching_skeleton() -> None:
    env = Env3(1, ["pelvis", "head"], reference=0.0)
    env.robot_config.kinematic_info.parent_indices = [-1]
    assert Bodies3(env).skeleton() == (["pelvis", "head"], [-1, -1])
