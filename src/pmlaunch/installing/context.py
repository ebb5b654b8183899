"""The context of an installation's steps: the request, this machine, and the results of earlier steps."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import script_in
from pmlaunch.git.progress import Reporter
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.source import user_setting
from pmlaunch.model import DEFAULT, Finding, Origin, RuntimeKind, Severity, Source, Sourced
from pmlaunch.running.probe_reply import TorchBuild
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.settings import Settings
from pmlaunch.support.paths import expanded
from pmlaunch.support.platforms import Platform, platform_named
from pmlaunch.trust import Untrusted


class CheckoutKind(Enum):
    """How a new checkout is made: AUTO is a submodule inside a repository that does not ignore the folder."""

    SUBMODULE = "submodule"
    CLONE = "clone"
    AUTO = "auto"


@dataclass(frozen=True)
class InstallRequest:
    """`pmlaunch install` as typed.

    `models` are names from the catalog; `ref_given` tells whether `ref` was typed
    or is the default; `robot` is the one whose meshes are wanted if they are in Git LFS (generation 3); `chosen_by` is
    what named the folder.
    """

    folder: Path
    ref: str
    source: str
    models: tuple[str, ...]
    simulator: str = "isaaclab"
    kind: CheckoutKind = CheckoutKind.AUTO
    isaaclab: str | None = None
    python: str | None = None
    extras: tuple[str, ...] = ()
    ref_given: bool = False
    robot: str = "smpl"
    chosen_by: Source = DEFAULT


@dataclass(frozen=True)
class Learned:
    """Facts that one step finds out and later steps use; None means not known.

    `isaaclab` and `python` were found rather than typed, and are written to pmlaunch.yaml; `torch_before` is the torch
    that was there before pip ran.
    """

    isaaclab: str | None = None
    python: str | None = None
    torch_before: TorchBuild | None = None


NOTHING_NEW = Learned()


@dataclass(frozen=True)
class InstallContext:
    """Where an installation takes place: in the folder `checkout`, which need not exist yet.

    `logs` is the folder for its logs, made when the first is written; `runtime` is None if none was found, and
    `findings` then says why. `dry` is whether it is only planned: then no Python is started and no host is contacted.
    """

    request: InstallRequest
    settings: Settings
    platform: Platform
    logs: Path
    runtime: Runtime | None = None
    learned: Learned = NOTHING_NEW
    findings: tuple[Finding, ...] = ()
    dry: bool = False

    @property
    def checkout(self) -> Path:
        return self.request.folder

    @property
    def environment(self) -> Mapping[str, str]:
        return self.settings.environment

    @property
    def windows(self) -> bool:
        return self.platform.windows

    def git(self, report: Reporter | None = None) -> Git:
        """Git in the checkout; its logs are announced to `report`. Raises PML400."""
        git = Git(self.environment, self.logs, self.checkout, windows=self.windows, report=report)
        return git.adding(*user_setting(self.request.source))

    def trust(self, path: Path, report: Reporter) -> None:
        """Remember a file that this installation made; if that fails, the user will be asked about it."""
        try:
            self.settings.trusted.add(path)
        except PmlaunchError as error:
            report.findings.append(error_finding(error))

    def knowing(self, learned: Learned) -> InstallContext:
        """This context with `learned` added to what is known."""
        known = {name: value for name, value in vars(learned).items() if value is not None}
        return replace(self, learned=replace(self.learned, **known))


def make_context(request: InstallRequest, settings: Settings) -> InstallContext:
    """The context of an installation on this machine. Raises PML010 for an unknown simulator."""
    from pmlaunch.catalog.presets import presets
    from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
    from pmlaunch.support.names import choose

    context = InstallContext(request, settings, platform_named(None), logs_folder(settings), findings=settings.findings)
    known = presets("simulator", settings.preset_folders).values()
    listing = "pmlaunch list simulators"
    preset = choose("simulator", request.simulator, known, lambda item: item.names, listing=listing)
    wish = RuntimeRequest(
        settings,
        context.platform,
        beside=context.checkout,
        wanted=preset.runtime,
        via="python" if request.python and not request.isaaclab else "auto",
        isaaclab=request.isaaclab,
        python=request.python,
    )
    try:
        runtime = choose_runtime(wish)
    except PmlaunchError as error:
        return replace(context, findings=(*context.findings, error_finding(error)))
    return replace(context, runtime=runtime, learned=_learned_from(runtime))


def untrusted_uses(context: InstallContext, *, packages: bool) -> tuple[Untrusted, ...]:
    """Files that the user must trust before an installation, because it would start or adopt them.

    That is a pmlaunch.yaml with programs in it, a checkout that is there already and that no option named, and Isaac Lab
    or a Python that was only found.
    """
    request, settings, runtime = context.request, context.settings, context.runtime
    script, uses = script_in(context.checkout), []
    if script is not None and request.chosen_by.origin is Origin.DEFAULT:
        uses.append(Sourced(str(context.checkout), Source(Origin.DEFAULT, anchor=script)))
    if runtime is not None and packages:
        uses.append(Sourced(runtime.facts.path, runtime.facts.source))
    return tuple({each.file: each for each in (*settings.untrusted_workspace(), *settings.untrusted(*uses))}.values())


def logs_folder(settings: Settings) -> Path:
    """A new folder for the logs of one installation: below PMLAUNCH_LOGS, or where the system keeps logs."""
    root = settings.environment.get("PMLAUNCH_LOGS")
    if root:
        home = settings.folder / expanded(root)
    else:
        from platformdirs import user_log_path

        home = user_log_path("pmlaunch", appauthor=False)
    return home / f"install-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def error_finding(error: PmlaunchError) -> Finding:
    """The error as a warning, for a command that continues despite it."""
    return Finding(error.code, Severity.WARNING, error.message, error.hint, None, error.subject)


def _learned_from(runtime: Runtime | None) -> Learned:
    """A value from an environment variable of this terminal, which pmlaunch.yaml must keep for other terminals."""
    if runtime is None or any(found.severity is Severity.ERROR for found in runtime.findings):
        return NOTHING_NEW
    facts = runtime.facts
    if facts.kind is RuntimeKind.ISAACLAB:
        return Learned(isaaclab=str(Path(facts.path).parent))
    return Learned(python=facts.path if facts.source.origin is Origin.ACTIVE_ENVIRONMENT else None)
