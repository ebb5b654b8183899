"""Train the policy that the demo ships: `python scripts/train_demo.py`.

Imitation with DAgger (Ross, Gordon, Bagnell 2011). The expert is inverse dynamics (`demo_expert`); the motions
are procedural, with random speeds, proportions, directions, poses and the jitter of motion capture. First the policy
learns from poses near the reference; then it controls the humanoid, and the expert tells what it should have done.
One thread and fixed seeds make the tensors reproducible on the same machine.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import torch
from numpy.typing import NDArray

from demo_expert import corrections
from pmlaunch.demo import CHECKPOINT, MOTIONS
from pmlaunch.demo.policy import ACTIONS, SIZE, Policy, observe
from pmlaunch.demo.reference import Reference, sample
from pmlaunch.demo.scores import tracking_errors
from pmlaunch.demo.simulation import Simulation
from pmlaunch.motions.generated.choreography import Stand, squat, walk, wave
from pmlaunch.motions.generated.legs import Walk
from pmlaunch.motions.generated.skeleton import NODE_NAMES, varied_skeleton
from pmlaunch.motions.kinematics import Array, from_vector, multiply
from pmlaunch.motions.poselib_motion import Motion, read_motion
from pmlaunch.support.atomic import write_bytes

FPS, DECIMATION = 480, 16
DT = DECIMATION / FPS
HIDDEN = (256, 192)
SECONDS = 3.2
FRAMES_PER_SECOND = 60
BLUR = 0.05
"""Noise on the observations in training, in standard deviations. Many are nearly redundant, and a policy that relies on
small differences between them would not generalise to another body."""
AIMLESS = {"Shoulder": 0.35, "Elbow": 0.35, "Pelvis": 0.02, "Hip": 0.02, "Knee": 0.02, "Ankle": 0.07, "Toe": 0.1}
"""rad by which joints deviate from the formulas; 0.1 for those not named here."""


def random_motion(draw: Any) -> Motion:
    """Draw a motion: its kind, person and style, with some aimless movement."""
    times = np.arange(round(SECONDS * FRAMES_PER_SECOND) + 1) / FRAMES_PER_SECOND
    skeleton, extras, heading = varied_skeleton(draw), _aimless(draw, times), draw.uniform(-np.pi, np.pi)
    kind = draw.choice(["walk", "wave", "squat"], p=[0.65, 0.15, 0.2])
    if kind == "walk":
        seen = draw.uniform(0.0, 1.2) + (_warped(draw, times) if draw.random() < 0.4 else times)
        return walk(skeleton, seen, FRAMES_PER_SECOND, _random_walk(draw, heading), extras)
    stand = Stand(
        width=draw.uniform(0.08, 0.2),
        splay=draw.uniform(-0.1, 0.4),
        lean=draw.uniform(-0.06, 0.06),
        heading=heading,
        depth=draw.uniform(0.02, 0.38),
        period=draw.uniform(1.6, 3.2),
    )
    return (squat if kind == "squat" else wave)(skeleton, times, FRAMES_PER_SECOND, stand, extras)


def _random_walk(draw: Any, heading: float) -> Walk:
    speed = draw.uniform(0.1, 1.6)
    return Walk(
        speed=speed,
        stride=draw.uniform(1.0, 1.3) + 0.3 * max(0.0, 0.8 - speed),
        duty=draw.uniform(0.58, 0.7),
        width=draw.uniform(0.05, 0.13),
        behind=draw.uniform(0.02, 0.13),
        clearance=draw.uniform(0.0, 0.05),
        heel_off=draw.uniform(0.3, 0.95),
        toes_up=draw.uniform(0.05, 0.35),
        bob=draw.uniform(0.005, 0.03),
        lean=draw.uniform(-0.08, 0.12),
        arms=draw.uniform(0.0, 0.7),
        heading=heading,
        turn=draw.uniform(-0.4, 0.4),
    )


def _warped(draw: Any, times: Array) -> Array:
    """Times that advance at 0 to 1.4 times the normal pace: a walker who stops and starts."""
    pace = np.clip(0.7 + 0.9 * np.sin(2.0 * np.pi * draw.uniform(0.1, 0.4) * times + draw.uniform(0.0, 6.3)), 0.0, 1.4)
    return np.cumsum(pace) / FRAMES_PER_SECOND


def _aimless(draw: Any, times: Array) -> dict[str, Array]:
    """A drawn constant, two slow sines and a fast one, like motion capture jitter, for every joint."""
    extras = {}
    for name in NODE_NAMES:
        size = AIMLESS.get(name.split("_")[-1], 0.1)
        frequency, phase = draw.uniform(0.2, 1.6, size=(2, 3)), draw.uniform(0.0, 2.0 * np.pi, size=(2, 3))
        slow = np.sin(2.0 * np.pi * frequency * times[:, None, None] + phase).sum(axis=1)
        fast = np.sin(2.0 * np.pi * draw.uniform(3.0, 7.0, 3) * times[:, None] + draw.uniform(0.0, 6.3, 3))
        extras[name] = draw.normal(0.0, size, 3) + draw.uniform(0.0, 0.6) * size * slow
        extras[name] += draw.uniform(0.0, 0.01) * fast
    extras["Pelvis"] -= extras["Pelvis"].mean(axis=0)  # a tilted pelvis would lift a foot
    return extras


class Lesson:
    """A motion with the expert's answers (steps, ACTIONS), for the control step from each sample."""

    def __init__(self, motion: Motion) -> None:
        self.simulation = Simulation(motion, FPS, DECIMATION)
        self.reference = sample(motion, DT)
        steps = self.reference.steps
        self.answers = corrections(self.reference, DT)[1 : steps + 1].reshape(steps, ACTIONS)

    def beside(self, draw: Any) -> NDArray[np.float32]:
        """Collect observations (steps, SIZE) in poses close to the reference."""
        seen = np.zeros((self.reference.steps, SIZE), dtype=np.float32)
        data = self.simulation.data
        for step in range(self.reference.steps):
            self.simulation.place(self.reference, at=step)
            data.qpos[:3] += draw.normal(0.0, 0.02, 3)
            off = from_vector(draw.normal(0.0, 0.04, (len(NODE_NAMES), 3)))
            joints = multiply(np.roll(data.qpos[3:].reshape(-1, 4), -1, axis=-1), off)
            data.qpos[3:] = np.roll(joints, 1, axis=-1).ravel()
            data.qvel += draw.normal(0.0, 0.3, len(data.qvel))
            mujoco.mj_kinematics(self.simulation.model, data)
            seen[step] = observe(self.simulation.state(), self.reference, step)
        return seen

    def follow(self, policy: Policy) -> NDArray[np.float32]:
        """Collect observations (steps, SIZE) while the policy controls the humanoid."""
        self.simulation.place(self.reference)
        seen = np.zeros((self.reference.steps, SIZE), dtype=np.float32)
        for step in range(self.reference.steps):
            seen[step] = observe(self.simulation.state(), self.reference, step)
            action = policy.act(torch.from_numpy(seen[step])).numpy().astype(np.float64)
            _advance(self.simulation, self.reference, step, action)
        return seen


