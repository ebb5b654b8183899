"""A small stand-in for a ProtoMotions 3 checkout, written by us.

It has the same layout and command line, and also writes beside the checkpoint; its "simulator" only counts. It needs
neither torch nor numpy.
"""

from __future__ import annotations

import io
import pickle
import struct
import textwrap
import zipfile
from pathlib import Path
from typing import Any

from standin import pointer_text, torch_file

G1 = ["pelvis", "torso", "head", "left_foot", "right_foot"]
SMPL = ["Pelvis", "Head", "L_Hand"]
CHECKPOINT = torch_file(b"weights of the second stand-in", 1200)

_FILES = {
    # the simulators, as packages that a run finds
    **{f"{name}-1.0.dist-info/INSTALLER": "stand-in" for name in ("mujoco", "newton", "warp_lang", "mujoco_warp")},
    "protomotions/__init__.py": "",
    "protomotions/inference_agent.py": '''
        """The stand-in's program: the command line of inference_agent.py, and where it writes."""
        import argparse
        import ast
        from pathlib import Path

        parser = argparse.ArgumentParser()
        parser.add_argument("--checkpoint", required=True)
        parser.add_argument("--simulator", required=True)
        parser.add_argument("--motion-file")
        parser.add_argument("--scenes-file")
        parser.add_argument("--num-envs", type=int, default=1)
        parser.add_argument("--headless", action="store_true")
        parser.add_argument("--full-eval", action="store_true")
        parser.add_argument("--overrides", nargs="*", default=[])
        parser.add_argument("--command-source", nargs="*", default=[])

        from protomotions.agents.base_agent.agent import BaseAgent
        from protomotions.envs.base_env.env import BaseEnv
        from protomotions.utils.fabric_config import FabricConfig


        def main():
            args = parser.parse_args()
            checkpoint = Path(args.checkpoint)
            assert (checkpoint.parent / "resolved_configs_inference.pt").exists(), "Could not find resolved configs"
            assert Path(args.motion_file).is_file()
            overrides = {}
            for text in args.overrides:
                key, _, value = text.partition("=")
                try:
                    overrides[key] = ast.literal_eval(value)
                except (ValueError, SyntaxError):
                    overrides[key] = value
            fabric = FabricConfig(accelerator="cpu" if args.simulator == "mujoco" else "gpu", devices=1)
            print("fabric", sorted(fabric.values.items()), flush=True)
            print("overrides", sorted(overrides.items()), flush=True)
            agent = BaseAgent(BaseEnv(args.headless), checkpoint.parent, overrides, Path(args.motion_file))
            agent.load(args.checkpoint, load_env=False)
            if not args.full_eval:
                agent.evaluator.simple_test_policy(collect_metrics=True)
                return
            log, score, count = agent.evaluator.evaluate()
            for key, value in sorted(log.items()):
                print(f"  {key}: {value:.6f}")
            print(f"  Items Evaluated: {count}")


        if __name__ == "__main__":
            main()
    ''',
    "protomotions/utils/__init__.py": "",
    "protomotions/utils/fabric_config.py": """
        class FabricConfig:
            def __init__(self, **values):
                self.values = values
    """,
    "protomotions/envs/__init__.py": "",
    "protomotions/envs/base_env/__init__.py": "",
    "protomotions/envs/base_env/env.py": """
        from protomotions.simulator.base_simulator.simulator import Simulator


        class BaseEnv:
            dt = 0.02

            def __init__(self, headless):
                self.steps = 0
                self.simulator = Simulator(headless)

            def step(self, action):
                self.steps += 1
                self.simulator.render()
    """,
    "protomotions/agents/__init__.py": "",
    "protomotions/agents/base_agent/__init__.py": "",
    "protomotions/agents/base_agent/agent.py": """
        from protomotions.agents.evaluators.mimic_evaluator import MimicEvaluator


        class BaseAgent:
            def __init__(self, env, root_dir, overrides, motion_file):
                self.env, self.root_dir = env, root_dir
                self.evaluator = MimicEvaluator(self, overrides, motion_file)

            def load(self, checkpoint, load_env=True):
                with open(checkpoint, "rb") as file:
                    self.weights = file.read()
    """,
    "protomotions/agents/evaluators/__init__.py": "",
    "protomotions/agents/evaluators/base_evaluator.py": """
        class Numbers(list):
            def tolist(self):
                return list(self)


        class Component:
            def __init__(self, **static_params):
                self.static_params = static_params


        class Config:
            def __init__(self, overrides):
                self.max_eval_steps = overrides.get("agent.evaluator.max_eval_steps", 600)
                self.evaluation_components = {"gt_error": Component(threshold=0.5), "gr_error": Component()}


        class Library:
            motion_files = ("/somewhere/clips/first.motion", "C:\\\\clips\\\\second.motion")

            def get_motion_length(self, motion_ids):
                return Numbers([(0.2, 0.4)[motion] for motion in (range(2) if motion_ids is None else motion_ids)])


        class BaseEvaluator:
            def __init__(self, agent, overrides, motion_file):
                self.agent, self.env = agent, agent.env
                self.config, self.motion_lib = Config(overrides), Library()
                self._motion_failed = None

            @property
            def root_dir(self):
                return self.agent.root_dir

            def evaluate(self):
                self._motion_failed, self._eval_mask = Numbers([False, True]), Numbers([True, True])
                self._component_value_sum = {"gt_error": Numbers([1.0, 14.0]), "gr_error": Numbers([1.0, 2.0])}
                self._component_value_min = {"gt_error": Numbers([0.0, 0.1]), "gr_error": Numbers([0.0, 0.0])}
                self._component_value_max = {"gt_error": Numbers([0.2, 0.9]), "gr_error": Numbers([0.2, 0.2])}
                self._component_step_count = {"gt_error": Numbers([10, 20]), "gr_error": Numbers([10, 20])}
                for env_ids, motion_ids in self._build_eval_batches():
                    longest = max(10 * (motion + 1) for motion in motion_ids)
                    self.evaluate_episode(env_ids, min(longest, self.config.max_eval_steps))
                log, score, count = self.process_eval_results()
                self._motion_failed = None
                return log, score, count

            def evaluate_episode(self, env_ids, max_steps):
                for _ in range(max_steps):
                    self.env.step(None)
                    self._check_evaluation_failures(env_ids, env_ids)

            def _check_evaluation_failures(self, active_env_ids, active_motion_ids):
                pass

            def process_eval_results(self):
                log = {"eval/success_rate": 0.5, "eval/num_evaluated": 2, "eval/gt_error/failure_rate": 0.5}
                log.update({"eval/gt_error/mean": 0.4, "eval/gt_error/max": 0.9, "eval/gt_error/min": 0.0})
                log.update({"eval/gr_error/mean": 0.1, "eval/gr_error/max": 0.2, "eval/gr_error/min": 0.0})
                return log, 0.5, 2

            def simple_test_policy(self, collect_metrics=False):
                while True:
                    self.env.step(None)
    """,
    "protomotions/agents/evaluators/mimic_evaluator.py": """
        from protomotions.agents.evaluators.base_evaluator import BaseEvaluator, Numbers


        class MimicEvaluator(BaseEvaluator):
            def _build_eval_batches(self):
                return [(Numbers([0]), Numbers([0])), (Numbers([0]), Numbers([1]))]

            def evaluate_episode(self, env_ids, max_steps):
                super().evaluate_episode(env_ids, max_steps)

            def process_eval_results(self):
                log, score, count = super().process_eval_results()
                results = self.root_dir / "results"
                results.mkdir(exist_ok=True)
                (results / "predicted_motion_lib_epoch_0.pt").write_bytes(b"motions")
                log["eval/normalized_jerk_mean"] = float("nan")
                return log, score, count
    """,
    "protomotions/robot_configs/__init__.py": "",
    "protomotions/robot_configs/base.py": "class RobotConfig:\n    pass\n",
    "protomotions/robot_configs/factory.py": "raise AssertionError('imported')\n",
    "protomotions/robot_configs/broken.py": "asset_file_name=('mjcf/'\n",
    **{
        f"protomotions/robot_configs/{name}.py": f"""
        raise AssertionError("imported")
        class RobotConfig:
            asset = Asset(asset_file_name="mjcf/{name}.xml")
        """
        for name in ("g1", "smpl", "lost")
    },
    **{
        f"protomotions/data/assets/mjcf/{name}.xml": f"""
        <mujoco>
          <compiler meshdir="../mesh/{name}/"/>
          <asset><mesh name="hull" file="hull.stl"/><mesh name="box"/></asset>
          <worldbody>
            <geom type="plane"/>
            {"".join(f'<body name="{body}"><joint/><joint type="free"/>' for body in bodies)}{"</body>" * len(bodies)}
          </worldbody>
        </mujoco>
        """
        for name, bodies in (("g1", G1), ("smpl", SMPL))
    },
    **{f"protomotions/simulator/{name}/simulator.py": "" for name in ("mujoco", "newton", "isaaclab")},
    "protomotions/simulator/base_simulator/simulator.py": """
        class Simulator:
            def __init__(self, headless):
                self.headless = headless
                self._user_is_recording = self._user_recording_state_change = False
                self._user_recording_video_path = "output/renderings/three-%s"

            def _toggle_video_record(self):
                self._user_is_recording = not self._user_is_recording
                self._user_recording_state_change = True

            def render(self):
                if self._user_recording_state_change and self._user_is_recording:
                    self.name = self._user_recording_video_path % "NOW"
                elif self._user_recording_state_change:
                    from moviepy import ImageSequenceClip

                    with open(self.name + ".mp4", "w") as file:
                        file.write(f"a video {ImageSequenceClip}")
                self._user_recording_state_change = False
                if self._user_is_recording:
                    self._write_viewport_to_file("picture")

            def _write_viewport_to_file(self, name):
                with open(self.name + ".pictures", "a") as file:
                    file.write("p")
    """,
}

