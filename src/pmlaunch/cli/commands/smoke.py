"""`pmlaunch smoke`: the test of a machine for CI."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.codes import Exit
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest, from_options, option, shared
from pmlaunch.support.paths import expanded

if TYPE_CHECKING:
    from pmlaunch.model import Finding, LaunchPlan, RunRecord
    from pmlaunch.smoke.case import SmokeResult
    from pmlaunch.smoke.thresholds import Threshold

_TIMEOUT = 1800.0  # seconds: a CI job must end, and no start of Isaac Sim takes half an hour


@dataclass(frozen=True)
class SmokeOptions:
    """The options of `pmlaunch smoke`. Those that `EvalRequest` has by the same name are passed on to the evaluation."""

    model: str = option("The model.", "masked_mimic")
    motions: tuple[str, ...] = shared("motions", help="Motion; repeatable.")
    max_steps: int | None = option("Cut the motion after this number of control steps.")
    min_success: float | None = option("Minimum success rate, 0 to 1.")
    max_gt_err: float | None = option("Maximum mean position error, in m.")
    least: tuple[str, ...] = option("Minimum of any metric; repeatable.", (), metavar="NAME=NUMBER", flags=("--min",))
    most: tuple[str, ...] = option("Maximum of any metric; repeatable.", (), metavar="NAME=NUMBER", flags=("--max",))
    junit: str | None = option("Write JUnit XML.", metavar="FILE")
    summary: str | None = option("Append Markdown: verdict, poses, checks.", metavar="FILE")
    simulator: str | None = shared("simulator", help="Default: the model's.")
    device: str | None = shared("device")
    seed: int | None = shared("seed")
    ddp_backend: str | None = shared("ddp_backend")
    protomotions: str | None = shared("protomotions")
    isaaclab: str | None = shared("isaaclab")
    python: str | None = shared("python")
    via: str | None = shared("via")
    runs: str | None = shared("runs")
    timeout: float = shared("timeout", default=_TIMEOUT, help="Stop the run after this time.")
    silence: float | None = shared("silence")
    trust_workspace: bool = shared("trust_workspace")
    quiet: bool = option("Show only the result, no progress.", default=False, flags=("--quiet", "-q"))


@command(SmokeOptions)
def smoke_command(invocation: Invocation, options: SmokeOptions) -> CommandResult:
    """Test a machine: doctor, then one headless evaluation whose metrics must meet thresholds. For CI.

    \b
    pmlaunch smoke --motion walk --min-success 1 --junit smoke.xml
    pmlaunch smoke --model demo --max-gt-err 0.05    no GPU, no Isaac Lab
    pmlaunch smoke --max eval/gt_err_max=0.3         a metric by upstream's name

    Exit code 0 when everything passes, 1 when a threshold is missed or the evaluation fails; otherwise the exit
    code of whatever went wrong.
    """
    from pmlaunch.cli.live.run_display import make_run_display
    from pmlaunch.cli.render.smoke import draw_smoke
    from pmlaunch.reporting.report import own_report
    from pmlaunch.running.asked import asked_for
    from pmlaunch.running.run import run_plan
    from pmlaunch.settings import Settings
    from pmlaunch.smoke.smoke import run_smoke

    def evaluate(plan: LaunchPlan, findings: tuple[Finding, ...]) -> RunRecord:
        with make_run_display(plan, quiet=options.quiet, verbose=invocation.verbose) as display:
            record = run_plan(plan, findings, display, asked_for(invocation.words, Settings.here(), None))
        return replace(record, findings=(*record.findings, *own_report(record.folder)))

    junit, summary = _report_path(options.junit), _report_path(options.summary)
    started = time.monotonic()
    # replaces a report of an earlier test, so that nobody takes that for this one's, not even if pmlaunch is killed
    _write_reports(_broken(options.model, "The smoke test did not finish."), junit, None)
    try:
        thresholds = _thresholds(options)
        request = from_options(EvalRequest, options, headless=True, verify=True, no_check=("PML160",))
        settings = Settings.here(trust_workspace=options.trust_workspace)
        result = run_smoke(request, settings, thresholds, evaluate)
    except BaseException as error:
        failed = (
            error if isinstance(error, PmlaunchError) else PmlaunchError("PML000", f"{type(error).__name__}: {error}")
        )
        if isinstance(error, KeyboardInterrupt):
            failed = PmlaunchError("PML340", "Interrupted.")
        with contextlib.suppress(PmlaunchError):
            _write_reports(_broken(options.model, failed.message, failed, time.monotonic() - started), junit, summary)
        raise
    _write_reports(result, junit, summary)
    draw = partial(draw_smoke, result)
    return CommandResult("smoke", result.exit_code, result, result.not_started, draw=draw)


def _broken(model: str, text: str, error: PmlaunchError | None = None, seconds: float = 0.0) -> SmokeResult:
    """The result of a smoke test that did not finish."""
    from pmlaunch.smoke.case import Case, CaseVerdict, SmokeResult, Suite

    exit_code = error.exit_code if error else Exit.INTERNAL
    case = Case(Suite.EVALUATION, model, CaseVerdict.ERROR, text, seconds, error.code if error else None)
    return SmokeResult(model, (case,), exit_code, seconds)


def _thresholds(options: SmokeOptions) -> tuple[Threshold, ...]:
    """The thresholds of the command line. Raises PML001."""
    from pmlaunch.smoke.thresholds import SUCCESS, read_thresholds

    thresholds = read_thresholds(options.min_success, options.max_gt_err, options.least, options.most)
    if options.max_steps is not None and any(wanted.figure.endswith(SUCCESS) for wanted in thresholds):
        raise PmlaunchError(
            "PML001",
            "A success rate means nothing where --max-steps cuts the motion short: random weights score 1.0 over 10 steps.",
        ).retrying({"--max-steps": None})
    return thresholds


def _report_path(name: str | None) -> Path | None:
    """The path of a report. Raises PML204 now rather than after half an hour of simulation."""
    if name is None:
        return None
    path = expanded(name)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise PmlaunchError(
            "PML204", f"Cannot write {path}: its folder is not there, or it is a folder itself.", subject=str(path)
        )
    return path


def _write_reports(result: SmokeResult, xml: Path | None, summary: Path | None) -> None:
    """Replace the JUnit file and append to the summary, since $GITHUB_STEP_SUMMARY may hold more.

    Raises PML204 after both were tried; a JUnit file that cannot be replaced is removed if possible.
    """
    from pmlaunch.smoke.junit import junit, markdown
    from pmlaunch.smoke.shown_run import shown_run
    from pmlaunch.support.atomic import write_text

    problem: OSError | None = None
    if xml is not None:
        try:
            write_text(xml, junit(result))
        except OSError as error:
            problem = error
            with contextlib.suppress(OSError):
                xml.unlink()
    if summary is not None:
        try:
            with summary.open("ab") as file:
                file.write(markdown(result, shown_run(result.folder)).encode())
        except OSError as error:
            problem = problem or error
    if problem is not None:
        raise PmlaunchError("PML204", f"Cannot write the report: {problem}.", subject=str(xml or summary)) from problem
