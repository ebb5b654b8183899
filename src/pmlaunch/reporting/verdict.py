"""The sentence that a report begins with."""

from __future__ import annotations

from pmlaunch.model import RunState
from pmlaunch.reporting.contents import RunContents
from pmlaunch.reporting.plain_text import plain
from pmlaunch.running.verdict_text import score_of, verdict_text
from pmlaunch.support.json import as_mapping


def is_good(contents: RunContents) -> bool:
    """Whether the run came to its end and lost no motion."""
    return _state(contents) is RunState.DONE and not score_of(_evaluation(contents)).lost


def verdict(contents: RunContents) -> str:
    """Say how the run went, and why it failed if it did."""
    state, exception = _state(contents), as_mapping(contents.record.get("exception"))
    why = exception.get("message") or exception.get("type") if state is RunState.FAILED else None
    return verdict_text(state, _evaluation(contents), plain(why or "", 200))


def _state(contents: RunContents) -> RunState | None:
    """The state in the record; None for one that is not known."""
    return next((state for state in RunState if state.value == contents.record.get("state")), None)


def _evaluation(contents: RunContents) -> dict[str, object]:
    return {"common": contents.common, "per_motion": list(contents.rows) if contents.measured.metrics else []}