TEXT = """
robot:
  asset: {{asset_file_name: mjcf/{robot}.xml}}
  kinematic_info: {{body_names: [{bodies}]}}
  control: {{control_type: built_in_pd}}
  simulation_params:
    mujoco: {{fps: '1000', decimation: '20'}}
    newton: {{fps: '200', decimation: '5'}}
simulator:
  _target_: protomotions.simulator.mujoco.simulator.MujocoSimulator
  sim: {{fps: '1000', decimation: '20'}}
  num_envs: '1'
motion_lib: {{motion_file: {motion}}}
env: {{max_episode_length: '1000', empty: None}}
agent:
  _target_: protomotions.agents.ppo.agent.PPO
  evaluator: {{max_eval_steps: '600'}}
"""


def make_checkout3(root: Path) -> Path:
    """Write the stand-in to `root`: a trained G1 in results/, MaskedMimic as Git LFS pointers, motions; returns `root`."""
    for name, text in _FILES.items():
        _write(root / name, textwrap.dedent(text).lstrip())
    for robot in ("g1", "smpl"):
        mesh = root / f"protomotions/data/assets/mesh/{robot}/hull.stl"
        mesh.parent.mkdir(parents=True)
        mesh.write_bytes(b"solid")
    make_trained(root / "results/g1_mlp", "g1", G1)
    masked = root / "data/pretrained_models/masked_mimic/smpl"
    _write(masked / "resolved_configs_inference.yaml", TEXT.format(robot="smpl", bodies=", ".join(SMPL), motion="None"))
    for name in ("last.ckpt", "resolved_configs_inference.pt"):
        _write(masked / name, pointer_text(name.encode(), 229_131_184))
    make_clip(root / "data/clips/proto/output_walk.motion", len(G1), frames=51, fps=30)
    make_clip(root / "data/clips/proto/output_wave.motion", len(G1), frames=31, fps=30)
    make_clip(root / "examples/data/smpl_humanoid_sit_armchair.motion", len(SMPL), frames=31, fps=30)
    make_library(root / "data/motion_for_trackers/g1_all.pt", len(G1), {"a/walk": 1.0, "b\\run": 2.0}, fps=30)
    _write(root / "data/motion_for_trackers/g1_far.pt", pointer_text(b"far away", 32_205_041))
    return root


