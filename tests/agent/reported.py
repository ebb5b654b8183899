"""A journal in this process, whose events a test can look at."""

from __future__ import annotations

from typing import Any

from pmlaunch_agent.report.journal import Journal, Observer
from pmlaunch_agent.report.result import RunResult


class Events(Observer):  # type: ignore[misc]  # pmlaunch_agent is not on mypy's path here
    """Collects events as `{event, ...}`."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        self.all.append({"event": event, **fields})

    def named(self, *names: str) -> list[dict[str, Any]]:
        return [event for event in self.all if event["event"] in names]


def new_journal(rank: int = 0) -> tuple[Journal, Events]:
    events = Events()
    return Journal(RunResult(rank=rank), events), events
