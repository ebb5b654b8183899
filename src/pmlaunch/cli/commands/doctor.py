"""`pmlaunch doctor`: whether this machine is ready for an evaluation, and what to do if it is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import from_options, option, shared


@dataclass(frozen=True)
class DoctorOptions:
    """The options of `pmlaunch doctor`."""

    simulator: str | None = shared("simulator", help="The simulator to check for; default: isaaclab.")
    protomotions: str | None = shared("protomotions")
    isaaclab: str | None = shared("isaaclab")
    python: str | None = shared("python")
    via: str | None = shared("via")
    runs: str | None = shared("runs")
    device: str | None = shared("device")
    trust_workspace: bool = shared("trust_workspace")
    quick: bool = option("Only what can be checked without starting a program: about a second.", default=False)
    fix: bool = option("Fix what can be fixed safely, then check again.", default=False)
    report: bool = option("A text for an issue, without home folder, user and host names.", default=False)
    report_to: str | None = option("Write that text to a file.", metavar="FILE")


@command(DoctorOptions)
def doctor_command(invocation: Invocation, options: DoctorOptions) -> CommandResult:
    """Check everything that an evaluation needs. Starts only git and the simulator's Python.

    Exit code 0 when nothing would stop a run, 4 otherwise. Warnings and notes do not count.

    \b
    pmlaunch doctor                       everything, in some seconds
    pmlaunch doctor --quick               only what can be read from files
    pmlaunch doctor --simulator genesis   for another simulator
    pmlaunch doctor --report              to paste into an issue
    """
    import sys

    from pmlaunch.cli.render import terminal
    from pmlaunch.cli.render.doctor import draw_examination, write_report
    from pmlaunch.doctor.examination import examine, repair
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.settings import Settings

    reports = options.report or options.report_to is not None
    if reports and invocation.as_json:
        raise PmlaunchError("PML001", "--report is a text for people, --json one for programs: choose one.")
    if options.quick and options.fix:
        raise PmlaunchError("PML001", "--fix starts git to mend, which --quick forbids.", fix="pmlaunch doctor --fix")
    settings = Settings.here(trust_workspace=options.trust_workspace)
    target = resolve_target(from_options(TargetRequest, options), settings)
    if not options.quick and not invocation.as_json and sys.stderr.isatty():
        terminal.write(sys.stderr, "asking the simulator's Python what it has ...\n")
    seen = repair(examine(target)) if options.fix else examine(target)
    if reports:
        write_report(seen, options.report_to)
        return CommandResult("doctor", seen.exit_code)
    findings = seen.findings if invocation.as_json else ()  # for people they are printed below their checks
    return CommandResult("doctor", seen.exit_code, seen, findings, draw=partial(draw_examination, seen))
