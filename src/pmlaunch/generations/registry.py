"""The generations: one adapter each. A new generation is added here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pmlaunch.generations.demo import Demo
from pmlaunch.generations.interface import GenerationAdapter
from pmlaunch.generations.v2.adapter import Version2
from pmlaunch.generations.v3.adapter import Version3
from pmlaunch.generations.values import Training
from pmlaunch.model import Generation

GENERATIONS: Mapping[Generation, GenerationAdapter] = {
    Generation.V2: Version2(),
    Generation.V3: Version3(),
    Generation.DEMO: Demo(),
}
UPSTREAM = tuple(adapter for adapter in GENERATIONS.values() if not adapter.embedded)
"""The generations that have a checkout of their own, the oldest first."""


def training_of(checkpoint: Path) -> Training | None:
    """What the files beside a checkpoint tell about its training; None if they tell nothing."""
    # the newest first: each also keeps files by the names of the one before
    return next(filter(None, (adapter.training(checkpoint) for adapter in reversed(UPSTREAM))), None)
