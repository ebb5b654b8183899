"""Make the plan of an evaluation: find its things, decide its values, write its arguments.

What belongs to one generation of ProtoMotions is behind a Protocol: see program.py.

Every decision is kept with its source, so that `--dry-run` can answer "why this value?".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pmlaunch.catalog.presets import presets
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.program import program_of
from pmlaunch.generations.v2.compose import ConfigReport
from pmlaunch.generations.v2.values import Values
from pmlaunch.model import (
    ARGUMENT,
    CHECKPOINT,
    DEFAULT,
    OVERRIDE,
    EvalRequest,
    Finding,
    Generation,
    LaunchPlan,
    Origin,
    Severity,
    Source,
    Sourced,
)
from pmlaunch.planning.choices import seconds_of
from pmlaunch.planning.launch import agent_environment, import_path, runs_folder
from pmlaunch.planning.measuring import measuring_of, wants_metrics
from pmlaunch.planning.motion_list import own_list
from pmlaunch.planning.plain_command import plain_commands
from pmlaunch.planning.resolve import Things, find_things
from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform, platform_named

_SILENCE_HEADLESS = 1800.0  # seconds: longer than any start of Isaac Sim, shorter than a night


@dataclass(frozen=True)
class Planned:
    """A plan with what was learned on the way: the checks look at all of it.

    `has_display` is whether a window can open; True where that is another machine's affair.
    """

    plan: LaunchPlan
    things: Things
    values: Values
    report: ConfigReport
    runtime: Runtime
    request: EvalRequest
    has_display: bool

    @property
    def checkout(self) -> Checkout:
        return self.things.checkout


def make_plan(request: EvalRequest, settings: Settings) -> Planned:
    """The plan for `request`.

    Raises PmlaunchError for a name that nothing answers to, an override that Hydra cannot read and an option
    that cannot have its value. What may be wrong with the files is for the checks to say.
    """
    platform = platform_named(request.target_os)
    known = {group: presets(group, settings.preset_folders) for group in ("model", "motion", "robot", "simulator")}
    things = find_things(request, settings, known)
    wanted = RuntimeRequest(
        settings,
        platform,
        beside=things.checkout.root,
        wanted=things.simulator.value.runtime,
        via=str(_setting(settings, "via", request.via, "auto").value),
        isaaclab=request.isaaclab,
        python=request.python,
        own=things.checkout.generation is Generation.DEMO,
    )
    runtime = choose_runtime(wanted)
    program = program_of(things.checkout)
    values = program.values(request, settings, things, platform)
    report = program.report(things, values)
    if not things.motions and report.motion_file is not None:
        # the checkpoint's own motion, relative to the checkout as upstream reads it
        own = own_list(things.checkout.within(report.motion_file), things.robots, things.checkout.generation)
        things = replace(things, motions=own.motions, motion_list=own, motion_source=CHECKPOINT)
    steps = program.steps(request, values, report, things)
    values = program.with_steps(values, steps)
    plan = _assemble(request, settings, platform, things, runtime, values, steps)
    metrics = wants_metrics(request, bool(values.headless.value) or things.checkout.generation is Generation.DEMO)
    plan = replace(
        plan,
        metrics=metrics.value,
        save_motion=request.save_motion,
        record=request.record,
        measuring=measuring_of(values, report, things, steps),
        provenance={**plan.provenance, "metrics": metrics},
    )
    plan = program.complete(plan, values)
    environment = settings.environment
    has_display = platform.foreign or platform.has_display(environment) or platform.streams(environment)
    return Planned(plan, things, values, report, runtime, request, has_display)


def _assemble(
    request: EvalRequest,
    settings: Settings,
    platform: Platform,
    things: Things,
    runtime: Runtime,
    values: Values,
    steps: Sourced[Any],
) -> LaunchPlan:
    checkout = things.checkout
    runs = runs_folder(settings, request.runs)
    silence_default = _SILENCE_HEADLESS if values.headless.value else None
    timeout = seconds_of("timeout", settings, request.timeout, None)
    silence = seconds_of("silence", settings, request.silence, silence_default)
    arguments = tuple(values.arguments())
    own: Mapping[str, str] = {} if platform.foreign else settings.environment
    faster = {name: text for name, text in program_of(checkout).variables(values).items() if name not in own}
    plan = LaunchPlan(
        model=things.model.name,
        robot=things.robot.value.name if things.robot.value else None,
        simulator=things.simulator.value.name,
        terrain=values.terrain.value,
        checkpoint=things.checkpoint.value,
        motions=things.motions,
        overrides=arguments,
        command=runtime.command(),
        env={**agent_environment(platform, runtime, settings.environment), **faster},
        cwd=checkout.root,
        script=checkout.script,
        import_path=import_path(platform, runtime, settings.environment),
        python_path=checkout.python_path,
        ddp_backend=values.backend.value,
        runtime=runtime.facts,
        provenance={},
        platform=platform.name,
        foreign=platform.foreign,
        generation=checkout.generation,
        headless=bool(values.headless.value),
        max_steps=steps.value,
        timeout=timeout.value,
        silence=silence.value,
        runs=Path(runs.value),
        watch=checkout.watch,
    )
    provenance = _provenance(things, values, steps, runtime) | {
        "timeout": timeout,
        "silence": silence,
        "runs": runs,
        **{
            name: Sourced(text, Source(Origin.DEFAULT, "default: one environment on the CPU"))
            for name, text in faster.items()
        },
    }
    return replace(plan, provenance=provenance, plain_command=plain_commands(plan, runtime.plain_python()))


def _provenance(things: Things, values: Values, steps: Sourced[Any], runtime: Runtime) -> dict[str, Sourced[Any]]:
    robot, simulator = things.robot, things.simulator
    described: dict[str, Sourced[Any]] = {
        "checkout": Sourced(things.checkout.root, things.checkout.source),
        "model": Sourced(things.model.name, ARGUMENT),
        "checkpoint": things.checkpoint,
        "robot": Sourced(robot.value.name if robot.value else None, robot.source),
        "simulator": Sourced(simulator.value.name, simulator.source),
        "terrain": values.terrain,
        "constraints": Sourced(values.constraints.value, values.constraints.source),
        "motion": Sourced(tuple(motion.path for motion in things.motions), things.motion_source),
        "headless": values.headless,
        "max_steps": steps,
        "device": values.device,
        "ddp_backend": values.backend,
        "runtime": Sourced(runtime.facts.kind, runtime.facts.source),
    }
    shown = ("num_envs", "seed", "ngpu", "devices", "metrics")
    described |= {key: it for key, it in values.settings.items() if key in shown or key.startswith("robot.")}
    described |= {override.key: Sourced(override.text, OVERRIDE) for override in things.overrides}
    return described


def _setting(settings: Settings, key: str, flag: Any, default: Any) -> Sourced[Any]:
    return settings.get(key, flag) or Sourced(default, DEFAULT)


def plan_findings(planned: Planned) -> list[Finding]:
    """What planning itself noticed: of the runtime, and of added keys that no config has."""
    findings = list(planned.runtime.findings)
    added: Mapping[str, bool] = {item.key: item.added for item in planned.things.overrides}
    for key in planned.report.unknown_keys:
        nearest = "".join(planned.report.nearest.get(key, []))
        if added.get(key):
            message = f"{key} is a new key: no config has it.{nearest}"
            findings.append(Finding("PML112", Severity.WARNING, message, subject=key))
        else:
            message = f"No config has the key {key}.{nearest}"
            hint = f"++{key}=... adds it on purpose"
            findings.append(Finding("PML003", Severity.ERROR, message, hint=hint, subject=key))
    return findings
