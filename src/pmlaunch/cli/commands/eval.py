"""`pmlaunch eval`: plan an evaluation, check it, run it and show the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.codes import Exit
from pmlaunch.request import EvalRequest, option

if TYPE_CHECKING:
    from pmlaunch.cli.result import CommandResult
    from pmlaunch.model import LaunchPlan


@dataclass(frozen=True)
class EvalOptions:
    """The options of `pmlaunch eval` that do not affect the plan."""

    dry_run: bool = field(default=False, metadata=option("Plan and check; start nothing."))
    quiet: bool = field(default=False, metadata=option("Show only the result.", flags=("--quiet", "-q")))


@command(EvalRequest, EvalOptions)
def eval_command(invocation: Invocation, request: EvalRequest, options: EvalOptions) -> CommandResult:
    """Run a policy on one or more motions and report how well it tracks them.

    \b
    pmlaunch eval demo --motion walk                  on this machine, now
    pmlaunch eval maskmimic --motion walk             in Isaac Lab, with a window
    pmlaunch eval maskmimic -m walk --dry-run         what would be run, and why
    pmlaunch eval results/my_run/last.ckpt --headless --max-steps 300
    """
    from pmlaunch.checks.preflight import exit_code_of, preflight
    from pmlaunch.cli.render.plan import draw_plan
    from pmlaunch.cli.result import CommandResult
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.planning.plan import make_plan
    from pmlaunch.settings import Settings
    from pmlaunch.support.platforms import platform_named

    if platform_named(request.target_os).foreign and not options.dry_run:
        raise PmlaunchError(
            "PML001",
            f"A run for {request.target_os} cannot be started here.",
            hint=f"--target-os {request.target_os} --dry-run",
        )
    _require_known_codes(request.no_check)
    planned = make_plan(request, Settings.here())
    findings = preflight(planned)
    checked = CommandResult("eval", exit_code_of(findings), {"plan": planned.plan}, findings)
    if options.dry_run:
        return replace(checked, draw=partial(draw_plan, planned.plan))
    if checked.exit_code != Exit.DONE:
        return checked
    return _run(planned.plan, checked, invocation, quiet=options.quiet)


def _run(plan: LaunchPlan, checked: CommandResult, invocation: Invocation, *, quiet: bool) -> CommandResult:
    from pmlaunch.cli.live.run_display import make_run_display
    from pmlaunch.cli.render.record import draw_record
    from pmlaunch.running.run import run_plan

    with make_run_display(plan, quiet=quiet, verbose=invocation.verbose, stream=not invocation.as_json) as display:
        record = run_plan(plan, tuple(checked.findings), display)
    return replace(
        checked,
        exit_code=record.exit_code if record.exit_code is not None else Exit.INTERNAL,
        data={**checked.data, "record": record},
        findings=record.findings,
        draw=partial(draw_record, record),
    )


def _require_known_codes(codes: tuple[str, ...]) -> None:
    from pmlaunch.codes import CODES
    from pmlaunch.errors import PmlaunchError, did_you_mean

    for code in codes:
        if code.upper() not in CODES:
            raise PmlaunchError("PML001", f"No check has the code {code}.{did_you_mean(code, list(CODES))}")
