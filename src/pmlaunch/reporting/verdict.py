"""The sentence that a report begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pmlaunch.model import RunState
from pmlaunch.reporting.contents import RunContents
from pmlaunch.reporting.plain_text import plain
from pmlaunch.running import verdict_text
from pmlaunch.running.verdict_text import Grade
from pmlaunch.support.json import as_mapping


def grade(contents: RunContents) -> Grade:
    """How the run looks, as in the terminal."""
    return verdict_text.grade(_state(contents), _evaluation(contents), len(contents.not_evaluated))


def verdict(contents: RunContents) -> str:
    """Say how the run went, and why it failed if it did."""
    state, exception = _state(contents), as_mapping(contents.record.get("exception"))
    why = exception.get("message") or exception.get("type") if state is RunState.FAILED else None
    skipped = len(contents.not_evaluated)
    return verdict_text.verdict_text(state, _evaluation(contents), plain(why or "", 200), skipped)


def _state(contents: RunContents) -> RunState | None:
    """The state in the record; None for one that is not known."""
    return next((state for state in RunState if state.value == contents.record.get("state")), None)


def _evaluation(contents: RunContents) -> Mapping[str, Any]:
    """What was measured; motions without any metric were not."""
    return contents.measured.rest if contents.measured.metrics else {"common": contents.common}
