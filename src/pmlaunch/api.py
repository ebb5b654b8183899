"""The Python API: plan, evaluate, look at runs and compare them. Nothing here prints.

Options are the fields of `EvalRequest`, the same as those of `pmlaunch eval`. Paths are relative to the current folder,
and pmlaunch.yaml and PMLAUNCH_* count as they do for the commands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.checks.preflight import exit_code_of, preflight
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.model import Finding, LaunchPlan, RunState, Severity
from pmlaunch.planning.launch import runs_folder
from pmlaunch.planning.plan import make_plan
from pmlaunch.reporting.report import own_report
from pmlaunch.request import EvalRequest, parameters
from pmlaunch.running.asked import asked_for
from pmlaunch.running.run import run_plan
from pmlaunch.runs.comparison import Comparison, compare_runs
from pmlaunch.runs.details import Run, load
from pmlaunch.runs.export import ExportOptions, export_motions
from pmlaunch.runs.html import table
from pmlaunch.runs.index import runs_in
from pmlaunch.runs.rerun import command_words
from pmlaunch.runs.selection import Filter, find_run, state_named, time_before
from pmlaunch.runs.summary import RunSummary
from pmlaunch.settings import Settings
from pmlaunch.support.json import from_json, numbers_in

if TYPE_CHECKING:
    from pmlaunch.motions.export import Exported

__all__ = [
    "Comparison",
    "EvalRequest",
    "LaunchPlan",
    "PmlaunchError",
    "Progress",
    "Run",
    "RunList",
    "RunSummary",
    "compare",
    "evaluate",
    "export",
    "list_runs",
    "load_run",
    "plan",
]


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is.

    Attributes:
        stage: the event that was reported: imported, simulator_ready, checkpoint_loaded, evaluation_started, step,
            motion, evaluation_finished, finished.
        seconds: since the start of the evaluation's process.
        step: control steps so far; None if the event does not tell, as for the others.
        done, of: motions that are done, and how many there are.
    """

    stage: str
    seconds: float
    step: int | None = None
    done: int | None = None
    of: int | None = None


class RunList(list[RunSummary]):
    """Runs, the newest first."""

    def _repr_html_(self) -> str:
        def text(value: float | None) -> str:
            return "-" if value is None else f"{value:.4g}"

        rows = [
            (
                run.name,
                run.state.value,
                run.model or "-",
                *map(text, (run.motions, run.success, run.error, run.seconds)),
            )
            for run in self
        ]
        return table("Runs", ("run", "state", "model", "motions", "success", "error m", "seconds"), rows)


def plan(model: str | EvalRequest, **options: object) -> LaunchPlan:
    """Plan an evaluation: what would be started, with the source of every value. Starts nothing.

    Args:
        model: a model's name or a checkpoint's path; or a whole request.
        options: fields of `EvalRequest`, such as motions, seed and max_steps. One text will do for several.

    Raises:
        PmlaunchError: a name is unknown (PML010), a value impossible (PML001), or something needed is missing.
    """
    return make_plan(_request(model, options), Settings.here()).plan


def evaluate(
    model: str | EvalRequest,
    *,
    progress: Callable[[Progress], None] | None = None,
    check: bool = True,
    **options: object,
) -> Run:
    """Evaluate a policy and return the run. It runs until it ends; an interrupt stops it as Ctrl+C does.

    Args:
        model: a model's name or a checkpoint's path; or a whole request.
        progress: called for each event of the run, on this thread.
        check: raise for a run that did not succeed, instead of returning it.
        options: fields of `EvalRequest`, such as motions, seed and max_steps. One text will do for several.

    Raises:
        PmlaunchError: the run could not be planned or started, or with `check` did not succeed; `subject` is then the
            run folder.
    """
    request = _request(model, options)
    settings = Settings.here(trust_workspace=request.trust_workspace)
    planned = make_plan(request, settings)
    if planned.plan.foreign:
        raise PmlaunchError("PML001", f"A run for {request.target_os} cannot be started here.", hint="pmlaunch.plan()")
    findings = tuple(preflight(planned))
    if exit_code_of(findings) != Exit.DONE:
        raise _failure(findings, RunState.FAILED)
    if planned.untrusted:
        raise _failure([each.finding(Severity.ERROR) for each in planned.untrusted], RunState.FAILED)
    asked = asked_for(command_words(request), settings, request)
    record = run_plan(planned.plan, findings, _Observer(progress), asked)
    if planned.plan.metrics:
        own_report(record.folder)
    if check and record.state is not RunState.DONE:
        raise _failure(record.findings, record.state, record.folder)
    return load(record.folder)