def make_trained(folder: Path, robot: str, bodies: list[str], motion: str = "None") -> Path:
    """What a training leaves in `folder`; returns the checkpoint."""
    _write(
        folder / "resolved_configs_inference.yaml", TEXT.format(robot=robot, bodies=", ".join(bodies), motion=motion)
    )
    _write(folder / "config.yaml", f'{{"robot_name": "{robot}", "simulator": "mujoco", "overrides": []}}')
    configs = {"robot": Named(f"protomotions.robot_configs.{robot}", "RobotConfig"), "agent": {}}
    save_like_torch(folder / "resolved_configs_inference.pt", configs)
    (folder / "last.ckpt").write_bytes(CHECKPOINT)
    return folder / "last.ckpt"


def make_clip(path: Path, bodies: int, *, frames: int, fps: int) -> Path:
    """A motion of 3.x: shapes only, as far as pmlaunch reads it."""
    convention = Called("protomotions.simulator.base_simulator.simulator_state", "StateConversion", "common")
    widths = {"pos": 3, "rot": 4, "vel": 3, "ang_vel": 3}
    fields = {f"rigid_body_{name}": Tensor((frames, bodies, width)) for name, width in widths.items()}
    joints = {name: Tensor((frames, 3 * bodies)) for name in ("dof_pos", "dof_vel")}
    save_like_torch(path, {"state_conversion": convention, "fps": fps, **fields, **joints})
    return path


