"""The policy: an MLP from an observation to a correction of the joints' PD targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class Policy(nn.Module):  # type: ignore[misc]  # torch's classes are Any to mypy
    """Maps observations (n, inputs) to joint rotation vectors (n, outputs) in rad.

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
