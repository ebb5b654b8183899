"""`pmlaunch doctor`: whether this machine is ready for an evaluation, and what to do if it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pmlaunch.cli.options import Invocation, command
from pmlaunch.request import option, shared

if TYPE_CHECKING:
    from pmlaunch.cli.result import CommandResult


@dataclass(frozen=True)
class DoctorOptions:
    """The options of `pmlaunch doctor`."""

    simulator: str | None = field(
        default=None, metadata=shared("simulator", help="The simulator to check for; default: isaaclab.")
    )
    protomotions: str | None = field(default=None, metadata=shared("protomotions"))
    isaaclab: str | None = field(default=None, metadata=shared("isaaclab"))
    python: str | None = field(default=None, metadata=shared("python"))
    via: str | None = field(default=None, metadata=shared("via"))
    runs: str | None = field(default=None, metadata=shared("runs"))
    device: str | None = field(default=None, metadata=shared("device"))
    quick: bool = field(
        default=False, metadata=option("Only what can be checked without starting a program: about a second.")
    )
    fix: bool = field(default=False, metadata=option("Fix what can be fixed safely, then check again."))
    report: bool = field(
        default=False, metadata=option("A text for an issue, without home folder, user and host names.")
    )
    report_to: str | None = field(default=None, metadata=option("Write that text to a file.", metavar="FILE"))


@command(DoctorOptions)
def doctor_command(invocation: Invocation, options: DoctorOptions) -> CommandResult:
    """Check everything that an evaluation needs. Starts nothing but the simulator's Python and changes nothing.

    Exit code 0 when nothing would stop a run, 4 otherwise. Warnings and notes do not count.

    \b
    pmlaunch doctor                       everything, in some seconds
    pmlaunch doctor --quick               only what can be read from files
    pmlaunch doctor --simulator genesis   for another simulator
    pmlaunch doctor --report              to paste into an issue
    """
    import sys

    from pmlaunch.cli.render.doctor import draw_examination
    from pmlaunch.cli.render.doctor_report import write_report
    from pmlaunch.cli.result import CommandResult
    from pmlaunch.doctor.examination import examine, repair
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.settings import Settings
    from pmlaunch.support.json import to_json

    reports = options.report or options.report_to is not None
    if reports and invocation.as_json:
        raise PmlaunchError("PML001", "--report is a text for people, --json one for programs: choose one.")
    if options.quick and options.fix:
        raise PmlaunchError("PML001", "--fix starts git to mend, which --quick forbids.", hint="pmlaunch doctor --fix")
    request = TargetRequest(
        simulator=options.simulator,
        protomotions=options.protomotions,
        isaaclab=options.isaaclab,
        python=options.python,
        via=options.via,
        runs=options.runs,
        device=options.device,
        quick=options.quick,
    )
    target = resolve_target(request, Settings.here())
    if not options.quick and not invocation.as_json and sys.stderr.isatty():
        sys.stderr.write("asking the simulator's Python what it has ...\n")
    seen = repair(examine(target)) if options.fix else examine(target)
    if reports:
        write_report(seen, options.report_to)
        return CommandResult("doctor", seen.exit_code)
    findings = seen.findings if invocation.as_json else ()  # for people they are printed below their checks
    return CommandResult("doctor", seen.exit_code, to_json(seen), findings, draw=partial(draw_examination, seen))
