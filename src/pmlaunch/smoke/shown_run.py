"""What a job's page shows of the run of a smoke test: its verdict, and the poses of its worst motion as text.

GitHub takes `data:` addresses and inline SVG out of a job's summary, so a picture in it would have to be published
somewhere first; Braille characters in a block of code need nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError


@dataclass(frozen=True)
class ShownRun:
    """The verdict of a run; the name of its worst motion, and poses of reference and policy, each empty if there are none."""

    verdict: str
    motion: str = ""
    reference: str = ""
    policy: str = ""


def shown_run(folder: str | None) -> ShownRun | None:
    """Read what to show of a run folder; None without a run that can be read."""
    from pmlaunch.motions.pose_view import pose_text, view_of
    from pmlaunch.reporting.contents import read_run
    from pmlaunch.reporting.verdict import verdict

    try:
        contents = read_run(Path(folder)) if folder is not None else None
    except PmlaunchError:
        return None
    if contents is None:
        return None
    row = next((row for row in contents.rows if row.track is not None), None)
    if row is None or row.track is None:
        return ShownRun(verdict(contents))
    track, parents = row.track, row.track.parents.tolist()
    right, _ = view_of(track.positions if track.reference is None else track.reference, track.body_names)
    reference = "" if track.reference is None else pose_text(track.reference, parents, right)
    return ShownRun(verdict(contents), row.name, reference, pose_text(track.positions, parents, right))
