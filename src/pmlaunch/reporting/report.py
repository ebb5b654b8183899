"""Write reports: of runs, of a motion file, and of a run that has just ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, Severity
from pmlaunch.motions.clips import read_clips
from pmlaunch.reporting.contents import MotionRow, read_run, read_tracks
from pmlaunch.reporting.page import INLINE, Page, Subject, make_page
from pmlaunch.reporting.tracks import track_of
from pmlaunch.support.atomic import write_bytes

FILE: Final = "report.html"
_OWN_LIMIT: Final = INLINE - 100_000
"""Bytes of motion in the report that a run writes itself, some 50 motions of 5 s: one file, in less than a second."""
_OWN_FILES: Final = 8  # motions with GLB and BVH
_OWN_LARGEST: Final = 80_000_000
"""Bytes of a motion.npz, about 400 motions of 5 s, above which none has: its rotations alone take 0.2 s to read."""


def report_of_runs(folders: Sequence[Path]) -> Subject:
    """Read the runs of a report. Raises PML010 for a folder that is not a run."""
    runs = [read_run(folder) for folder in folders]
    title = f"Report of {runs[0].name}" if len(runs) == 1 else f"Report of {len(runs)} runs"
    return Subject(title, runs)


def view_of_motion(path: Path) -> Subject:
    """Read a motion file of any generation, or a motion.npz, for the player.

    Raises PML121 if it is missing, PML122 if it is not a motion, PML123 if its pickle asks for a function.
    """
    if path.suffix.casefold() == ".npz":
        try:
            tracks = read_tracks(path)
        except ValueError as error:
            raise PmlaunchError("PML122", f"{path.name} is not a motion: {error}.", subject=str(path)) from None
    else:
        tracks = [track_of(clip) for clip in read_clips(path)]
    if not tracks:
        raise PmlaunchError("PML122", f"{path.name} contains no motion that can be shown.", subject=str(path))
    return Subject(path.stem, motions=[MotionRow(track.name, track=track) for track in tracks])


def write_report(path: Path, subject: Subject, *, force: bool = False) -> Page:
    """Write the page of `subject` to `path`, and beside it the files that it needs.

    Raises PML351 if one of them exists, unless `force` is given, and PML352 if one cannot be written.
    """
    page = make_page(subject, path.stem)
    files = {path.with_name(name): content for name, content in page.beside.items()} | {path: page.html}
    taken = [file for file in files if file.exists() or file.is_symlink()]
    if taken and not force:
        raise PmlaunchError("PML351", f"{taken[0]} already exists.", subject=str(taken[0])).retrying({"--force": True})
    try:
        for file, content in files.items():
            write_bytes(file, content)
    except OSError as error:
        message = f"Cannot write the report to {path}: {error.strerror or error}."
        raise PmlaunchError(
            "PML352", message, hint="choose another file with -o FILE.html", subject=str(path)
        ) from error
    return page


def own_report(folder: Path) -> tuple[Finding, ...]:
    """Write the report of a run that has just ended into its folder. A failure is a note and changes no verdict."""
    try:
        run = read_run(folder, largest=_OWN_LARGEST)
        subject = Subject(f"Report of {run.name}", [run], most=_OWN_LIMIT, files=_OWN_FILES)
        write_report(folder / FILE, subject, force=True)
    except Exception as error:  # noqa: BLE001 (whatever the run wrote, its result stands)
        reason = error.message if isinstance(error, PmlaunchError) else f"{type(error).__name__}: {error}"
        message = f"{FILE} was not written: {reason}"
        return (Finding("PML352", Severity.NOTE, message, f'pmlaunch report "{folder}" -v', subject=str(folder)),)
    return ()
