"""The policy and its observation: where the humanoid is, and where it should be in one and two control steps.

Everything is expressed relative to the pelvis and its heading or in a body's own frame, so a motion looks the same
at any place on the ground and in any direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pmlaunch.demo.reference import Reference
from pmlaunch.demo.simulation import State
from pmlaunch.motions.kinematics import Array, heading, inverse, multiply, rotate, to_vector

BODIES: Final = 24
ACTIONS: Final = 3 * (BODIES - 1)  # one rotation vector in rad for each joint
SIZE: Final = 3 * BODIES * 3 + 3 * ACTIONS + 5 * 3 + 1 + 2 + 3 + 2 * 6 * (3 + 1)
_UP: Final[Array] = np.array([0.0, 0.0, 1.0])


def observe(state: State, reference: Reference, step: int) -> NDArray[np.float32]:
    """Compute the observation (SIZE,) at sample `step`, before the control step to sample `step` + 1."""
    parts = [*_proprioception(state), *_tracking(state, reference, step), *_target(reference, step)]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)


def _proprioception(state: State) -> list[Array]:
    """Up direction in each body's frame, joint velocities in rad/s, the pelvis's velocity (m/s, rad/s) and height (m)."""
    facing = inverse(heading(state.rotations[0]))
    return [
        rotate(inverse(state.rotations), _UP),
        state.joint_velocity[1:],
        rotate(facing, state.root_velocity),
        state.joint_velocity[0],
        state.positions[0, 2:],
    ]


def _tracking(state: State, reference: Reference, step: int) -> list[Array]:
    """Offset of the pelvis from the reference now, in m and rad."""
    facing = inverse(heading(state.rotations[0]))
    tilt = to_vector(multiply(inverse(state.rotations[0]), reference.rotations[step, 0]))
    return [rotate(facing, reference.positions[step, 0] - state.positions[0]), tilt[:2]]


def _target(reference: Reference, step: int) -> list[Array]:
    """The next pose and its motion relative to the reference's pelvis: the input of inverse dynamics."""
    following, later = step + 1, step + 2
    facing = inverse(heading(reference.rotations[following, 0]))
    return [
        rotate(facing, reference.positions[following] - reference.positions[following, 0]),
        rotate(inverse(reference.rotations[following]), _UP),
        reference.joint_velocity[following, 1:],
        reference.joint_velocity[later, 1:] - reference.joint_velocity[step, 1:],
        rotate(facing, reference.root_velocity[following]),
        reference.joint_velocity[following, 0],
        *_balance(reference, following, facing),
    ]


def _balance(reference: Reference, at: int, facing: Array) -> list[Array]:
    """What determines the ground forces at sample `at`: the centre's acceleration, and the soles relative to it.

    The soles in contact are given a second time without the others, as the levers of the ground forces.
    """
    soles = rotate(facing, reference.soles[at] - reference.centre[at])
    standing = reference.standing[at]
    share = standing / (standing.sum() + 0.05)
    return [rotate(facing, reference.centre_acceleration[at]), soles, standing, share, soles * share[:, None]]


class Policy(nn.Module):  # type: ignore[misc]  # torch's classes are Any to mypy
    """An MLP that maps observations (n, inputs) to corrections of the joints' PD targets, (n, outputs) in rad.

    The network's output is added to that of a linear layer, because most of what compensates a joint's lag is
    proportional to the target's velocity. Both get observations normalised by the training's mean and deviation, which
    are stored in the checkpoint.
    """

    def __init__(self, inputs: int, outputs: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.register_buffer("scale", torch.ones(outputs))
        self.linear = nn.Linear(inputs, outputs)
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(inputs, size), nn.SiLU()]
            inputs = size
        self.network = nn.Sequential(*layers, nn.Linear(inputs, outputs))

    def forward(self, observation: Any) -> Any:
        """Compute the actions."""
        # keep motions unlike those of the training within the range that the network knows
        seen = ((observation - self.mean) / self.deviation).clamp(-5.0, 5.0)
        return (self.network(seen) + self.linear(seen)) * self.scale

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def act(self, observation: Any) -> Any:
        """Compute the actions without gradients."""
        return self(observation)