def load_run(run: str | Path | None = None, *, runs: str | Path | None = None) -> Run:
    """Read a run.

    Args:
        run: its name, a unique beginning of it, `latest` (the default), `latest~1`, or the path of its folder.
        runs: the folder with run folders; by default that of the settings, or ./runs.

    Raises:
        PmlaunchError: there is no such run (PML010), or there are several (PML011).
    """
    return load(find_run(None if run is None else str(run), _runs(runs)))


def list_runs(
    *, runs: str | Path | None = None, model: str | None = None, state: str | None = None, since: str | None = None
) -> RunList:
    """List runs, the newest first.

    Args:
        runs: the folder with run folders; by default that of the settings, or ./runs.
        model: only runs of models whose name begins so.
        state: only runs in this state, such as "done" or "failed".
        since: only runs started since: "7d", "12h", "2026-11-01".

    Raises:
        PmlaunchError: there is no such state, or the time cannot be read (PML001).
    """
    wanted = Filter(model, state_named(state), time_before(since) if since else None)
    return RunList(run for run in runs_in(_runs(runs)) if wanted.accepts(run))


def compare(*wanted: Run | str | Path, runs: str | Path | None = None) -> Comparison:
    """Compare two or more runs, each given as `load_run` takes it or as it returned it. Raises as `load_run` does."""
    if len(wanted) < 2:
        raise PmlaunchError("PML001", "It takes two runs to compare.", hint="pmlaunch.compare('latest~1', 'latest')")
    return compare_runs([each if isinstance(each, Run) else load_run(each, runs=runs) for each in wanted])


def export(wanted: Run | str | Path, to: str = "glb", **options: Any) -> list[Exported]:
    """Write the motion of a run, or a motion file, for Blender and other programs.

    Args:
        wanted: a run as `load_run` takes it or returned it, or the path of a motion file.
        to: the format: "glb", "bvh", "usda", "npz" or "csv".
        options: what ("policy", "reference" or "both"), motion, fps, up, output, force, runs, protomotions, as the
            command has them.

    Raises:
        PmlaunchError: there is no such run or motion, or the format cannot hold it.
    """
    known = parameters(ExportOptions)
    for name in options:
        if name not in known:
            raise PmlaunchError("PML001", f"There is no option {name!r}.{did_you_mean(name, list(known))}")
    given: dict[str, Any] = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return export_motions(ExportOptions(str(wanted.folder if isinstance(wanted, Run) else wanted), to, **given))


def _runs(folder: str | Path | None) -> Path:
    return Path(runs_folder(Settings.here(), None if folder is None else str(folder)).value)


def _request(model: str | EvalRequest, options: Mapping[str, Any]) -> EvalRequest:
    """The request with these options. Raises PML001 for one that does not exist or has a value of another type."""
    known = parameters(EvalRequest)
    given: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known or name == "model":
            near = did_you_mean(name, list(known))
            raise PmlaunchError("PML001", f"There is no option {name!r}.{near}", hint="help(pmlaunch.EvalRequest)")
        plain = str(value) if isinstance(value, Path) else value
        if known[name].repeatable:
            several = (plain,) if isinstance(plain, str) else tuple(map(str, plain))
            given[name] = several
            continue
        read = getattr(from_json(EvalRequest, {"model": "", name: plain}), name)
        if read != plain:
            raise PmlaunchError("PML001", f"{name} cannot be {value!r}: it is a {known[name].type.__name__}.")
        given[name] = read
    return replace(model, **given) if isinstance(model, EvalRequest) else EvalRequest(str(model), **given)


def _failure(findings: Sequence[Finding], state: RunState, folder: Path | None = None) -> PmlaunchError:
    found = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    if found is None:
        return PmlaunchError("PML330", f"The run is {state.value}.", subject=str(folder))
    return PmlaunchError(found.code, found.message, hint=found.hint, subject=str(folder) if folder else found.subject)


class _Observer:
    """Passes the events of a run on."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._start = time.monotonic()

    def _ignore(self, *_: object, **__: object) -> None:
        pass

    started = output = tick = stopping = _ignore

    def event(self, event: Mapping[str, Any]) -> None:
        if self._progress is not None:
            passed = numbers_in(event).get("t")
            seconds = time.monotonic() - self._start if passed is None else passed
            counts = {name: value for name in ("n", "done", "of") if type(value := event.get(name)) is int}
            self._progress(
                Progress(str(event["event"]), seconds, counts.get("n"), counts.get("done"), counts.get("of"))
            )
