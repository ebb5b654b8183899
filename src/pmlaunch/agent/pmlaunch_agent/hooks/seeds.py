"""Seed the generators of random numbers for a script that seeds none."""

from __future__ import annotations

import random
from typing import Any

from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.report.journal import Journal


def install(seed: int, hooks: PostImportHooks, journal: Journal) -> None:
    """Seed `random` now, numpy and torch once the script has imported them: a simulator may have to come before."""

    def seed_torch(torch: Any) -> None:
        torch.manual_seed(seed)  # that of every device, even if it is used only later

    def seed_numpy(numpy: Any) -> None:
        numpy.random.seed(seed % (1 << 32))

    random.seed(seed)
    hooks.when_imported("numpy", seed_numpy)
    hooks.when_imported("torch", seed_torch)
    journal.applied("seed", seed=seed)
