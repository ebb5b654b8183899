"""`pmlaunch fetch MODEL...`: checkpoints of a checkout that is there, brought or given up again."""

from __future__ import annotations

from typing import Annotated

import typer

from pmlaunch.support.json import to_json


def fetch_command(
    models: Annotated[list[str], typer.Argument(help="Models (pmlaunch list models), or all.")],
    origin: Annotated[str | None, typer.Option("--from", help="lfs or hf (Hugging Face); default: lfs.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Turn the checkpoint back into its pointer.")] = False,
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Fetch the checkpoints of MODELS; size and sha256 are checked, and a broken download goes on where it was.

    \b
    pmlaunch fetch motion_tracker
    pmlaunch fetch maskmimic --from hf                the same bytes from Hugging Face
    pmlaunch fetch motion_tracker --remove            free the disk
    """
    from pmlaunch.cli.commands.install import words_of
    from pmlaunch.cli.live.install_display import display_for
    from pmlaunch.cli.render.install import Shown
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.installing.checkpoints.fetch import fetch, fetch_context
    from pmlaunch.installing.checkpoints.fetch import remove as remove_models
    from pmlaunch.installing.engine import Installation
    from pmlaunch.installing.step import StepReport, StepResult
    from pmlaunch.settings import Settings

    if remove and origin is not None:
        raise PmlaunchError(
            "PML001", "--remove frees the disk; --from says where a download comes from: one of the two."
        )
    if origin not in (None, "lfs", "hf"):
        raise PmlaunchError("PML001", f"--from cannot be {origin!r}: it is lfs or hf.")
    context = fetch_context(Settings.here(), protomotions, words_of(models))
    results: list[StepResult] = []
    failed: PmlaunchError | None = None
    with display_for(quiet=as_json) as display:
        report = StepReport(display.progress)
        try:
            fetched = fetch(context, origin == "hf", display.working, report)
            for result in remove_models(context) if remove else fetched:
                results.append(result)
                display.ended(result)
        except PmlaunchError as error:
            failed = error
    came = Installation(tuple(results), tuple(report.findings), failed)
    data = {
        "checkout": str(context.checkout),
        "logs": str(context.logs),
        "bytes": came.bytes,
        "models": to_json(came.results),
    }
    code = came.error.exit_code if came.error else 0
    errors = (came.error,) if came.error else ()
    shown = Shown(came, "freed" if remove else "fetched")
    render(Outcome("fetch", code, data, came.findings, errors, shown=shown), as_json=as_json)
    return code
