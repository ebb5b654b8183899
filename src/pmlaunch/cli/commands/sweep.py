"""`pmlaunch sweep`: many evaluations, planned and checked before the first one starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.commands.eval import require_codes
from pmlaunch.cli.commands.sweep_control import WORDS, control, outcome_result, run_planned
from pmlaunch.cli.options import Invocation, command
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import NoCheckoutError, PmlaunchError
from pmlaunch.request import argument, option, shared
from pmlaunch.support.paths import expanded
from pmlaunch.sweeping.slots import ExecutorOptions

if TYPE_CHECKING:
    from pmlaunch.model import Finding
    from pmlaunch.settings import Settings
    from pmlaunch.sweeping.plan import PlannedSweep
    from pmlaunch.sweeping.suite_file import SuiteFile

_CLUSTER_SLOTS = 16  # into so many jobs a sweep is divided, if it runs on a cluster
_SEVERAL = "Several: a,b or repeated."


def _axis(name: str, help: str, **changes: Any) -> Any:  # noqa: A002 (as in Option)
    return shared(name, default=(), help=help, **changes)


@dataclass(frozen=True)
class SweepOptions:
    """The options of eval that a sweep takes. Those that are tuples may have several values, one for each cell."""

    models: tuple[str, ...] = argument(
        "Models and checkpoints, a FILE.yaml with a sweep, or KEY=VALUE.", (), metavar="MODEL...", names="models"
    )
    motions: tuple[str, ...] = _axis("motions", "Name, path, pattern, folder, .yaml or packed .pt; repeatable.")
    checkpoint: tuple[str, ...] = _axis(
        "checkpoint",
        "Checkpoints, a pattern, or all: every .ckpt of the training folder.",
        flags=("--checkpoint", "--checkpoints"),
    )
    robot: tuple[str, ...] = _axis("robot", f"The robot. {_SEVERAL}")
    terrain: tuple[str, ...] = _axis("terrain", f"flat or complex. {_SEVERAL}")
    constraints: tuple[str, ...] = _axis(
        "constraints", "What MaskedMimic has to follow: full_body,vr; a+b follows both at once."
    )
    seed: tuple[str, ...] = _axis("seed", "Random seeds: 0-4 or 0,1,7.", metavar="N-N")
    simulator: tuple[str, ...] = _axis("simulator", f"The simulator. {_SEVERAL}")
    num_envs: tuple[str, ...] = _axis("num_envs", f"Parallel environments. {_SEVERAL}", metavar="N")
    max_steps: tuple[str, ...] = _axis("max_steps", f"Control steps. {_SEVERAL}", metavar="N")
    devices: tuple[str, ...] = _axis("devices", f"Processes of a run, one per GPU. {_SEVERAL}", metavar="N")
    device: tuple[str, ...] = _axis("device", f"gpu or cpu. {_SEVERAL}")
    ddp_backend: tuple[str, ...] = _axis("ddp_backend", f"How processes communicate. {_SEVERAL}")
    protomotions: tuple[str, ...] = _axis("protomotions", "ProtoMotions checkouts; repeatable.")
    isaaclab: tuple[str, ...] = _axis("isaaclab", "Isaac Lab folders; repeatable.")
    python: tuple[str, ...] = _axis("python", "Interpreters for --via python; repeatable.")
    via: tuple[str, ...] = _axis("via", f"What starts the simulator. {_SEVERAL}")
    headless: bool | None = shared("headless", help="Without or with a window; default: without.", setting=None)
    timeout: float | None = shared("timeout", help="Stop an evaluation after this time; default: no limit.")
    silence: float | None = shared("silence", help="Stop an evaluation after this time without output; default: 1800.")
    target_os: str | None = shared("target_os")
    no_check: tuple[str, ...] = shared("no_check")
    verify: bool = shared("verify")
    skip_bad: bool = shared("skip_bad", help="Continue without cells that cannot run; they are reported.")
    save_motion: bool | None = shared("save_motion")
    record: bool = shared("record")
    trust_workspace: bool = shared("trust_workspace")


@dataclass(frozen=True)
class PlanOptions:
    """The options of a sweep itself."""

    suite: str | None = option("A suite: its name, or a YAML file.", names="suites")
    suites: str | None = option("A folder with suites of your own.", metavar="DIR")
    output: str | None = option("The sweep's folder; default: sweeps/NAME.", flags=("--output", "-o"), metavar="DIR")
    isolate: bool = option("Start the simulator for each cell.", default=False)
    dry_run: bool = option("Plan and check every cell; start nothing.", default=False)
    quiet: bool = option("Show the result only.", default=False, flags=("--quiet", "-q"))


@command(SweepOptions, PlanOptions, ExecutorOptions)
def sweep_command(
    invocation: Invocation, axes: SweepOptions, options: PlanOptions, executor: ExecutorOptions
) -> CommandResult:
    """Evaluate every combination of models, checkpoints, constraints, seeds and motions, with few simulator starts.

    \b
    pmlaunch sweep maskmimic -m walk --seed 0-4 --constraint full_body,vr
    pmlaunch sweep results/my_run --checkpoints all --seed 0-2
    pmlaunch sweep FILE.yaml --dry-run         cells, starts, time and disk
    pmlaunch sweep --suite maskmimic-paper --motion D:/amass --skip-bad
    pmlaunch sweep status|stop|retry FOLDER
    """
    if axes.models and axes.models[0] in WORDS:
        return control(invocation, axes.models, executor, quiet=options.quiet)
    from pmlaunch.cli.render.sweep import draw_published
    from pmlaunch.cli.trust import require_trust
    from pmlaunch.settings import Settings
    from pmlaunch.support.platforms import platform_named
    from pmlaunch.sweeping.journal import latest_results
    from pmlaunch.sweeping.matrix import read_matrix
    from pmlaunch.sweeping.plan import SweepSettings, plan_sweep
    from pmlaunch.sweeping.published import published_view
    from pmlaunch.sweeping.slots import slots_of
    from pmlaunch.sweeping.suite import compare_with_published, read_suite

    if platform_named(axes.target_os).foreign and not options.dry_run:
        raise PmlaunchError("PML001", f"A sweep for {axes.target_os} cannot be started here.", hint="add --dry-run")
    require_codes(axes.no_check)
    settings = Settings.here(trust_workspace=axes.trust_workspace)
    name, values, suite_file = _values(axes, options, settings)
    where = str(suite_file.files[0]) if suite_file else "the command line"
    folder = expanded(options.output) if options.output else _default_folder(name, values)
    # how many slots a cluster has is not known before it is asked, and more jobs than slots do no harm
    slots = _CLUSTER_SLOTS if executor.cluster else len(slots_of(executor))
    how = SweepSettings(folder, slots, options.isolate, axes.skip_bad, executor.retries)
    planned = plan_sweep(read_matrix(_matrix_of(values), where), settings, how)
    more = suite_file.untrusted(settings) if suite_file else ()
    plan = replace(planned.plan, suite=read_suite(values, where))
    planned = replace(planned, plan=plan, untrusted=tuple(dict.fromkeys((*more, *planned.untrusted))))
    if options.dry_run or (planned.bad and not axes.skip_bad):
        return _shown(invocation, planned, options.dry_run)
    require_trust(settings, planned.untrusted, ask=not invocation.as_json)
    outcome = run_planned(invocation, plan, executor, quiet=options.quiet)
    compared = list(compare_with_published(plan.suite, plan.evaluations, latest_results(folder)))
    draw = partial(draw_published, published_view(plan.suite, compared))
    return outcome_result(invocation, outcome, _found_before(planned), draw, compared)


def _values(
    axes: SweepOptions, options: PlanOptions, settings: Settings
) -> tuple[str, dict[str, Any], SuiteFile | None]:
    """(name, keys of the sweep, its suite): the suite's keys, then KEY=VALUE, then options. Raises PML001 and PML377."""
    from pmlaunch.sweeping.matrix import KEYS, OPTIONS, option_name
    from pmlaunch.sweeping.suite_file import is_key_of_a_suite, load_suite

    words = [word for word in axes.models if "=" in word or word.startswith(("+", "~"))]
    own, upstream = [word for word in words if is_key_of_a_suite(word)], [w for w in words if not is_key_of_a_suite(w)]
    models = [word for word in axes.models if word not in words]
    files = [word for word in models if word.endswith((".yaml", ".yml"))]
    models = [word for word in models if word not in files]
    wanted = [*files, *([options.suite] if options.suite else [])]
    if len(wanted) > 1:
        raise PmlaunchError(
            "PML001", f"A sweep has one suite or file, not {len(wanted)}.", hint="pmlaunch sweep FILE.yaml"
        )
    suite = load_suite(wanted[0], settings, options.suites, own) if wanted else None
    values = dict(suite.values) if suite else {key: text for key, _, text in (word.partition("=") for word in own)}
    given = {it.name: getattr(axes, it.name) for it in fields(axes) if it.name in OPTIONS}
    given = {name: value for name, value in given.items() if value not in (None, (), False)}
    given |= {"model": tuple(models)} if models else {}
    given |= {"overrides": tuple(upstream)} if upstream else {}
    sets = next((value for key, value in values.items() if KEYS.get(key) == "motions"), None)
    if isinstance(sets, Mapping) and "motions" in given:
        from pmlaunch.sweeping.suite import own_motions

        given["motions"] = own_motions(sets, given["motions"], partial(_found, axes, settings))
    kept = {key: value for key, value in values.items() if KEYS.get(key, key) not in given}
    named = suite.name if suite else "-".join(Path(model).stem for model in models) or "sweep"
    return named, {**kept, **{option_name(name): value for name, value in given.items()}}, suite


