"""`pmlaunch eval`: plan an evaluation, check it, run it and show the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.codes import CODES, Exit
from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.request import EvalRequest, option

if TYPE_CHECKING:
    from pmlaunch.settings import Settings


@dataclass(frozen=True)
class EvalOptions:
    """The options of `pmlaunch eval` that do not affect the plan."""

    dry_run: bool = option("Plan and check; start nothing.", default=False)
    quiet: bool = option("Show only the verdict and the run folder.", default=False, flags=("--quiet", "-q"))
    report: bool = option("Write report.html into the run folder; default.", default=True, off="--no-report")


@command(EvalRequest, EvalOptions)
def eval_command(invocation: Invocation, request: EvalRequest, options: EvalOptions) -> CommandResult:
    """Run a policy on one or more motions and report how well it tracks them.

    \b
    pmlaunch eval demo --motion walk            a demo, on this machine, now
    pmlaunch eval maskmimic --motion walk       in Isaac Lab
    pmlaunch eval maskmimic -m walk --dry-run   what would be run, and why
    pmlaunch eval results/my_run/last.ckpt --headless --max-steps 300
    """
    from pmlaunch.settings import Settings

    return evaluate(invocation, request, options, Settings.here(trust_workspace=request.trust_workspace))


def evaluate(invocation: Invocation, request: EvalRequest, options: EvalOptions, settings: Settings) -> CommandResult:
    """Plan `request`, check it and, unless it is a dry run, run it. Raises PmlaunchError as planning does."""
    from pmlaunch.checks.preflight import exit_code_of, preflight
    from pmlaunch.model import Severity
    from pmlaunch.planning.command_line import corrected, words_of
    from pmlaunch.planning.plan import make_plan
    from pmlaunch.support.platforms import platform_named

    request = replace(request, other_words=(*words_of(options), *words_of(invocation)))
    if platform_named(request.target_os).foreign and not options.dry_run:
        fix = corrected(request, other_words=("--dry-run", *request.other_words))
        raise PmlaunchError("PML001", f"A run for {request.target_os} cannot be started here.", fix=fix)
    require_codes(request.no_check)
    planned = make_plan(request, settings)
    plan, findings = planned.plan, preflight(planned)
    exit_code = exit_code_of(findings)
    if options.dry_run or exit_code != Exit.DONE:
        findings += [each.finding(Severity.WARNING) for each in planned.untrusted]
        from pmlaunch.cli.render.plan import draw_plan

        draw = partial(draw_plan, plan) if options.dry_run else None
        return CommandResult(invocation.command, exit_code, {"plan": plan}, findings, draw=draw)
    from pmlaunch.cli.live.run_display import make_run_display  # what only a run needs
    from pmlaunch.cli.render.record import draw_brief, draw_record
    from pmlaunch.cli.trust import require_trust
    from pmlaunch.running.asked import asked_for
    from pmlaunch.running.run import run_plan

    require_trust(settings, planned.untrusted, ask=not invocation.as_json)
    with make_run_display(plan, quiet=options.quiet, verbose=invocation.verbose) as display:
        asked = asked_for(invocation.words, settings, replace(request, other_words=()))
        record = run_plan(plan, tuple(findings), display, asked)
    from pmlaunch.reporting.report import own_report

    exit_code = Exit.INTERNAL if record.exit_code is None else record.exit_code
    data = {"plan": plan, "record": record}
    notes = own_report(record.folder) if plan.metrics and options.report else ()
    reported = (*record.findings, *notes)
    draw_result = partial(draw_brief if options.quiet else draw_record, record)
    return CommandResult(invocation.command, exit_code, data, reported, draw=draw_result)


def require_codes(codes: Sequence[str]) -> None:
    """Raise PML001 for a value of --no-check that is no code."""
    for code in codes:
        if code.upper() not in CODES:
            raise PmlaunchError(
                "PML001", f"No check has the code {code}.{did_you_mean(code, list(CODES))}", fix="pmlaunch explain"
            )
