"""Plan an evaluation: resolve its names, decide its values, write its arguments.

What depends on the generation of ProtoMotions is behind `Program` (generations/interface.py). Every value is kept with
its source, so that `--dry-run` can answer "why this value?".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import proposal
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.overrides import typed_value
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.generations.values import Choices, ConfigReport, LaunchDetails, RunSettings
from pmlaunch.model import (
    ARGUMENT,
    CHECKPOINT,
    OVERRIDE,
    Finding,
    LaunchPlan,
    Measuring,
    Origin,
    Severity,
    Source,
    Sourced,
)
from pmlaunch.planning.choices import default_num_envs, make_choices, seconds_of
from pmlaunch.planning.command_line import plain_commands, with_key
from pmlaunch.planning.launch import agent_environment, import_path, runs_folder
from pmlaunch.planning.mistakes import refuse_exclude_without_motion
from pmlaunch.planning.motion_list import own_list
from pmlaunch.planning.resolve import ResolvedInputs, resolve, search_places
from pmlaunch.request import EvalRequest
from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.paths import refuse_remote
from pmlaunch.support.platforms import Platform, platform_named
from pmlaunch.trust import Untrusted

_FASTER = Source(Origin.DEFAULT, "default: fastest in measurements")
_SILENCE = 1800.0  # s; longer than any start of Isaac Sim, shorter than a night


@dataclass(frozen=True)
class Planned:
    """A plan, and everything learned on the way, for the checks.

    `no_display` says why no window can open; None if one can, as on another machine, about which nothing is known.
    `untrusted` are the files that the user would have to agree to before a run.
    """

    plan: LaunchPlan
    inputs: ResolvedInputs
    report: ConfigReport
    runtime: Runtime
    request: EvalRequest
    no_display: str | None
    folders: tuple[Path, ...]  # where a relative path may start, the current folder first
    untrusted: tuple[Untrusted, ...]
    settings_findings: tuple[Finding, ...]

    @property
    def checkout(self) -> Checkout:
        """The checkout of the run."""
        return self.inputs.checkout


@dataclass(frozen=True)
class _Decisions:
    """All that a plan is made of."""

    request: EvalRequest
    settings: Settings
    platform: Platform
    inputs: ResolvedInputs
    runtime: Runtime
    choices: Choices
    values: RunSettings
    report: ConfigReport
    details: LaunchDetails


def make_plan(request: EvalRequest, settings: Settings) -> Planned:
    """The plan for `request`.

    Raises PmlaunchError for a name that nothing answers to, an override that cannot be parsed, and an option that
    cannot have its value. The content of the files is for the checks to judge.
    """
    platform = platform_named(request.target_os)
    inputs = resolve(request, settings)
    refuse_exclude_without_motion(request, inputs.motion_source)
    adapter = GENERATIONS[inputs.checkout.generation]
    via = settings.get("via", request.via)
    wanted = RuntimeRequest(
        settings,
        platform,
        beside=inputs.checkout.root,
        wanted=inputs.simulator.value.runtime,
        via=str(via.value) if via else "auto",
        isaaclab=request.isaaclab,
        python=request.python,
        own=adapter.embedded,
    )
    runtime = choose_runtime(wanted)
    program = adapter.program
    choices = make_choices(request, settings, inputs, platform, runtime.versions)
    values = program.settings(choices)
    report = program.report(choices, values)
    if not inputs.motions and report.motion_file is not None:
        # the checkpoint's own motion; upstream reads the path relative to the checkout
        named = refuse_remote(report.motion_file, inputs.checkpoint.value)
        own = own_list(inputs.checkout.root / named, inputs.robots, inputs.checkout.generation)
        inputs = replace(inputs, motion_list=own, motion_source=CHECKPOINT)
        choices = replace(choices, motions=own.motions)
        if choices.num_envs.source.origin is Origin.DEFAULT:
            side_by_side = choices.headless.value and choices.metrics.value
            choices = replace(choices, num_envs=default_num_envs(inputs, side_by_side=side_by_side))
            values = {**values, "num_envs": choices.num_envs}
    details = program.details(choices, values, report)
    plan = _launch_plan(_Decisions(request, settings, platform, inputs, runtime, choices, values, report, details))
    environment = settings.environment
    shown = platform.foreign or platform.streams(environment)
    no_display = None if shown else platform.no_display(environment)
    folders = tuple(place.folder for place in search_places(settings.folder, inputs.checkout))
    uses = Sourced(runtime.facts.path, runtime.facts.source), Sourced(str(plan.script), inputs.checkout.source)
    untrusted = () if platform.foreign else settings.untrusted(*uses)
    return Planned(plan, inputs, report, runtime, request, no_display, folders, untrusted, settings.findings)


def _launch_plan(decided: _Decisions) -> LaunchPlan:
    request, settings, platform = decided.request, decided.settings, decided.platform
    inputs, runtime, choices, details = decided.inputs, decided.runtime, decided.choices, decided.details
    checkout, environment = inputs.checkout, settings.environment
    set_by_user: Mapping[str, str] = {} if platform.foreign else environment
    faster = {name: value for name, value in details.variables.items() if name not in set_by_user}
    timeout = seconds_of("timeout", settings, request.timeout, None)
    silence = seconds_of("silence", settings, request.silence, None if choices.endless else _SILENCE)
    runs = runs_folder(settings, request.runs)
    limits = {"timeout": timeout, "silence": silence, "runs": runs}
    variables = {name: Sourced(value, _FASTER) for name, value in faster.items()}
    plan = LaunchPlan(
        model=inputs.model.name,
        robot=inputs.robot.value.name if inputs.robot.value else None,
        simulator=inputs.simulator.value.name,
        terrain=choices.terrain.value,
        checkpoint=inputs.checkpoint.value,
        motions=inputs.motions,
        overrides=details.arguments,
        command=runtime.command(),
        env={**agent_environment(platform, runtime, environment), **faster},
        cwd=checkout.root,
        script=checkout.script,
        import_path=import_path(platform, runtime, environment),
        python_path=checkout.python_path,
        ddp_backend=choices.backend.value,
        runtime=runtime.facts,
        provenance={**_provenance(decided), **limits, **variables, "metrics": choices.metrics},
        platform=platform.name,
        foreign=platform.foreign,
        generation=checkout.generation,
        headless=choices.headless.value,
        max_steps=details.steps.value,
        timeout=timeout.value,
        silence=silence.value,
        runs=Path(runs.value),
        watch=checkout.watch,
        arguments=details.agent_arguments,
        staged=details.staged,
        hydra=GENERATIONS[checkout.generation].hydra,
        ends_by_itself=details.ends_by_itself,
        num_envs=choices.num_envs.value,
        metrics=choices.metrics.value,
        save_motion=choices.metrics.value if request.save_motion is None else request.save_motion,
        asks_for_motion=bool(request.save_motion),
        record=request.record,
        measuring=_measuring(decided),
        left_out=inputs.motion_list.left_out,
    )
    return replace(plan, plain_command=plain_commands(plan, runtime.plain_python()))


def _provenance(decided: _Decisions) -> dict[str, Sourced[Any]]:
    inputs, choices = decided.inputs, decided.choices
    described: dict[str, Sourced[Any]] = {
        "checkout": Sourced(inputs.checkout.root, inputs.checkout.source),
        "model": Sourced(inputs.model.name, ARGUMENT),
        "checkpoint": inputs.checkpoint,
        "robot": Sourced(inputs.robot.value.name if inputs.robot.value else None, inputs.robot.source),
        "simulator": Sourced(inputs.simulator.value.name, inputs.simulator.source),
        "terrain": choices.terrain,
        "constraints": choices.constraints,
        "motion": Sourced(tuple(motion.path for motion in inputs.motions), inputs.motion_source),
        "headless": choices.headless,
        "max_steps": decided.details.steps,
        "device": choices.device,
        "ddp_backend": choices.backend,
        "runtime": Sourced(decided.runtime.facts.kind, decided.runtime.facts.source),
    }
    shown = ("num_envs", "seed", "ngpu", "devices", "metrics")
    described |= {key: it for key, it in decided.values.items() if key in shown or key.startswith("robot.")}
    return described | {override.key: Sourced(override.text, OVERRIDE) for override in inputs.overrides}


def _measuring(decided: _Decisions) -> Measuring:
    inputs, choices = decided.inputs, decided.choices
    seed = typed_value(inputs.overrides, "seed") or choices.seed
    given = seed.value if seed and isinstance(seed.value, int) else None
    explain_keys = GENERATIONS[inputs.checkout.generation].presets_know_keys and not choices.headless.value
    return Measuring(
        agent=decided.report.agent,
        seed=0 if given is None and choices.metrics.value else given,
        limit=decided.details.limit,
        library=inputs.motion_list.library,
        keys=inputs.simulator.value.keys if explain_keys else {},
    )


def plan_findings(planned: Planned) -> list[Finding]:
    """The findings of planning itself: those of the runtime, and keys that no config has."""
    findings = [*planned.settings_findings, *planned.runtime.findings]
    added = {item.key: item.added for item in planned.inputs.overrides}
    for key, near in planned.report.unknown_keys.items():
        if added.get(key):
            message = f"The override adds a new key, {key}.{proposal([near] if near else [])}"
            findings.append(Finding("PML112", Severity.WARNING, message, subject=key))
        else:
            message = f"No config has the key {key}.{proposal([near]) if near else ' To add it on purpose, use ++.'}"
            fix = with_key(planned.request, key, near or f"++{key}")
            findings.append(Finding("PML003", Severity.ERROR, message, fix, fix, key))
    return findings
