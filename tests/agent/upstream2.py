"""A stand-in for the agents of ProtoMotions 2: the same calls in the same order, with few numbers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

LENGTHS, ERRORS = [1.0, 2.0, 0.5], [0.1, 0.7, 0.3]  # s, and the error of every step of each motion in m


class Config(dict[str, Any]):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Fabric:
    """As Lightning's in one process: all_gather adds no dimension to a number."""

    global_rank, world_size = 0, 1

    def __init__(self, folder: Path) -> None:
        self.loggers = [SimpleNamespace(root_dir=folder)]
        self.seeds: list[int] = []

    def seed_everything(self, seed: int) -> None:
        self.seeds.append(seed)

    def barrier(self) -> None:
        pass

    def all_gather(self, value: Any) -> Any:
        return torch.tensor(value)


class Observing:
    """A component that computes observations after a step, and none at a reset."""

    def __init__(self, env: Any) -> None:
        self.env, self.config = env, Config(width=torch.ones(1))
        self.first_seen: list[float] = []
        self.buffer = torch.zeros(2)
        self.history = SimpleNamespace(data=torch.zeros(3, 2), by_name={"phase": torch.zeros(1)})

    def compute_observations(self) -> None:
        self.history.by_name["phase"] += 1
        self.history.data = self.history.data + 1  # replaced
        self.buffer[:] += 1


class Env:
    num_envs, dt = 2, 0.1

    def __init__(self) -> None:
        self.config = SimpleNamespace(motion_manager=Config(fixed_motion_id=None))
        self.self_obs_cb = Observing(self)
        self.motion_lib = SimpleNamespace(
            num_motions=lambda: len(LENGTHS),
            get_motion_length=lambda ids: torch.tensor(LENGTHS) if ids is None else torch.tensor(LENGTHS)[ids],
            state=SimpleNamespace(motion_files=["a/walk.npy", "b/fall.npy", "c/sit.npy"]),
        )

    def load_state_dict(self, state: Any) -> None:
        raise RuntimeError("The expanded size of the tensor (3) must match the existing size (7)")

    def step(self, actions: Any) -> None:
        self.self_obs_cb.compute_observations()


class PPO:
    def __init__(self, fabric: Fabric, env: Env, config: Any) -> None:
        self.fabric, self.env, self.config, self.motion_lib = fabric, env, config, env.motion_lib

    def load(self, checkpoint: str) -> None:
        self.env.load_state_dict({"motion_weights": 7})

    def env_step(self, actions: Any) -> Any:
        self.env.step(actions)
        return {}, torch.tensor([1.0, 3.0]), torch.tensor([0, actions % 4 == 3]), None, {}

    def calc_eval_metrics(self) -> Any:
        return {}, None

    def evaluate_policy(self) -> None:
        for step in range(self.config.max_eval_steps):
            self.env_step(step)


class Mimic(PPO):
    def map_motions_to_iterations(self) -> Any:
        ids = torch.arange(len(LENGTHS))
        return [(ids[i : i + 2], None) for i in range(0, len(ids), 2)], len(ids)

    def calc_eval_metrics(self) -> Any:
        assert self.config.training_early_termination.early_terminate_success_rate is None, "would save a checkpoint"
        keys, count = self.config.eval_metric_keys, self.motion_lib.num_motions()
        table = {"evaluated": torch.zeros(count, dtype=torch.bool)}
        for key in keys:
            table |= {key: torch.zeros(count), f"{key}_max": torch.zeros(count), f"{key}_min": 3 * torch.ones(count)}
        batches, _ = self.map_motions_to_iterations()
        max(self.fabric.all_gather(len(batches)))
        seen = self.env.self_obs_cb
        seen.first_seen.append(
            sum(float(part.sum()) for part in (seen.buffer, seen.history.data, *seen.history.by_name.values()))
        )
        for ids, _ in batches:
            table["evaluated"][ids] = True
            self._follow(ids, table)
        path = Path(self.fabric.loggers[0].root_dir, "0_metrics.pt")
        torch.save(table, path)
        self.fabric.barrier()
        self.fabric.barrier()
        path.unlink()
        frames = (torch.tensor(LENGTHS) / self.env.dt).floor().long()
        figures = {}
        for key in keys:
            figures["eval/" + key] = (table[key] / frames).mean().item()
            figures["eval/" + key + "_max"] = table[key + "_max"].mean().item()
            figures["eval/" + key + "_min"] = table[key + "_min"].mean().item()
        figures["eval/tracking_success_rate"] = 1.0 - (table["gt_err_max"] > 0.5).float().mean().item()
        return figures, figures["eval/tracking_success_rate"]

    def _follow(self, ids: Any, table: dict[str, Any]) -> None:
        frames = (self.motion_lib.get_motion_length(ids) / self.env.dt).floor().long()
        length = frames.max().item() if self.config.eval_length is None else self.config.eval_length
        for step in range(length):
            self.env_step(0)
            running = ids[step < frames]
            for key in self.config.eval_metric_keys:
                value = torch.tensor(ERRORS)[running]
                table[key][running] += value
                table[key + "_max"][running] = torch.maximum(table[key + "_max"][running], value)
                table[key + "_min"][running] = torch.minimum(table[key + "_min"][running], value)
