"""`pmlaunch smoke`: the CI test of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from pathlib import Path

_WHAT, _JUDGE, _WHERE, _SHOW = "What to evaluate", "What has to hold", "Where things are", "What to show"
_TIMEOUT = 1800.0  # seconds: a CI job must end, and half an hour is longer than any start of Isaac Sim


def smoke_command(
    model: Annotated[str, typer.Option(help="The model.", rich_help_panel=_WHAT)] = "masked_mimic",
    motion: Annotated[list[str] | None, typer.Option("--motion", "-m", help="Motion; repeatable.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Cut the motion after so many control steps.")] = None,
    min_success: Annotated[float | None, typer.Option(help="Least success rate, 0 to 1.")] = None,
    max_gt_err: Annotated[float | None, typer.Option(help="Largest mean position error, in m.")] = None,
    least: Annotated[list[str] | None, typer.Option("--min", help="NAME=NUMBER: any figure; repeatable.")] = None,
    most: Annotated[list[str] | None, typer.Option("--max", help="NAME=NUMBER: any figure; repeatable.")] = None,
    junit_file: Annotated[str | None, typer.Option("--junit", help="Write JUnit XML.", metavar="FILE")] = None,
    summary: Annotated[str | None, typer.Option(help="Append a Markdown table.", metavar="FILE")] = None,
    simulator: Annotated[str | None, typer.Option(help="Default: the model's.")] = None,
    device: Annotated[str | None, typer.Option(help="gpu or cpu.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    ddp_backend: Annotated[str | None, typer.Option(help="auto, gloo, nccl or none.")] = None,
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    isaaclab: Annotated[str | None, typer.Option(help="The Isaac Lab folder.")] = None,
    python: Annotated[str | None, typer.Option(help="The interpreter for --via python.")] = None,
    via: Annotated[str | None, typer.Option(help="auto, isaaclab or python.")] = None,
    runs: Annotated[str | None, typer.Option(help="Folder of the run folders; default: ./runs.")] = None,
    timeout: Annotated[float, typer.Option(help="End the run after so many seconds.")] = _TIMEOUT,
    silence: Annotated[float | None, typer.Option(help="End it after so many seconds without a word.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")] = False,
) -> int:
    """Test a machine: doctor, one headless evaluation, its figures against thresholds. For CI.

    \b
    pmlaunch smoke --motion walk --min-success 1 --junit smoke.xml
    pmlaunch smoke --model demo --max-gt-err 0.05           no GPU, no Isaac Lab
    pmlaunch smoke --max eval/gt_err_max=0.3                a figure by upstream's name

    Exit code 0 when all holds, 1 when a threshold is missed or the evaluation fails; else that of what went wrong.
    """
    from pmlaunch.cli.live.run_display import display_for
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.render.smoke import Shown
    from pmlaunch.cli.result import Outcome
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.model import EvalRequest, Finding, LaunchPlan, RunRecord
    from pmlaunch.running.run import run_plan
    from pmlaunch.settings import Settings
    from pmlaunch.smoke.smoke import run_smoke
    from pmlaunch.smoke.thresholds import SUCCESS, read_thresholds

    thresholds = read_thresholds(min_success, max_gt_err, least or (), most or ())
    if max_steps is not None and any(wanted.figure.endswith(SUCCESS) for wanted in thresholds):
        raise PmlaunchError(
            "PML001",
            "A success rate means nothing where --max-steps cuts the motion short: random weights score 1.0 over 10 steps.",
            hint="leave out --max-steps, or judge by --max-gt-err",
        )
    reports = [_place(name) for name in (junit_file, summary)]
    request = EvalRequest(
        model=model,
        motions=tuple(motion or ()),
        simulator=simulator,
        device=device,
        seed=seed,
        ddp_backend=ddp_backend,
        protomotions=protomotions,
        isaaclab=isaaclab,
        python=python,
        via=via,
        runs=runs,
        timeout=timeout,
        silence=silence,
        max_steps=max_steps,
        headless=True,
        verify=True,
    )

    def evaluate(plan: LaunchPlan, findings: tuple[Finding, ...]) -> RunRecord:
        with display_for(plan, quiet=quiet, verbose=False, stream=not as_json) as display:
            return run_plan(plan, findings, display)

    result = run_smoke(request, Settings.here(), thresholds, evaluate)
    _write(reports, result)
    render(Outcome("smoke", result.exit_code, to_json(result), shown=Shown(result)), as_json=as_json)
    return result.exit_code


def _place(name: str | None) -> Path | None:
    """Where a report goes; a folder that is not there is told before half an hour of simulation, not after."""
    from pathlib import Path

    from pmlaunch.errors import PmlaunchError

    if name is None:
        return None
    path = Path(name).expanduser()
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise PmlaunchError(
            "PML204", f"Cannot write {path}: its folder is not there, or it is a folder itself.", subject=str(path)
        )
    return path


def _write(reports: list[Path | None], result: object) -> None:
    """JUnit replaces its file; the summary is added, since $GITHUB_STEP_SUMMARY may hold more. Raises PML204."""
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.smoke.case import SmokeResult
    from pmlaunch.smoke.junit import junit, markdown
    from pmlaunch.support.atomic import write_text

    assert isinstance(result, SmokeResult)
    xml, summary = reports
    try:
        if xml is not None:
            write_text(xml, junit(result))
        if summary is not None:
            with summary.open("a", encoding="utf-8", newline="\n") as file:
                file.write(markdown(result))
    except OSError as error:
        raise PmlaunchError("PML204", f"Cannot write the report: {error}.", subject=str(xml or summary)) from error
