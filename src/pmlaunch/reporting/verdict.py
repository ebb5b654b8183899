"""The sentence that a report begins with."""

from __future__ import annotations

from pmlaunch.model import RunState
from pmlaunch.reporting.contents import RunContents, common_figure
from pmlaunch.reporting.figures import length
from pmlaunch.reporting.plain_text import plain
from pmlaunch.support.json import as_list, as_mapping

_UNFINISHED = {
    RunState.RUNNING.value: "The run is still in progress.",
    RunState.FAILED.value: "The run failed",
    RunState.INTERRUPTED.value: "The run was interrupted.",
    RunState.TIME_LIMIT.value: "The run was stopped at its time limit.",
    RunState.SILENT.value: "The run was stopped because it produced no output.",
    RunState.ABNORMAL.value: "The run ended without a verdict.",
}


def is_good(contents: RunContents) -> bool:
    """Whether the run came to its end and lost no motion."""
    return contents.record.get("state") == RunState.DONE.value and not _lost(contents)


def _lost(contents: RunContents) -> int:
    return len(as_list(contents.common.get("failed")))


def verdict(contents: RunContents) -> str:
    """Say how the run went: "Tracked 8 of 8 motions. Mean error 1.3 cm, 2.3°."."""
    state = contents.record.get("state")
    sentences = [] if state == RunState.DONE.value else [_ending(contents, str(state))]
    total = int(common_figure(contents, "motions") or len(contents.rows))
    lost, rate = _lost(contents), common_figure(contents, "success_rate")
    if lost == total > 0:
        sentences.append(f"Lost {lost} of {total} motions.")
    elif lost:
        sentences.append(f"Tracked {total - lost} of {total} motions, lost {lost}.")
    elif rate is not None and total:
        sentences.append(f"Tracked {round(rate * total)} of {total} motions.")
    elif contents.measured.metrics:
        sentences.append(f"Measured {total} motions.")
    error, angle = (common_figure(contents, f"mean_{name}") for name in ("position_error_m", "rotation_error_deg"))
    if error is not None:
        sentences.append(f"Mean error {length(error)}" + (f", {angle:.1f}°." if angle is not None else "."))
    return " ".join(sentences) or "The run computed no metrics."


def _ending(contents: RunContents, state: str) -> str:
    sentence = _UNFINISHED.get(state, "It is unknown how the run ended.")
    exception = as_mapping(contents.record.get("exception"))
    if state != RunState.FAILED.value:
        return sentence
    why = plain(exception.get("message") or exception.get("type") or "", 200)
    return f"{sentence}: {why.rstrip('.')}." if why else f"{sentence}."
