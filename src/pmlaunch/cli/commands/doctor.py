"""`pmlaunch doctor`: is this machine ready for an evaluation, and what has to be done if it is not?"""

from __future__ import annotations

from typing import Annotated

import typer

from pmlaunch.support.json import to_json


def doctor_command(
    simulator: Annotated[str | None, typer.Option(help="For which simulator; default: isaaclab.")] = None,
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    isaaclab: Annotated[str | None, typer.Option(help="The Isaac Lab folder.")] = None,
    python: Annotated[str | None, typer.Option(help="The interpreter for --via python.")] = None,
    via: Annotated[str | None, typer.Option(help="auto, isaaclab or python.")] = None,
    runs: Annotated[str | None, typer.Option(help="Folder of the run folders; default: ./runs.")] = None,
    device: Annotated[str | None, typer.Option(help="gpu or cpu.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what needs no other program: about a second.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend, then look again.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="A text for an issue, without home folder, user and host names.")
    ] = False,
    report_to: Annotated[str | None, typer.Option(help="Write that text to a file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Look at everything that an evaluation needs; start nothing but the simulator's Python, change nothing.

    Exit code 0 when nothing would stop a run, 4 otherwise. Warnings and notes do not count.

    \b
    pmlaunch doctor                       all of it, some seconds
    pmlaunch doctor --quick               only what can be read from files
    pmlaunch doctor --simulator genesis   for another simulator
    pmlaunch doctor --report              to paste into an issue
    """
    import sys

    from pmlaunch.cli.render.doctor import Shown
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.doctor.examination import examine, repair
    from pmlaunch.doctor.target import TargetRequest, resolve_target
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.settings import Settings

    if (report or report_to) and as_json:
        raise PmlaunchError("PML001", "--report is a text for people, --json one for programs: choose one.")
    if quick and fix:
        raise PmlaunchError("PML001", "--fix starts git to mend, which --quick forbids.", hint="pmlaunch doctor --fix")
    request = TargetRequest(
        simulator=simulator,
        protomotions=protomotions,
        isaaclab=isaaclab,
        python=python,
        via=via,
        runs=runs,
        device=device,
        quick=quick,
    )
    target = resolve_target(request, Settings.here())
    if not quick and not as_json and sys.stderr.isatty():
        sys.stderr.write("asking the simulator's Python what it has ...\n")
    seen = examine(target)
    seen = repair(seen) if fix else seen
    if report or report_to:
        from pmlaunch.cli.render.doctor_report import write_report

        write_report(seen, report_to)
    else:
        findings = seen.findings if as_json else ()  # for people they stand beneath their checks
        render(Outcome("doctor", seen.exit_code, to_json(seen), findings, shown=Shown(seen)), as_json=as_json)
    return seen.exit_code