def make_library(path: Path, bodies: int, lengths: dict[str, float], *, fps: int) -> Path:
    """A library of 3.x: motions by name with their lengths in s."""
    frames = sum(round(length * fps) + 1 for length in lengths.values())
    content = {
        **{name: Tensor((frames, bodies, 3)) for name in ("gts", "gvs", "gavs")},
        "grs": Tensor((frames, bodies, 4)),
        **{name: Tensor((frames, 3 * bodies)) for name in ("dvs", "dps")},
        **{f"motion_{name}": Tensor((len(lengths),)) for name in ("num_frames", "dt", "weights")},
        "length_starts": Tensor((len(lengths),)),
        "motion_lengths": Tensor((len(lengths),), tuple(lengths.values())),
        "motion_files": tuple(f"{name}.motion" for name in lengths),
    }
    save_like_torch(path, content)
    return path


class Tensor:
    """A tensor as torch pickles it; `numbers` are written only where they are given."""

    def __init__(self, shape: tuple[int, ...], numbers: tuple[float, ...] = ()):
        self.shape, self.numbers = shape, numbers


class Named:
    """An instance of a class that the pickle names."""

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name


class Called(Named):
    """What a function gives that the pickle names, called with one text."""

    def __init__(self, module: str, name: str, argument: str):
        super().__init__(module, name)
        self.argument = argument


class _Storage:
    def __init__(self, key: str, numbers: tuple[float, ...]):
        self.key, self.numbers = key, numbers


class _Global:
    """A function or class that is only named."""

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name

    def __call__(self, *_: Any) -> None:
        raise AssertionError("executed")


class _Pickler(pickle._Pickler):  # the one written in Python, which lets names be put in freely
    def __init__(self, file: io.BytesIO):
        super().__init__(file, protocol=2)
        self.storages: list[_Storage] = []

    def persistent_id(self, thing: Any) -> Any:
        if isinstance(thing, _Storage):
            return ("storage", _Global("torch", "FloatStorage"), thing.key, "cpu", len(thing.numbers))
        return None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, _Global):
            return "named"
        if isinstance(thing, Tensor):
            self.storages.append(_Storage(str(len(self.storages)), thing.numbers))
            strides = (1,) * len(thing.shape)
            rebuild = _Global("torch._utils", "_rebuild_tensor_v2")
            return rebuild, (self.storages[-1], 0, thing.shape, strides, False, None)
        if isinstance(thing, Named):
            arguments = (thing.argument,) if isinstance(thing, Called) else ()
            return _Global(thing.module, thing.name), arguments
        return NotImplemented

    def save_global(self, thing: Any, name: str | None = None) -> None:
        if not isinstance(thing, _Global):
            super().save_global(thing, name)  # type: ignore[misc]
            return
        self.write(  # type: ignore[attr-defined]
            pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode()
        )


def save_like_torch(path: Path, content: Any) -> None:
    """A zip with a pickle of protocol 2, as torch.save makes it, without torch."""
    memory = io.BytesIO()
    pickler = _Pickler(memory)
    pickler.dump(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", memory.getvalue())
        for storage in pickler.storages:
            numbers = struct.pack(f"<{len(storage.numbers)}f", *storage.numbers)
            archive.writestr(f"{path.stem}/data/{storage.key}", numbers)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
