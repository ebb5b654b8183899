"""A small stand-in for a ProtoMotions 2.x checkout, written by us: the same layout, the same command line,
the same order of merging; a "simulator" that only counts. For tests on machines that have no ProtoMotions.
"""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import numpy as np

from pmlaunch.motionfile import Motion, write_motion

SMPL = [
    "Pelvis", "L_Hip", "L_Knee", "L_Ankle", "L_Toe", "R_Hip", "R_Knee", "R_Ankle", "R_Toe", "Torso", "Spine", "Chest",
    "Neck", "Head", "L_Thorax", "L_Shoulder", "L_Elbow", "L_Wrist", "L_Hand", "R_Thorax", "R_Shoulder", "R_Elbow",
    "R_Wrist", "R_Hand",
]  # fmt: skip
_PARENTS = [-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 12, 11, 14, 15, 16, 17, 11, 19, 20, 21, 22]
_BOX = ["base", "left", "right"]
CHECKPOINT = b"weights of the stand-in" * 40

_FILES = {
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


        @hydra.main(config_path="config")
        def main(overrides):
            os.chdir(hydra.utils.get_original_cwd())
            folder = os.path.dirname(overrides.checkpoint)
            trained = OmegaConf.load(os.path.join(folder, "config.yaml"))
            trained = OmegaConf.merge(trained, trained.eval_overrides)
            config = OmegaConf.merge(trained, overrides)
            print("simulator", simulator, flush=True)
            print("checkpoint", config.checkpoint, flush=True)
            agent = PPO(BaseEnv(config), config)
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


        class PPO:
            def __init__(self, env, config):
                self.env, self.config = env, config

            def load(self, checkpoint):
                with open(checkpoint, "rb") as file:
                    self.weights = file.read()

            def evaluate_policy(self):
                step, limit = 0, self.config.agent.config.max_eval_steps
                mode = self.config.get("standin", "")
                while limit is None or step < limit:
                    self.env.step(step)
                    step += 1
                    if mode and step == 3:
                        misbehave(mode)


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
    "protomotions/envs/__init__.py": "",
    "protomotions/envs/base_env/__init__.py": "",
    "protomotions/envs/base_env/env.py": """
        import time


        class BaseEnv:
            def __init__(self, config):
                self.pause = float(config.get("pause", 0.001))

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
agent: {{_target_: protomotions.agents.ppo.agent.PPO, config: {{max_eval_steps: null, width: "${{eval:2**4+1}}"}}}}
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
