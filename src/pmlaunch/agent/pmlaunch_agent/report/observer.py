"""The base class of everything that reacts to the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from pmlaunch_agent.report.run_result import RunResult


class Observer:
    """Reacts to what the journal is told. Each method does nothing unless a subclass overrides it."""

    def on_event(self, event: str, fields: dict[str, Any]) -> None:
        """Something happened."""

    def on_change(self, result: RunResult) -> None:
        """The result changed."""

    def before_progress(self) -> None:
        """Progress is about to be reported: report what is pending."""

    def before_end(self) -> None:
        """The end of an evaluation or of the run is about to be reported: report what is pending."""

    def on_evaluation(self, metrics: Mapping[str, float | None], seconds: float) -> None:
        """An evaluation ended.

        Args:
            metrics: by upstream's names; None for what is not finite.
            seconds: how long it took.
        """
