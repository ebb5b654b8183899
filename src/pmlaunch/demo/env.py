"""The environment of an evaluation: humanoids side by side, each following a motion of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pmlaunch.demo.motion_library import load_motions
from pmlaunch.demo.policy import ACTIONS, SIZE, observe
from pmlaunch.demo.reference import Reference, control_steps, sample
from pmlaunch.demo.scores import ControlStep, tracking_errors
from pmlaunch.demo.simulation import Simulation
from pmlaunch.motions.kinematics import Array, from_vector, multiply


@dataclass(eq=False)
class _Humanoid:
    """A humanoid and its progress through a motion."""

    motion: int
    simulation: Simulation
    reference: Reference
    step: int = 0

    @property
    def done(self) -> bool:
        return self.step >= self.reference.steps


class DemoEnv:
    """MuJoCo humanoids that follow motions. The physics runs on the CPU, in the calling thread.

    `config` has `motion_file`, `num_envs`, `seed` and `simulator.sim.{fps, decimation}`; observations and actions are on
    torch's `device`.

    Raises:
        PmlaunchError: a motion cannot be read.
        ValueError: a motion has another skeleton than the humanoid.
    """

    def __init__(self, config: Any, device: Any) -> None:
        started = time.perf_counter()
        self.device = torch.device(device)
        self.num_envs = int(config.num_envs)
        self.fps, self.decimation = int(config.simulator.sim.fps), int(config.simulator.sim.decimation)
        self.seed = int(config.seed)
        self.dt = self.decimation / self.fps
        self.motions = load_motions(Path(config.motion_file))
        self._simulations: dict[tuple[int, int], Simulation] = {}
        self._humanoids: list[_Humanoid] = []
        self._simulation(0, 0)  # fails early if the skeleton is not the humanoid's
        self.load_seconds = time.perf_counter() - started

    @property
    def body_weight(self) -> float:
        """Weight in N of the first motion's humanoid."""
        return 9.81 * self._simulation(0, 0).mass

    @property
    def done(self) -> bool:
        """Whether every humanoid has reached the end of its motion."""
        return all(humanoid.done for humanoid in self._humanoids)

    def steps_of(self, motion: int) -> int:
        """Number of control steps of a motion."""
        return control_steps(self.motions[motion], self.dt)

    def reset(self, motions: Sequence[int], seed: int = 0) -> Any:
        """Start at most `num_envs` motions and return observations (n, SIZE).

        As in upstream's evaluation, each starts within its first control step, at a time drawn from the seeds.
        """
        if len(motions) > self.num_envs:
            raise ValueError(f"{len(motions)} motions for {self.num_envs} environments")
        draw = np.random.default_rng([self.seed, seed])
        self._humanoids = []
        for slot, motion in enumerate(motions):
            reference = sample(self.motions[motion], self.dt, start=float(draw.uniform(0.0, self.dt)))
            simulation = self._simulation(slot, motion)
            simulation.place(reference)
            self._humanoids.append(_Humanoid(motion, simulation, reference))
        return self._observations()

    def step(self, actions: Any) -> tuple[Any, list[ControlStep]]:
        """Advance every humanoid that has not reached the end of its motion by one control step.

        `actions` (n, ACTIONS) rad correct the joints' PD targets, three numbers for each joint. Returns observations
        (n, SIZE), and the results of those that were advanced.
        """
        corrections = np.asarray(actions.detach().cpu(), dtype=np.float64).reshape(-1, ACTIONS // 3, 3)
        pairs = zip(self._humanoids, corrections, strict=True)
        results = [_advance(humanoid, correction) for humanoid, correction in pairs if not humanoid.done]
        return self._observations(), results

    def _simulation(self, slot: int, motion: int) -> Simulation:
        if (slot, motion) not in self._simulations:
            self._simulations[slot, motion] = Simulation(self.motions[motion], self.fps, self.decimation)
        return self._simulations[slot, motion]

    def _observations(self) -> Any:
        rows = np.zeros((len(self._humanoids), SIZE), dtype=np.float32)
        for row, humanoid in zip(rows, self._humanoids, strict=True):
            step = min(humanoid.step, humanoid.reference.steps)
            row[:] = observe(humanoid.simulation.state(), humanoid.reference, step)
        return torch.from_numpy(rows).to(self.device)


def _advance(humanoid: _Humanoid, correction: Array) -> ControlStep:
    simulation, reference, step = humanoid.simulation, humanoid.reference, humanoid.step + 1
    target = multiply(reference.local_rotation[step, 1:], from_vector(correction))
    simulation.advance(target, reference, humanoid.step)
    humanoid.step = step
    state = simulation.state()
    wanted, wanted_rotations = reference.positions[step], reference.rotations[step]
    errors = tracking_errors(state.positions, state.rotations, wanted, wanted_rotations)
    errors["root_force"], errors["root_torque"] = simulation.root_force, simulation.root_torque
    errors["root_force_peak"] = simulation.root_force_peak
    motion, last = humanoid.motion, humanoid.done
    return ControlStep(motion, step, last, errors, state.positions, wanted, state.rotations, wanted_rotations)
