"""What the steps of an installation are given: the request, this machine, and what earlier steps learned."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Reporter
from pmlaunch.git.runner import Git
from pmlaunch.model import Finding, Origin, RuntimeKind, Severity
from pmlaunch.running.probe_reply import TorchBuild
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import Platform, platform_named


@dataclass(frozen=True)
class InstallRequest:
    """`pmlaunch install` as typed.

    `models` are names from the catalog; `kind` is submodule, clone or auto; `ref_given` tells whether `ref` was typed
    or is the default; `robot` is the one whose meshes are wanted if they are in Git LFS (generation 3).
    """

    folder: Path
    ref: str
    source: str
    models: tuple[str, ...]
    simulator: str = "isaaclab"
    kind: str = "auto"
    isaaclab: str | None = None
    python: str | None = None
    extras: tuple[str, ...] = ()
    ref_given: bool = False
    robot: str = "smpl"


@dataclass(frozen=True)
class Learned:
    """Facts that one step finds out and later steps use; None means not known.

    `isaaclab` and `python` were found rather than typed, and are written to pmlaunch.yaml; `torch_before` is the torch
    that was there before pip ran.
    """

    isaaclab: str | None = None
    python: str | None = None
    torch_before: TorchBuild | None = None

    def updated(self, news: Learned) -> Learned:
        """These facts, with those that `news` knows in their place."""
        known = {item.name: getattr(news, item.name) for item in fields(news)}
        return replace(self, **{name: value for name, value in known.items() if value is not None})


NOTHING_NEW = Learned()


@dataclass(frozen=True)
class InstallContext:
    """Where an installation takes place.

    `logs` is the folder for its logs, made when the first is written; `runtime` is None if none was found, and
    `findings` then says why.
    """

    request: InstallRequest
    settings: Settings
    platform: Platform
    logs: Path
    runtime: Runtime | None = None
    learned: Learned = NOTHING_NEW
    findings: tuple[Finding, ...] = field(default=())

    @property
    def checkout(self) -> Path:
        """The folder of the checkout, whether it exists yet or not."""
        return self.request.folder

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of the user."""
        return self.settings.environment

    @property
    def windows(self) -> bool:
        """Whether the system is Windows."""
        return self.platform.name == "windows"

    def git(self, report: Reporter | None = None) -> Git:
        """Git for this installation; its logs are announced to `report`. Raises PML400."""
        on_log = report.log if report else None
        return Git(self.environment, self.logs, windows=self.windows, on_log=on_log)

    def knowing(self, learned: Learned) -> InstallContext:
        """This context with `learned` added to what is known."""
        return replace(self, learned=self.learned.updated(learned))


def make_context(request: InstallRequest, settings: Settings) -> InstallContext:
    """The context of an installation on this machine. Raises PML010 for an unknown simulator."""
    context = InstallContext(request, settings, platform_named(None), logs_folder(settings))
    wanted = _wanted_runtime(request, settings)
    try:
        runtime = _find_runtime(context, wanted)
    except PmlaunchError as error:
        return replace(context, findings=(error_finding(error),))
    return replace(context, runtime=runtime, learned=_learned_from(runtime))


def logs_folder(settings: Settings) -> Path:
    """A new folder for the logs of one installation: below PMLAUNCH_LOGS, or where the system keeps logs."""
    root = settings.environment.get("PMLAUNCH_LOGS")
    if root:
        home = settings.folder / Path(root).expanduser()
    else:
        from platformdirs import user_log_path

        home = user_log_path("pmlaunch", appauthor=False)
    return home / f"install-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def error_finding(error: PmlaunchError) -> Finding:
    """The error as a warning, if the command goes on in spite of it."""
    return Finding(error.code, Severity.WARNING, error.message, error.hint, None, error.subject)


def _wanted_runtime(request: InstallRequest, settings: Settings) -> str:
    """The kind of runtime that the simulator's preset names. Raises PML010 for an unknown simulator."""
    from pmlaunch.catalog.presets import presets
    from pmlaunch.support.names import choose

    known = presets("simulator", settings.preset_folders)
    preset = choose(
        "simulator", request.simulator, known.values(), lambda item: item.names, listing="pmlaunch list simulators"
    )
    return preset.runtime


def _find_runtime(context: InstallContext, wanted: str) -> Runtime | None:
    """The runtime that will run the simulator. Raises PmlaunchError if it is not there."""
    from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime

    request = context.request
    wish = RuntimeRequest(
        context.settings,
        context.platform,
        beside=context.checkout,
        wanted=wanted,
        via="python" if request.python and not request.isaaclab else "auto",
        isaaclab=request.isaaclab,
        python=request.python,
    )
    return choose_runtime(wish)


def _learned_from(runtime: Runtime | None) -> Learned:
    """What an environment variable of this terminal told: pmlaunch.yaml must remember it for other terminals."""
    if runtime is None or any(found.severity is Severity.ERROR for found in runtime.findings):
        return NOTHING_NEW
    facts = runtime.facts
    if facts.kind is RuntimeKind.ISAACLAB:
        return Learned(isaaclab=str(Path(facts.path).parent))
    return Learned(python=facts.path if facts.source.origin is Origin.ACTIVE_ENVIRONMENT else None)
