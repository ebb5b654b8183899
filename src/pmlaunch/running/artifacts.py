"""After a run: the picture of what it kept, and a word on what was asked for and is not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pmlaunch.model import Finding, LaunchPlan, RunState, Severity
from pmlaunch.running.run_folder import RunFolder

PICTURE = "poses.png"
MOTION = "motion.npz"
VIDEO = "recording*.mp4"


def extras_findings(
    plan: LaunchPlan, folder: RunFolder, result: Mapping[str, Any], state: RunState
) -> Iterator[Finding]:
    """Draw poses.png from motion.npz where the program has not, and tell what is missing, with the agent's reason.

    Nothing is told of a run that failed: why it did is what counts.
    """
    if state in (RunState.FAILED, RunState.ABNORMAL):
        return
    notes = [str(note) for note in result.get("notes") or []]
    if plan.save_motion and not folder.file(MOTION).is_file():
        yield _missing("PML313", "The run left no motion.npz", _reason(notes, "motion.npz"), folder)
    elif plan.save_motion:
        reason = _draw(folder)
        if reason is not None:
            message = f"{PICTURE} was not drawn: {reason}"
            fix = f'"{sys.executable}" -m pip install "pmlaunch[demo]"' if "matplotlib" in reason else None
            yield Finding("PML312", Severity.NOTE, message, fix, fix, str(folder.file(PICTURE)))
    if plan.record and not any(folder.path.glob(VIDEO)):
        yield _missing("PML314", "The run left no video", _reason(notes, "recorded", "video"), folder)


def _missing(code: str, message: str, reason: str, folder: RunFolder) -> Finding:
    hint = f"look into {folder.file('output.log')}" if not reason else None
    return Finding(code, Severity.WARNING, message + (f": {reason}" if reason else "."), hint, None, str(folder.path))


def _reason(notes: list[str], *words: str) -> str:
    return next((note for note in notes if any(word in note for word in words)), "")


def _draw(folder: RunFolder) -> str | None:
    """Draw the picture; why not, where it cannot be."""
    if folder.file(PICTURE).is_file():
        return None
    try:
        from pmlaunch.motions.pose_strip import draw_poses, rows_of
        from pmlaunch.motions.recorded_motion import read_saved
    except ImportError as error:
        return f"{error.name} is not installed here."
    try:
        rows = rows_of(read_saved(folder.file(MOTION)))
        if not rows:
            return "this run had no reference to draw beside it."
        draw_poses(folder.file(PICTURE), rows)
    except Exception as error:  # a picture is an extra: whatever the arrays hold, the run's result stands
        return f"{type(error).__name__}: {error}"
    return None
