"""Figures that ProtoMotions 2 does not hand out: those of single motions, and those of episodes."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import Any, Iterator

from pmlaunch_agent.hooks.post_import import before


class RankTables:
    """The figures of single motions, which upstream's calc_eval_metrics adds up and forgets.

    It saves them as RANK_metrics.pt in the logger's `folder`, for the other ranks, and deletes the files once all have
    read them. In between it waits for the `ranks` processes (`fabric.barrier`), which is when they can be read.
    """

    def __init__(self, folder: str, ranks: int) -> None:
        self._files = [os.path.join(folder, f"{rank}_metrics.pt") for rank in range(ranks)]
        self._merged: dict[str, Any] = {}

    @contextlib.contextmanager
    def watching(self, fabric: Any) -> Iterator[None]:
        """Read the files at each of the fabric's barriers while this lasts."""
        os.makedirs(os.path.dirname(self._files[0]), exist_ok=True)
        gather = fabric.all_gather

        @functools.wraps(gather)
        def gather_in_a_row(*args: Any, **kwargs: Any) -> Any:
            # In one process without a group, Lightning returns a bare number, of which upstream takes the max.
            gathered = gather(*args, **kwargs)
            return gathered.reshape(1) if getattr(gathered, "ndim", None) == 0 else gathered

        fabric.barrier, fabric.all_gather = before(fabric.barrier, self._read), gather_in_a_row
        try:
            yield
        finally:
            del fabric.barrier, fabric.all_gather

    def _read(self, *_args: Any, **_kwargs: Any) -> None:
        torch: Any = sys.modules.get("torch")
        if torch is None or not all(os.path.isfile(path) for path in self._files):
            return
        try:
            merged: dict[str, Any] = {}
            for table in [torch.load(path, map_location="cpu", weights_only=True) for path in self._files]:
                mine = table["evaluated"].nonzero().flatten()
                for name, values in table.items():
                    merged.setdefault(name, values.clone())[mine] = values[mine]
            self._merged = merged
        except Exception:  # another version of ProtoMotions saves something else: no figures of single motions
            self._merged = {}

    def per_motion(
        self, keys: list[str], frames: list[int], episodes: int, limit: int | None
    ) -> list[dict[str, float]]:
        """Each motion's figures {key, key_max, key_min}, with means as upstream divides them; empty if unknown.

        Those of a motion that upstream never measured, because it is shorter than two steps, are empty.

        Motions last for `frames` control steps, at most `limit`, and are run `episodes` times.
        """
        names = [name for key in keys for name in (key, f"{key}_max", f"{key}_min")]
        if any(len(self._merged.get(name, ())) != len(frames) for name in names):
            return []
        found: list[dict[str, float]] = []
        for index, length in enumerate(frames):
            steps = (length if limit is None else min(length, limit)) * episodes
            figures = {name: float(self._merged[name][index]) for name in names}
            if any(figures[f"{key}_min"] > figures[f"{key}_max"] for key in keys):  # 3 and 0, where upstream begins
                found.append({})
                continue
            for key in keys:
                figures[key] = float(self._merged[key][index] / steps) if steps else float("nan")
            found.append(figures)
        return found


class Episodes:
    """Adds up the steps of parallel environments, for an agent that upstream measures nothing of.

    An episode ends with a reset or with the run.
    """

    def __init__(self) -> None:
        self._ended: list[tuple[float, int]] = []  # reward and steps of each episode
        self._running: list[tuple[float, int]] = []

    def add(self, rewards: Any, dones: Any) -> None:
        """Add one step: reward and done flag of each environment, tensors (environments,)."""
        gained, done = rewards.tolist(), dones.tolist()
        earlier = self._running or [(0.0, 0)] * len(gained)
        now = [(total + gained[index], steps + 1) for index, (total, steps) in enumerate(earlier)]
        self._ended += [episode for index, episode in enumerate(now) if done[index]]
        self._running = [(0.0, 0) if done[index] else episode for index, episode in enumerate(now)]

    def figures(self) -> dict[str, float]:
        """Means over the episodes, including those that the end of the run cut short; empty without a step."""
        episodes = [*self._ended, *(episode for episode in self._running if episode[1])]
        if not episodes:
            return {}
        reward, steps = sum(total for total, _ in episodes), sum(steps for _, steps in episodes)
        return {
            "info/episode_reward": reward / len(episodes),
            "info/episode_length": steps / len(episodes),
            "info/reward": reward / steps,
            "info/resets": float(len(self._ended)),
        }
