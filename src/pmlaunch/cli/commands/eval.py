"""`pmlaunch eval`: plan an evaluation, check it, run it, show what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlaunch.codes import Exit
from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from pmlaunch.model import Finding, LaunchPlan

_NAMES, _RUN, _WHERE, _SHOW = "What to evaluate", "How to run it", "Where things are", "What to show"


def eval_command(
    model: Annotated[str, typer.Argument(help="A model's name (pmlaunch list models) or the path of a .ckpt.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Overrides: num_envs=4, +opt=... (2.x), env.KEY=VALUE (3.x). They win over everything."),
    ] = None,
    motion: Annotated[
        list[str] | None,
        typer.Option(
            "--motion",
            "-m",
            help="Name, path, pattern, folder, .yaml or packed .pt; repeatable.",
            rich_help_panel=_NAMES,
        ),
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Another checkpoint for the model.")] = None,
    robot: Annotated[str | None, typer.Option(help="Default: the checkpoint's.")] = None,
    simulator: Annotated[str | None, typer.Option(help="isaaclab, genesis, isaacgym, newton, mujoco.")] = None,
    terrain: Annotated[str | None, typer.Option(help="flat or complex.")] = None,
    constraint: Annotated[list[str] | None, typer.Option(help="MaskedMimic constraint; repeatable.")] = None,
    num_envs: Annotated[int | None, typer.Option(help="Environments side by side.")] = None,
    devices: Annotated[int | None, typer.Option(help="Processes, one for each GPU.")] = None,
    headless: Annotated[bool | None, typer.Option("--headless/--window", help="Without or with a window.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Control steps; headless default: the motions' length.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    device: Annotated[str | None, typer.Option(help="gpu or cpu.")] = None,
    ddp_backend: Annotated[str | None, typer.Option(help="auto, gloo, nccl or none. auto: gloo on Windows.")] = None,
    protomotions: Annotated[str | None, typer.Option(help="The ProtoMotions checkout.")] = None,
    isaaclab: Annotated[str | None, typer.Option(help="The Isaac Lab folder.")] = None,
    python: Annotated[str | None, typer.Option(help="The interpreter for --via python.")] = None,
    via: Annotated[str | None, typer.Option(help="auto, isaaclab or python.")] = None,
    runs: Annotated[str | None, typer.Option(help="Folder of the run folders; default: ./runs.")] = None,
    timeout: Annotated[float | None, typer.Option(help="End the run after so many seconds.")] = None,
    silence: Annotated[float | None, typer.Option(help="End it after so many seconds without a word.")] = None,
    no_check: Annotated[list[str] | None, typer.Option(help="Do not stop at this code; repeatable.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the checkpoint's sha256 with git's.")] = False,
    metrics: Annotated[
        bool | None,
        typer.Option("--metrics/--no-metrics", help="Every motion once, with figures; headless default."),
    ] = None,
    save_motion: Annotated[bool, typer.Option("--save-motion", help="Keep what the policy did: motion.npz.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Record a video; needs a window.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and check; start nothing.")] = False,
    target_os: Annotated[str | None, typer.Option(help="Plan for windows or linux; with --dry-run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The whole log, and tracebacks.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")] = False,
) -> int:
    """Evaluate MODEL: resolved, checked, launched, measured.

    \b
    pmlaunch eval demo --motion walk                  on this machine, now
    pmlaunch eval maskmimic --motion walk             in Isaac Lab, with a window
    pmlaunch eval maskmimic -m walk --dry-run         what would be run, and why
    pmlaunch eval results/my_run/last.ckpt --headless --max-steps 300
    """
    from pmlaunch.checks.preflight import exit_code_of, preflight
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.errors import PmlaunchError
    from pmlaunch.model import EvalRequest
    from pmlaunch.planning.plan import make_plan
    from pmlaunch.settings import Settings
    from pmlaunch.support.platforms import platform_named

    if platform_named(target_os).foreign and not dry_run:
        raise PmlaunchError(
            "PML001",
            f"A run for {target_os} cannot be started here.",
            hint=f"--target-os {target_os} --dry-run",
        )
    request = EvalRequest(
        model=model,
        motions=tuple(motion or ()),
        checkpoint=checkpoint,
        robot=robot,
        simulator=simulator,
        terrain=terrain,
        constraints=tuple(constraint or ()),
        num_envs=num_envs,
        devices=devices,
        headless=headless,
        max_steps=max_steps,
        seed=seed,
        device=device,
        ddp_backend=ddp_backend,
        protomotions=protomotions,
        isaaclab=isaaclab,
        python=python,
        via=via,
        runs=runs,
        timeout=timeout,
        silence=silence,
        target_os=target_os,
        overrides=tuple(overrides or ()),
        no_check=_known_codes(no_check),
        verify=verify,
        metrics=metrics,
        save_motion=save_motion,
        record=record,
    )
    planned = make_plan(request, Settings.here())
    findings = preflight(planned)
    code = exit_code_of(findings)
    data: dict[str, Any] = {"plan": to_json(planned.plan)}
    if dry_run or code != Exit.DONE:
        render(Outcome("eval", code, data, findings, shown=planned.plan if dry_run else None), as_json=as_json)
        return code
    return _run(planned.plan, data, findings, as_json=as_json, verbose=verbose, quiet=quiet)


def _run(
    plan: LaunchPlan, data: dict[str, Any], findings: list[Finding], *, as_json: bool, verbose: bool, quiet: bool
) -> int:
    from pmlaunch.cli.live.run_display import display_for
    from pmlaunch.cli.render.results import render
    from pmlaunch.cli.result import Outcome
    from pmlaunch.running.run import run_plan

    with display_for(plan, quiet=quiet, verbose=verbose, stream=not as_json) as display:
        done = run_plan(plan, tuple(findings), display)
    code = done.exit_code if done.exit_code is not None else Exit.INTERNAL
    data["record"] = to_json(done)
    render(Outcome("eval", code, data, done.findings, shown=done), as_json=as_json)
    return code


def _known_codes(codes: list[str] | None) -> tuple[str, ...]:
    from pmlaunch.codes import CODES
    from pmlaunch.errors import PmlaunchError, did_you_mean

    for code in codes or ():
        if code.upper() not in CODES:
            raise PmlaunchError("PML001", f"No check has the code {code}.{did_you_mean(code, list(CODES))}")
    return tuple(codes or ())
