"""A small stand-in for a ProtoMotions 2.x checkout, written by us, for machines that have no ProtoMotions.

It has the same layout, command line and order of merging; its "simulator" only counts.
"""

from __future__ import annotations

import hashlib
import io
import textwrap
import zipfile
from pathlib import Path

import numpy as np

from pmlaunch.motions.poselib_motion import Motion, write_motion

SMPL = [
    "Pelvis", "L_Hip", "L_Knee", "L_Ankle", "L_Toe", "R_Hip", "R_Knee", "R_Ankle", "R_Toe", "Torso", "Spine", "Chest",
    "Neck", "Head", "L_Thorax", "L_Shoulder", "L_Elbow", "L_Wrist", "L_Hand", "R_Thorax", "R_Shoulder", "R_Elbow",
    "R_Wrist", "R_Hand",
]  # fmt: skip
_PARENTS = [-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 12, 11, 14, 15, 16, 17, 11, 19, 20, 21, 22]
_BOX = ["base", "left", "right"]
LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files begin that torch saved before 1.6."""


def torch_file(weights: bytes, size: int) -> bytes:
    """A file of `size` bytes that torch could have saved, with an empty mapping and, beside it, repeated `weights`."""
    entries = {"archive/data.pkl": b"\x80\x02}.", "archive/data/0": b""}
    room = size - 22 - sum(76 + 2 * len(name) + len(content) for name, content in entries.items())
    entries["archive/data/0"] = (weights * (room // len(weights) + 1))[:room]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return written.getvalue()


CHECKPOINT = torch_file(b"weights of the stand-in", 920)

_FILES = {
    # the simulator, as a package that a run finds
    "genesis_world-0.3.3.dist-info/INSTALLER": "stand-in",
    "protomotions/__init__.py": "",
    "protomotions/eval_agent.py": '''
        """The stand-in's program: the command line and the order of merging of eval_agent.py."""
        import os
        import sys

        has_robot, simulator = False, None
        for argument in sys.argv:
            if "robot" in argument:
                has_robot = True
            if "simulator" in argument:
                if not has_robot:
                    raise ValueError("robot before simulator")
                for name in ("isaacgym", "isaaclab", "genesis"):
                    if name in argument.split("=")[-1]:
                        simulator = name

        import hydra
        from omegaconf import OmegaConf

        OmegaConf.register_new_resolver("eval", eval, replace=True)
        OmegaConf.register_new_resolver("len", len, replace=True)
        from protomotions.agents.ppo.agent import PPO
        from protomotions.envs.base_env.env import BaseEnv
        from protomotions.fabric import Fabric


        @hydra.main(config_path="config")
        def main(overrides):
            os.chdir(hydra.utils.get_original_cwd())
            folder = os.path.dirname(overrides.checkpoint)
            trained = OmegaConf.load(os.path.join(folder, "config.yaml"))
            trained = OmegaConf.merge(trained, trained.eval_overrides)
            config = OmegaConf.merge(trained, overrides)
            print("simulator", simulator, flush=True)
            print("checkpoint", config.checkpoint, flush=True)
            fabric = Fabric(config.fabric)
            agent = hydra.utils.instantiate(config.agent, env=BaseEnv(config), fabric=fabric)
            agent.load(config.checkpoint)
            agent.evaluate_policy()


        if __name__ == "__main__":
            main()
    ''',
    "protomotions/agents/__init__.py": "",
    "protomotions/agents/ppo/__init__.py": "",
    "protomotions/agents/ppo/agent.py": """
        import os
        import sys
        import time

        from protomotions.envs.base_env.env import Numbers


        class PPO:
            def __init__(self, fabric, env, config):
                self.fabric, self.env, self.config = fabric, env, config
                self.motion_lib = env.motion_lib
                self.steps = 0

            def load(self, checkpoint):
                with open(checkpoint, "rb") as file:
                    self.weights = file.read()
                self.env.load_state_dict({"motions": 1})

            def env_step(self, actions):
                self.env.step(actions)
                self.steps += 1
                mode = self.env.config.get("standin", "")
                if mode and self.steps == 3:
                    misbehave(mode)
                return {}, Numbers([0.5]), Numbers([int(self.steps % 10 == 0)]), None, {}

            def calc_eval_metrics(self):
                return {}, None

            def evaluate_policy(self):
                limit = self.config.max_eval_steps
                while limit is None or self.steps < limit:
                    self.env_step(self.steps)


        def misbehave(mode):
            if mode == "raise":
                raise RuntimeError("the policy fell over")
            if mode == "raise_then_zero":
                print("Traceback: RuntimeError", flush=True)
                os._exit(0)
            if mode == "exit7":
                sys.exit(7)
            if mode == "crash":
                os.abort()
            if mode == "vanish":
                os._exit(0)
            if mode == "sleep":
                time.sleep(3600)
            if mode == "child":
                import subprocess

                subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
                time.sleep(3600)
    """,
    "protomotions/agents/mimic/__init__.py": "",
    "protomotions/agents/mimic/agent.py": """
        from protomotions.agents.ppo.agent import PPO


        class Mimic(PPO):
            def map_motions_to_iterations(self):
                ids = list(range(self.motion_lib.num_motions()))
                size = self.env.num_envs
                return [(ids[i : i + size], None) for i in range(0, len(ids), size)], len(ids)

            def calc_eval_metrics(self):
                self.fabric.loggers[0].root_dir  # upstream fails without one
                batches, _ = self.map_motions_to_iterations()
                for ids, _ in batches:
                    frames = (self.motion_lib.get_motion_length(ids) / self.env.dt).floor().long()
                    length = self.config.eval_length
                    for _ in range(frames.max() if length is None else length):
                        self.env_step(self.steps)
                figures = {f"eval/{key}": 0.25 for key in self.config.eval_metric_keys}
                return {**figures, "eval/tracking_success_rate": 1.0}, 1.0
    """,
    "protomotions/fabric.py": """
        from types import SimpleNamespace


        class Fabric:
            global_rank, world_size = 0, 1

            def __init__(self, config):
                self.loggers = [SimpleNamespace(root_dir=logger.root_dir) for logger in config.get("loggers") or []]
                self.seed = None

            def seed_everything(self, seed):
                self.seed = seed

            def barrier(self):
                pass

            def all_gather(self, value):
                return value
    """,
    "protomotions/simulator/__init__.py": "",
    **{f"protomotions/simulator/{name}.py": "class Simulator: pass\n" for name in ("isaaclab", "genesis")},
    "protomotions/envs/__init__.py": "",
    "protomotions/envs/terrains.py": "class Terrain: pass\n\n\nclass Flat(Terrain): pass\n",
    "protomotions/envs/base_env/__init__.py": "",
    "protomotions/envs/base_env/env.py": """
        import math
        import time
        from types import SimpleNamespace


        class Numbers(list):  # as much of a tensor as the agent asks for
            def __truediv__(self, other):
                return Numbers(value / other for value in self)

            def floor(self):
                return Numbers(math.floor(value + 1e-9) for value in self)

            def long(self):
                return Numbers(int(value) for value in self)

            def tolist(self):
                return list(self)

            def max(self):
                return max(self)


        class MotionLib:  # motions of one second each, as many as the file lists
            def __init__(self, motion_file):
                if motion_file.endswith(".yaml"):
                    import yaml

                    with open(motion_file) as file:
                        files = [entry["file"] for entry in yaml.safe_load(file)["motions"]]
                else:
                    files = [motion_file]
                self.state = SimpleNamespace(motion_files=files)

            def num_motions(self):
                return len(self.state.motion_files)

            def get_motion_length(self, ids):
                return Numbers([1.0] * (self.num_motions() if ids is None else len(ids)))


        class BaseEnv:
            def __init__(self, config):
                self.config = config
                self.pause = float(config.get("pause", 0.001))
                self.num_envs, self.dt = int(config.num_envs), 1 / 30
                self.motion_lib = MotionLib(str(config.motion_file))

            def load_state_dict(self, state):
                if self.motion_lib.num_motions() != state["motions"]:
                    raise RuntimeError("sampling weights of another number of motions")

            def step(self, number):
                time.sleep(self.pause)
                return number
    """,
    "protomotions/config/base.yaml": """
        defaults:
          - base/fabric
        seed: 0
    """,
    "protomotions/config/base/fabric.yaml": """
        # @package _global_
        fabric: {accelerator: gpu}
    """,
    "protomotions/config/robot/base.yaml": """
        # @package _global_
        robot:
          body_names: ???
          number_of_actions: ???
          num_bodies: ${len:${robot.body_names}}
          control: {control_type: built_in_pd, action_scale: 1.0}
          sim:
            isaaclab: {fps: 120, decimation: 4}
            genesis: {fps: 60, decimation: 2}
    """,
    "protomotions/config/robot/smpl.yaml": f"""
        # @package _global_
        defaults: [base]
        robot:
          body_names: [{", ".join(SMPL)}]
          number_of_actions: 69
          self_obs_size: 358  # ${{eval:1+24*15-3}}
    """,
    "protomotions/config/robot/amp.yaml": f"""
        # @package _global_
        defaults: [base]
        robot:
          body_names: [{", ".join(_BOX)}]
          number_of_actions: 6
          self_obs_size: ${{eval:1+3*15-3}}
    """,
    "protomotions/config/simulator/base.yaml": """
        # @package _global_
        simulator:
          _target_: ???
          config: {sim: {fps: "???", decimation: "???"}, num_envs: "${num_envs}"}
    """,
    **{
        f"protomotions/config/simulator/{name}.yaml": f"""
        # @package _global_
        defaults: [base]
        simulator:
          _target_: protomotions.simulator.{name}.Simulator
          config: {{sim: {{fps: "${{robot.sim.{name}.fps}}", decimation: "${{robot.sim.{name}.decimation}}"}}}}
        """
        for name in ("isaaclab", "genesis")
    },
    "protomotions/config/simulator/physx.yaml": """
        # @package _global_
        simulator: {config: {sim: {physx: {pairs: "${eval:2**21}"}}}}
    """,
    "protomotions/config/terrain/flat.yaml": """
        # @package _global_
        terrain: {_target_: protomotions.envs.terrains.Flat, config: {size: 20}}
    """,
    "protomotions/config/terrain/complex.yaml": """
        # @package _global_
        defaults: [flat]
        terrain: {_target_: protomotions.envs.terrains.Terrain}
    """,
    "protomotions/config/opt/wandb.yaml": """
        # @package _global_
        wandb: {project: none}
    """,
    "protomotions/config/opt/masked_mimic/constraints/vr.yaml": """
        # @package _global_
        env: {config: {masking: {head: 1}}}
    """,
    "protomotions/config/opt/masked_mimic/constraints/pelvis.yaml": """
        # @package _global_
        env: {config: {masking: {pelvis: 1}}}
    """,
    "protomotions/config/opt/masked_mimic/constraints/pelvis_hands_position.yaml": """
        # @package _global_
        env:
          config:
            - body: L_Hand
            state: 0
    """,
}

TRAINED = f"""
eval_overrides: {{headless: false, num_envs: 1, ngpu: 1}}
fabric: {{_target_: lightning.fabric.Fabric, accelerator: gpu, devices: "${{ngpu}}"}}
agent:
  _target_: protomotions.agents.mimic.agent.Mimic
  _recursive_: false
  config:
    max_eval_steps: null
    width: "${{eval:2**4+1}}"
    eval_metric_keys: [gt_err, gr_err_degrees]
    eval_length: null
    eval_num_episodes: 1
    training_early_termination: {{early_terminate_cart_err: null, early_terminate_success_rate: 0.5}}
env: {{_target_: protomotions.envs.base_env.env.BaseEnv, config: {{obs: "${{eval:${{robot.self_obs_size}}+1}}"}}}}
robot:
  body_names: [{", ".join(SMPL)}]
  number_of_actions: 69
  self_obs_size: 358
  control: {{control_type: built_in_pd, action_scale: 1.0}}
  sim: {{isaaclab: {{fps: 120, decimation: 4}}, genesis: {{fps: 60, decimation: 2}}}}
simulator: {{config: {{sim: {{fps: 120, decimation: 4}}}}}}
terrain: {{config: {{size: 20}}}}
motion_file: ???
checkpoint: null
headless: true
num_envs: 2048
ngpu: 1
seed: 0
"""


def make_checkout(root: Path) -> Path:
    """Write the stand-in to `root`: two checkpoints (one a Git LFS pointer), two motions; returns `root`."""
    for name, text in _FILES.items():
        _write(root / name, textwrap.dedent(text).lstrip())
    tracker = root / "data/pretrained_models/motion_tracker/smpl"
    _write(tracker / "config.yaml", TRAINED)
    (tracker / "last.ckpt").write_bytes(CHECKPOINT)
    masked = root / "data/pretrained_models/masked_mimic/smpl"
    _write(masked / "config.yaml", TRAINED)
    _write(masked / "last.ckpt", pointer_text(b"another network", 303_850_268))
    motions = root / "data/motions"
    make_motion(motions / "smpl_humanoid_walk.npy", SMPL, _PARENTS, frames=31, fps=30)
    make_motion(motions / "amp_humanoid_walk.npy", _BOX, [-1, 0, 0], frames=11, fps=10)
    return root


def pointer_text(content: bytes, size: int | None = None) -> str:
    """The Git LFS pointer of `content`."""
    digest = hashlib.sha256(content).hexdigest()
    length = len(content) if size is None else size
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {length}\n"


def make_motion(path: Path, bodies: list[str], parents: list[int], *, frames: int, fps: float) -> Path:
    """A motion in which the root goes forward at 1 m/s and nothing turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rotation = np.zeros((frames, len(bodies), 4))
    rotation[..., 3] = 1.0
    root = np.zeros((frames, 3))
    root[:, 0] = np.arange(frames) / fps
    root[:, 2] = 0.9
    offsets = np.full((len(bodies), 3), 0.1)
    offsets[0] = 0.0
    motion = Motion(path, path.stem, tuple(bodies), np.array(parents), offsets, rotation, root, float(fps))
    write_motion(path, motion)
    return path


def smpl_motion(path: Path, *, frames: int = 31, fps: float = 30.0) -> Path:
    """A motion of the SMPL skeleton at `path`."""
    return make_motion(path, list(SMPL), _PARENTS, frames=frames, fps=fps)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
