"""Seed the generators of random numbers for a script that seeds none."""

from __future__ import annotations

import random
import sys
from typing import Any

from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.report.journal import Journal


def install(seed: int, hooks: PostImportHooks, journal: Journal) -> None:
    """Seed `random` now, numpy and torch once the script has imported them: a simulator may have to come before."""
    random.seed(seed)
    hooks.when_imported("numpy", lambda numpy: _seed_numpy(numpy, seed))
    hooks.when_imported("torch", lambda torch: _seed_torch(torch, seed))
    journal.applied("seed", seed=seed)


def seed_now(seed: int, journal: Journal) -> None:
    """Seed `random`, and numpy and torch if they are imported."""
    journal.applied("seed", seed=seed)
    random.seed(seed)
    for name, seed_module in (("numpy", _seed_numpy), ("torch", _seed_torch)):
        if name in sys.modules:
            seed_module(sys.modules[name], seed)


def _seed_numpy(numpy: Any, seed: int) -> None:
    numpy.random.seed(seed % (1 << 32))


def _seed_torch(torch: Any, seed: int) -> None:
    torch.manual_seed(seed)  # that of every device, even if it is used only later
