"""What a report shows of a run, read from its folder. A stranger may have made the folder: everything is bounded."""

from __future__ import annotations

import math
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pmlaunch.errors import UnknownNameError
from pmlaunch.motions.recorded_motion import read_saved
from pmlaunch.reporting.figures import MotionFigures, motion_figures
from pmlaunch.reporting.tracks import MOST_MOTIONS, Track, check_saved, tracks_of
from pmlaunch.running.artifacts import MOTION
from pmlaunch.running.metrics import FILE as METRICS
from pmlaunch.running.metrics import RunMetrics, read_metrics
from pmlaunch.running.run_folder import RECORD, RunFolder
from pmlaunch.support.json import as_list, as_mapping, numbers_in, read_mapping
from pmlaunch.support.secrets import redact

_MOST_JSON: Final = 8 << 20  # bytes of record, plan, environment and result
_MOST_METRICS: Final = 48 << 20
_MOST_MOTION: Final = 5 << 28  # a little more than the agent writes
_LOG_BYTES: Final = 64_000
_LOG_LINES: Final = 200


@dataclass(frozen=True, eq=False)
class MotionRow:
    """One motion of a run: its figures, and its playback if motion.npz holds it."""

    name: str
    success: bool | None = None
    figures: MotionFigures = field(default_factory=MotionFigures)
    track: Track | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def failed_at(self) -> float | None:
        """Seconds until the motion was lost, as far as its playback tells; None for one that counts as tracked."""
        return self.track.failed_at if self.track and self.success is not True else None

    @property
    def worst_body(self) -> str | None:
        """The name of the body with the largest mean error, up to the failure if there was one."""
        track = self.track
        return track.body_names[track.worst_body] if track and track.worst_body is not None else None

    @property
    def severity(self) -> tuple[bool, float]:
        """Sorts the worst motion first: the lost ones, then by error."""
        error = self.figures.error
        return self.success is not False, -error if error is not None and math.isfinite(error) else math.inf


@dataclass(frozen=True, eq=False)
class RunContents:
    """A run: the documents of its folder, and its motions, the worst first.

    `no_motion` says why there is no playback; None if there is.
    """

    name: str
    record: Mapping[str, Any]
    plan: Mapping[str, Any]
    environment: Mapping[str, Any]
    result: Mapping[str, Any]
    measured: RunMetrics
    common: Mapping[str, Any]
    rows: tuple[MotionRow, ...]
    log: str
    no_motion: str | None

    @property
    def not_evaluated(self) -> Sequence[str]:
        """The names of the motions that were skipped because they cannot be played."""
        return [str(name) for name in as_list(self.record.get("not_evaluated"))]


def read_run(path: Path, *, largest: int = _MOST_MOTION) -> RunContents:
    """Read the run folder at `path`. Executes nothing and follows no link. Raises PML010 if it is not a run.

    Of a motion of more than `largest` bytes the rotations are left out.
    """
    folder = RunFolder(path.absolute())
    record = _document(folder, RECORD)
    measured = read_metrics(folder) if _is_plain(folder.file(METRICS), _MOST_METRICS) else RunMetrics()
    if not record and not measured.metrics:
        raise UnknownNameError(f"{path} is not a run folder: it contains no {RECORD}.", fix="pmlaunch runs list")
    tracks, no_motion = tracks_in(folder, largest)
    return RunContents(
        name=folder.path.name,
        record=record,
        plan=_document(folder, "plan.json"),
        environment=_document(folder, "environment.json"),
        result=_document(folder, "result.json"),
        measured=measured,
        common=as_mapping(measured.rest.get("common")),
        rows=tuple(sorted(_rows(measured, tracks), key=lambda row: row.severity)),
        log=_end_of_log(folder),
        no_motion=no_motion,
    )


def _is_plain(path: Path, most: int) -> bool:
    """Whether a path is an ordinary file of at most `most` bytes: no link, pipe or device."""
    try:
        return not path.is_symlink() and path.is_file() and path.stat().st_size <= most
    except OSError:
        return False


def _document(folder: RunFolder, name: str) -> dict[str, Any]:
    return read_mapping(folder.file(name)) if _is_plain(folder.file(name), _MOST_JSON) else {}


def tracks_in(folder: RunFolder, largest: int = _MOST_MOTION) -> tuple[list[Track], str | None]:
    """The motions of a run folder's motion.npz, or why there are none; without rotations above `largest` bytes."""
    path = folder.file(MOTION)
    if not path.exists():
        return [], f"This run has no {MOTION}. Run it again without --no-save-motion to see its motions here."
    if not _is_plain(path, _MOST_MOTION):
        return [], f"{MOTION} was not read: it is not a regular file, or is too large."
    try:
        return read_tracks(path, turns=path.stat().st_size <= largest), None
    except (OSError, ValueError) as error:
        return [], f"{MOTION} could not be read: {error}"


def read_tracks(path: Path, *, turns: bool = True) -> list[Track]:
    """Read the playable motions of a motion.npz. Raises ValueError if it holds none, for whatever reason."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        saved = check_saved(read_saved(path, turns=turns)) if size <= _MOST_MOTION else None
    except Exception as error:  # a broken archive or array may raise anything
        raise ValueError(str(error) or type(error).__name__) from error
    if saved is None:
        raise ValueError("it decompresses to more than a motion can have")
    return [track for track in tracks_of(saved) if track is not None]


def _rows(measured: RunMetrics, tracks: list[Track]) -> list[MotionRow]:
    """Join figures and playback by name; the motions of one name are joined in their order."""
    waiting: dict[str, list[Track]] = defaultdict(list)
    for track in reversed(tracks):
        waiting[track.name].append(track)
    rows = []
    for entry in as_list(measured.rest.get("per_motion"))[:MOST_MOTIONS]:
        name = entry["motion"]
        played = waiting[name].pop() if waiting[name] else None
        rows.append(MotionRow(name, entry["success"], motion_figures(entry["metrics"]), played, entry["metrics"]))
    rest = [track for name in waiting for track in reversed(waiting[name])][: MOST_MOTIONS - len(rows)]
    return rows + [MotionRow(track.name, track=track) for track in rest]


def _end_of_log(folder: RunFolder) -> str:
    path = folder.file("output.log")
    if not _is_plain(path, 1 << 50):
        return ""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            text = file.read(_LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    return redact("\n".join(text.splitlines()[-_LOG_LINES:]))


def common_figure(contents: RunContents, name: str) -> float | None:
    """A finite number of metrics.json's `common`."""
    return numbers_in(contents.common).get(name)