def _advance(simulation: Simulation, reference: Reference, step: int, action: Array) -> None:
    target = multiply(reference.local_rotation[step + 1, 1:], from_vector(action.reshape(-1, 3)))
    simulation.advance(target, reference, step)


def fit(policy: Policy, seen: Array, answers: Array, epochs: int) -> float:
    """Fit the answers, scaled by their deviation, with AdamW; return the mean loss of the last epoch."""
    inputs, targets = torch.from_numpy(seen), torch.from_numpy(answers.astype(np.float32))
    order = torch.Generator().manual_seed(0)
    batches = len(inputs) // 256
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=epochs * batches)
    loss_sum = torch.zeros(())
    for _ in range(epochs):
        loss_sum = torch.zeros(())
        for batch in torch.randperm(len(inputs), generator=order)[: batches * 256].view(batches, 256):
            blurred = inputs[batch] + BLUR * policy.deviation * torch.randn(256, SIZE, generator=order)
            error = (policy(blurred) - targets[batch]) / policy.scale
            loss = torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.detach()
    return float(loss_sum / batches)


def scale_to(policy: Policy, seen: Array, answers: Array) -> None:
    """Set the policy's input and output scales from data."""
    policy.mean.copy_(torch.from_numpy(seen.mean(axis=0)))
    policy.deviation.copy_(torch.from_numpy(np.maximum(seen.std(axis=0), 0.01)))
    policy.scale.copy_(torch.from_numpy(np.maximum(answers.std(axis=0), 0.005).astype(np.float32)))