def _matrix_of(values: Mapping[str, Any]) -> dict[str, Any]:
    from pmlaunch.sweeping.suite_file import ABOUT

    return {key: value for key, value in values.items() if key not in ABOUT}


def _found(axes: SweepOptions, settings: Settings, typed: str) -> Path:
    """The path that a word names, here or in the checkout."""
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.planning.resolve import search_places
    from pmlaunch.support.paths import Place, find_path

    try:
        places = search_places(settings.folder, find_checkout(settings, next(iter(axes.protomotions), None)))
    except NoCheckoutError:
        places = (Place(settings.folder),)
    return find_path(typed, places)[0]


def _default_folder(name: str, values: Mapping[str, Any]) -> Path:
    """sweeps/NAME-HASH: the same command has the same folder, so that it continues."""
    from pmlaunch.support.cache import content_key
    from pmlaunch.support.json import dumps

    return Path("sweeps", f"{name[:40]}-{content_key(dumps(_matrix_of(values)))[:8]}")


def _found_before(planned: PlannedSweep) -> list[Finding]:
    from pmlaunch.cli.render.sweep import cell_findings
    from pmlaunch.sweeping.suite import subset_findings

    return [*cell_findings(planned), *planned.findings, *subset_findings(planned.plan.suite, planned.plan.evaluations)]


def _shown(invocation: Invocation, planned: PlannedSweep, dry_run: bool) -> CommandResult:
    """The plan, every cell that cannot run, and the published values that the sweep will be compared with."""
    from pmlaunch.cli.render.sweep import draw_sweep, sweep_document
    from pmlaunch.model import Severity
    from pmlaunch.sweeping.published import published_view
    from pmlaunch.sweeping.suite import compare_with_published

    plan = planned.plan
    compared = list(compare_with_published(plan.suite, plan.evaluations, ()))
    found = _found_before(planned)
    found += [each.finding(Severity.WARNING) for each in planned.untrusted]
    data = {"sweep": sweep_document(planned), "published": compared}
    draw = partial(draw_sweep, planned, published_view(plan.suite, compared)) if dry_run else None
    return CommandResult(invocation.command, planned.exit_code, data, found, draw=draw)
