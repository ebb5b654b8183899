"""The motion, picture and video of a run: draw the picture, and report what was asked for but is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pmlaunch.agent.pmlaunch_agent.contract import Artifact
from pmlaunch.model import Finding, LaunchPlan, RunState, Severity
from pmlaunch.running.agent_reports import AgentResult
from pmlaunch.running.run_folder import RunFolder

PICTURE = "poses.png"
MOTION = "motion.npz"
VIDEO = "recording*.mp4"


def artifact_findings(plan: LaunchPlan, folder: RunFolder, result: AgentResult, state: RunState) -> Iterator[Finding]:
    """Draw poses.png from motion.npz unless it is there, and yield a finding for each missing artifact.

    Skip failed runs; their error is reported instead.
    """
    if state in (RunState.FAILED, RunState.ABNORMAL):
        return
    has_motion = folder.file(MOTION).is_file()
    drawn = list(_draw(folder)) if plan.save_motion and has_motion and not folder.file(PICTURE).is_file() else []
    if plan.asks_for_motion:  # report a missing motion only if the user asked for it
        reason = result.left_out.get(Artifact.MOTION.value)
        if reason or not has_motion:
            message = "motion.npz lacks motions" if has_motion else "The run left no motion.npz"
            yield _missing("PML313", message, reason, folder)
        yield from drawn
    if plan.record and not any(folder.path.glob(VIDEO)):
        yield _missing("PML314", "The run left no video", result.left_out.get(Artifact.VIDEO.value), folder)


def _missing(code: str, message: str, reason: str | None, folder: RunFolder) -> Finding:
    hint = f"check {folder.file('output.log')}" if not reason else None
    return Finding(code, Severity.WARNING, message + (f": {reason}" if reason else "."), hint, None, str(folder.path))


def _draw(folder: RunFolder) -> Iterator[Finding]:
    """Draw the picture, or yield why that failed."""
    try:
        from pmlaunch.motions.pose_strip import draw_poses, rows_of
        from pmlaunch.motions.recorded_motion import read_saved

        rows = rows_of(read_saved(folder.file(MOTION)))
        if rows:
            draw_poses(folder.file(PICTURE), rows)
        else:
            yield _not_drawn(folder, "the run recorded no reference.")
    except ImportError as error:
        fix = f'"{sys.executable}" -m pip install "pmlaunch[demo]"' if error.name == "matplotlib" else None
        yield _not_drawn(folder, f"{error.name} is not installed in pmlaunch's Python.", fix)
    except Exception as error:  # noqa: BLE001 (the picture is optional: whatever the arrays contain, the run's result stands)
        yield _not_drawn(folder, f"{type(error).__name__}: {error}")


def _not_drawn(folder: RunFolder, reason: str, fix: str | None = None) -> Finding:
    message = f"{PICTURE} was not drawn: {reason}"
    return Finding("PML312", Severity.NOTE, message, fix, fix, str(folder.file(PICTURE)))
