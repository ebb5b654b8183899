"""`pmlaunch fetch MODEL...`: download checkpoints into an existing checkout, or remove them."""

from __future__ import annotations

from dataclasses import dataclass

from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import argument, option, require_choice, shared


@dataclass(frozen=True)
class FetchOptions:
    """The options of `pmlaunch fetch`."""

    models: tuple[str, ...] = argument(
        "Models (pmlaunch list models), all, or paths in the checkout: a motion, a folder of meshes.", names="models"
    )
    origin: str | None = option("Git LFS or Hugging Face; default: lfs.", flags=("--from",), choices=("lfs", "hf"))
    remove: bool = option("Turn the checkpoint back into its pointer.", default=False)
    protomotions: str | None = shared("protomotions")


@command(FetchOptions)
def fetch_command(invocation: Invocation, options: FetchOptions) -> CommandResult:
    """Fetch the checkpoints of MODELS, or other files in Git LFS. Checks size and SHA-256, and resumes an interrupted download.

    \b
    pmlaunch fetch motion_tracker
    pmlaunch fetch maskmimic --from hf       the same file from Hugging Face
    pmlaunch fetch motion_tracker --remove   free its disk space
    pmlaunch fetch data/motions/walk.npy     a motion that is a Git LFS pointer
    """
    from pmlaunch.cli.commands.install import installation_result, model_names
    from pmlaunch.cli.live.install_display import make_install_display
    from pmlaunch.git.progress import Reporter
    from pmlaunch.installing.checkpoints.fetch import fetch, fetch_context
    from pmlaunch.installing.checkpoints.fetch import remove as remove_models
    from pmlaunch.installing.engine import Installation
    from pmlaunch.installing.step import StepResult
    from pmlaunch.settings import Settings

    if options.remove and options.origin is not None:
        raise PmlaunchError(
            "PML001", "--remove frees the disk; --from says where a download comes from: one of the two."
        )
    require_choice(FetchOptions, "origin", options.origin)
    context = fetch_context(Settings.here(), options.protomotions, model_names(options.models))
    results: list[StepResult] = []
    failed: PmlaunchError | None = None
    with make_install_display(quiet=invocation.as_json) as display:
        report = Reporter(display.progress)
        try:
            fetched = fetch(context, options.origin == "hf", display.working, report)
            for result in remove_models(context) if options.remove else fetched:
                results.append(result)
                display.ended(result)
        except PmlaunchError as error:
            failed = error
    came = Installation(tuple(results), (*context.settings.findings, *report.findings), failed)
    data = {"checkout": context.checkout, "logs": context.logs, "bytes": came.bytes, "models": came.results}
    return installation_result("fetch", came, data, "freed" if options.remove else "fetched")
