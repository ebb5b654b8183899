"""Choose runs: by name, prefix or position; by model, state or age."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pmlaunch.errors import AmbiguousNameError, PmlaunchError, UnknownNameError, did_you_mean
from pmlaunch.errors import nearest as closest
from pmlaunch.model import RunState
from pmlaunch.runs.index import runs_in
from pmlaunch.runs.summary import RunSummary, moment, run_record
from pmlaunch.support.names import fold
from pmlaunch.support.paths import expanded

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?")
_SPAN = re.compile(r"(\d{1,5})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST_NAMES = 8


@dataclass(frozen=True)
class Filter:
    """Which runs to list: of a model (its name or the beginning), in a state, started since a time."""

    model: str | None = None
    state: RunState | None = None
    since: datetime | None = None

    def accepts(self, run: RunSummary) -> bool:
        """Whether a run is one of them."""
        if self.model is not None and not fold(run.model or "").startswith(fold(self.model)):
            return False
        if self.state is not None and run.state is not self.state:
            return False
        return self.since is None or (run.start is not None and run.start >= self.since)


def state_named(text: str | None) -> RunState | None:
    """The state that a text names. Raises PML001."""
    named = {state.value: state for state in RunState}
    key = text.replace("-", "_").replace(" ", "_").casefold() if text is not None else None
    if key is None or key in named:
        return named[key] if key else None
    message = f"No run can have the state {text!r}. The states are: {', '.join(named)}."
    near = closest(str(text), {name: name for name in named})
    raise PmlaunchError("PML001", message).retrying({"--state": near[0] if near else None})


def time_before(text: str, now: datetime | None = None, *, option: str = "--since") -> datetime:
    """A time: a date or time in ISO 8601, or a span before now such as 7d, 12h, 2w. Raises PML001."""
    if span := _SPAN.fullmatch(text.strip()):
        return (now or datetime.now().astimezone()) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    if (found := moment(text.strip())) is not None:
        return found
    raise PmlaunchError("PML001", f"{text!r} is not a time: write 7d, 12h, 2w or 2026-11-01.").retrying({option: "7d"})


def find_run(typed: str | None, runs: Path) -> Path:
    """The run folder that `typed` names: a path, a name or unique prefix in `runs`, `latest` (None), `latest~1`.

    Raises PML010 with the nearest names if there is none, PML011 if several match.
    """
    if typed and (is_run(path := expanded(typed)) or (path.is_absolute() and os.path.lexists(path))):
        if is_run(path):
            return path.resolve()
        raise UnknownNameError(f"{path} is not a run folder: it contains no record of a run.", subject=typed)
    known = runs_in(runs)
    names = [run.name for run in known]
    fix = f'pmlaunch runs list --runs "{runs}"'
    if not names:
        raise UnknownNameError(f"There are no runs in {runs}.", hint="--runs DIR names another folder", subject=typed)
    if latest := _LATEST.fullmatch("latest" if typed is None else typed):
        position = int(latest[1] or 0)
        if position < len(known):
            return known[position].folder
        raise UnknownNameError(f"{typed} does not exist. {runs} contains {len(names)} runs.", fix=fix, subject=typed)
    wanted = str(typed)
    matching = [name for name in names if name == wanted] or [name for name in names if name.startswith(wanted)]
    if len(matching) == 1:
        return runs / matching[0]
    if matching:
        more = f" and {len(matching) - _MOST_NAMES} more" if len(matching) > _MOST_NAMES else ""
        message = f"Several runs start with {wanted!r}: {', '.join(matching[:_MOST_NAMES])}{more}."
        raise AmbiguousNameError(message, fix=fix, subject=typed)
    raise UnknownNameError(f"No run is called {wanted!r}.{nearest(wanted, names)}", fix=fix, subject=typed)


def is_run(path: Path) -> bool:
    """Whether a path is a run folder, and no link to one."""
    try:
        return bool(run_record(path))
    except (OSError, ValueError):  # too long, not readable; a null character in the path
        return False


def nearest(wanted: str, names: Sequence[str]) -> str:
    """A sentence with names that contain `wanted` or are like it, or else with the newest ones."""
    if fold(wanted) and (holding := [name for name in names if fold(wanted) in fold(name)]):
        return f" Did you mean {' or '.join(holding[:3])}?"
    return did_you_mean(wanted, list(names[:1000])) or f" The newest: {', '.join(names[:3])}."