def check(policy: Policy, motion: Motion, factor: float) -> tuple[float, float, float]:
    """Measure gt_err in m, gr_err in degrees and mean root force in N, with the policy's output times `factor`."""
    simulation, reference = Simulation(motion, FPS, DECIMATION), sample(motion, DT)
    simulation.place(reference)
    rows = []
    for step in range(reference.steps):
        seen = torch.from_numpy(observe(simulation.state(), reference, step))
        _advance(simulation, reference, step, factor * policy.act(seen).numpy().astype(np.float64))
        state = simulation.state()
        errors = tracking_errors(
            state.positions, state.rotations, reference.positions[step + 1], reference.rotations[step + 1]
        )
        rows.append((errors["gt_err"], errors["gr_err_degrees"], simulation.root_force))
    gt_err, degrees, force = np.mean(rows, axis=0).tolist()
    return gt_err, degrees, force


def digest(state: dict[str, Any]) -> str:
    """Compute the sha256 of the names and bytes of all tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        total.update(name.encode() + tensor.numpy().tobytes())
    return total.hexdigest()


def train(motions: int, followed: int, rounds: int, epochs: int) -> Policy:
    """Train on `motions`; in each of `rounds`, the policy itself runs the first `followed` of them."""
    draw = np.random.default_rng(20240607)
    torch.manual_seed(0)
    started = time.perf_counter()
    lessons = [Lesson(random_motion(draw)) for _ in range(motions)]
    seen = [lesson.beside(draw) for lesson in lessons]
    answers = [lesson.answers for lesson in lessons]
    policy = Policy(SIZE, ACTIONS, HIDDEN)
    scale_to(policy, np.concatenate(seen), np.concatenate(answers))
    for number in range(rounds + 1):
        if number:
            seen += [lesson.follow(policy) for lesson in lessons[:followed]]
            answers += [lesson.answers for lesson in lessons[:followed]]
        loss = fit(policy, np.concatenate(seen), np.concatenate(answers), epochs)
        print(f"round {number}: loss {loss:.4f}, {time.perf_counter() - started:.0f} s", flush=True)
    return policy


def save(policy: Policy, path: Path) -> None:
    """Write the checkpoint, which holds tensors and numbers only, atomically."""
    buffer = io.BytesIO()
    torch.save({"model": policy.state_dict(), "inputs": SIZE, "outputs": ACTIONS, "hidden": list(HIDDEN)}, buffer)
    write_bytes(path, buffer.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--motions", type=int, default=400)
    parser.add_argument("--followed", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    policy = train(arguments.motions, arguments.followed, arguments.rounds, arguments.epochs).eval()
    save(policy, arguments.checkpoint)
    print(f"{arguments.checkpoint}: {arguments.checkpoint.stat().st_size} bytes, tensors {digest(policy.state_dict())}")
    for path in sorted(MOTIONS.glob("*.npy")):
        for factor in (1.0, 0.0):
            gt_err, degrees, force = check(policy, read_motion(path), factor)
            print(f"{path.stem} x{factor:.0f}: gt_err {gt_err:.4f} m, gr_err {degrees:.2f} deg, root {force:.0f} N")


if __name__ == "__main__":
    main()
