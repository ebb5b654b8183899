"""Reward, length and number of a run's episodes: the figures of an agent that upstream measures nothing of."""

from __future__ import annotations

from typing import Any


class Episodes:
    """Adds up the steps of parallel environments. An episode ends with a reset or with the run."""

    def __init__(self) -> None:
        self._rewards: list[float] = []
        self._lengths: list[int] = []
        self._running: list[tuple[float, int]] = []
        self._total, self._count = 0.0, 0

    def add(self, rewards: Any, dones: Any) -> None:
        """Add one step: reward and done flag of each environment, tensors (environments,)."""
        gained, ended = rewards.tolist(), dones.tolist()
        if not self._running:
            self._running = [(0.0, 0)] * len(gained)
        for index, (reward, done) in enumerate(zip(gained, ended)):  # noqa: B905  # Python 3.8
            total, length = self._running[index]
            self._total += reward
            self._count += 1
            self._running[index] = (total + reward, length + 1)
            if done:
                self._rewards.append(total + reward)
                self._lengths.append(length + 1)
                self._running[index] = (0.0, 0)

    def figures(self) -> dict[str, float]:
        """Means over the episodes, including those that the end of the run cut short; empty without a step."""
        if not self._count:
            return {}
        cut = [episode for episode in self._running if episode[1]]
        rewards = self._rewards + [reward for reward, _ in cut]
        lengths = self._lengths + [length for _, length in cut]
        return {
            "info/episode_reward": sum(rewards) / len(rewards),
            "info/episode_length": sum(lengths) / len(lengths),
            "info/reward": self._total / self._count,
            "info/resets": float(len(self._lengths)),
        }
