"""The agent: loads a policy's checkpoint and evaluates it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from pmlaunch.demo import STARTED, results
from pmlaunch.demo.env import DemoEnv
from pmlaunch.demo.policy import ACTIONS, SIZE, Policy
from pmlaunch.demo.scores import Tally, average, gather, score, shares
from pmlaunch.demo.simulation import ROOT_HELP


class DemoAgent:
    """Evaluates a policy in an environment; the processes of a launched Lightning Fabric share the motions.

    `config` has `policy.hidden`, the network's layer sizes, and `max_eval_steps`: the control steps of a single motion,
    which is repeated as needed, or a limit on the steps of each of several; null runs each once.
    """

    def __init__(self, config: Any, env: DemoEnv, fabric: Any) -> None:
        self.config, self.env, self.fabric = config, env, fabric
        self.policy: Any = None
        self.load_seconds = 0.0
        self.start_seconds = time.perf_counter() - STARTED

    def setup(self) -> None:
        """Build the network; it is so small that one thread is faster than several."""
        torch.set_num_threads(1)
        self.fabric.print(
            f"A root force assists the humanoid's balance: at most {ROOT_HELP.force:.0f} N and {ROOT_HELP.torque:.0f} "
            "Nm pull its pelvis towards the motion. demo/root_force_* report its size.",
            flush=True,
        )
        self.fabric.print(f"The policy runs on {self.fabric.device}, the physics on the CPU.", flush=True)
        self.policy = Policy(SIZE, ACTIONS, list(self.config.policy.hidden)).to(self.fabric.device).eval()

    def load(self, checkpoint: str | Path) -> None:
        """Load the weights without executing anything in the file. Raises RuntimeError if they do not fit."""
        started = time.perf_counter()
        self.fabric.print(f"Loading checkpoint: {checkpoint}", flush=True)
        content = torch.load(checkpoint, map_location=self.fabric.device, weights_only=True)
        self.policy.load_state_dict(content["model"])
        self.load_seconds = time.perf_counter() - started

    def begin_evaluation(self, seed: int) -> None:
        """Draw the starts of the motions from `seed`. pmlaunch's agent calls this to evaluate once more."""
        self.env.seed = seed

    def progress(self, done: int, of: int, steps: int) -> dict[str, int]:
        """Report this rank's finished motions, all its motions and their control steps. pmlaunch's agent hooks this."""
        return {"done": done, "of": of, "steps": steps}

    def evaluate_policy(self) -> dict[str, float]:
        """Run the motions, write `metrics.json` and `poses.png`, and return the metrics by their flat names."""
        started = time.perf_counter()
        tally = Tally(len(self.env.motions))
        steps = self._run(tally)
        seconds = time.perf_counter() - started
        scores = score(gather(self.fabric, tally))
        metrics = average(scores) | {"demo/body_weight": self.env.body_weight}
        if self.fabric.is_global_zero:
            phases = {"start": self.start_seconds, "load": self.load_seconds, "evaluation": seconds}
            limit = self.config.max_eval_steps
            outcome = results.Outcome(scores, metrics, tally.poses, steps, limit, self.fabric.world_size, phases)
            if self.config.get("save_motion", False):
                results.write_motion(self.env, outcome)
            if self.config.get("metrics", True):
                results.write_metrics(self.env, outcome)
            else:
                print(f"Done: {steps} steps, without metrics.", flush=True)
        return metrics

    def _run(self, tally: Tally) -> int:
        """Run the motions for their time, or as `max_eval_steps` says; return the control steps taken."""
        mine = shares(len(self.env.motions), self.fabric.world_size, self.fabric.global_rank)
        batches = [mine[i : i + self.env.num_envs] for i in range(0, len(mine), self.env.num_envs)]
        limit: int | None = self.config.max_eval_steps
        if limit is not None and len(self.env.motions) == 1:
            return self._run_exactly(limit, mine, tally)
        lengths = [max(map(self.env.steps_of, batch)) for batch in batches]
        whole = sum(lengths if limit is None else [min(length, limit) for length in lengths])
        self.progress(0, len(mine), whole)
        steps, done = 0, 0
        for batch in batches:
            taken = self._run_batch(batch, limit, tally, self.fabric.global_rank)
            steps += taken
            done += len(batch) if taken else 0
            self.progress(done, len(mine), whole)
        return steps

    def _run_exactly(self, limit: int, motion: range, tally: Tally) -> int:
        """Run `limit` control steps of the one motion, restarting it whenever it ends."""
        self.progress(0, 1, limit)
        steps, seed = 0, self.fabric.global_rank
        while steps < limit:
            steps += self._run_batch(motion, limit - steps, tally, seed)
            self.progress(1, 1, limit)
            seed += self.fabric.world_size
        return steps

    def _run_batch(self, batch: range, most: int | None, tally: Tally, seed: int) -> int:
        """Run at most `most` steps of the motions in `batch` side by side; return the number taken."""
        if most == 0:
            return 0
        print(f"Evaluating: {', '.join(self.env.motions[motion].name for motion in batch)}", flush=True)
        observations = self.env.reset(batch, seed)
        steps = 0
        while not self.env.done and steps != most:
            observations, stepped = self.env.step(self.policy.act(observations))
            for result in stepped:
                tally.add(result)
            steps += 1
        return steps
