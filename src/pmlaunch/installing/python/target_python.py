"""The simulator's Python: whether pmlaunch can install into it, its packages, and its commands as typed by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.context import InstallContext
from pmlaunch.model import Origin, Severity
from pmlaunch.running.probe_reply import InstalledPackage, ProbeReply, TorchBuild
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.python_files import all_packages
from pmlaunch.support.json import from_json

_PROBE = "pmlaunch_agent.probe"
_PATIENCE = 300.0  # seconds: torch and lightning from a cold disk, under a virus scanner
_WHICH = "pmlaunch install --python EXE, or --isaaclab DIR"


class NoAnswerError(PmlaunchError):
    """The simulator's Python gave no result (PML441); `log` is its output."""

    def __init__(self, message: str, log: Path, *, hint: str, subject: str) -> None:
        super().__init__("PML441", message, hint=hint, subject=subject)
        self.log = log


@dataclass(frozen=True)
class PythonReport:
    """The probe's report on the simulator's Python; parts that were not requested are empty.

    `python` is its version, such as "3.11.7"; `packages` and `versions` are keyed by normalised name. `hooks` are the
    agent's hooks that took effect; `log` is its output.
    """

    reply: ProbeReply
    log: Path
    hooks: tuple[Mapping[str, Any], ...] = ()

    @property
    def python(self) -> str:
        return self.reply.python or ""

    @property
    def packages(self) -> Mapping[str, InstalledPackage]:
        return self.reply.packages or {}

    @property
    def torch(self) -> TorchBuild:
        return self.reply.torch or TorchBuild()

    @property
    def versions(self) -> dict[str, str]:
        return {name: package.version for name, package in self.packages.items() if package.version}


def planned_python(context: InstallContext, *questions: str, name: str) -> PythonReport | None:
    """What a plan is based on: the Python's answers as `inspect_python` gets them; in a dry run, its files.

    None if they do not tell which packages it has: Isaac Sim keeps its torch where only its script looks.
    """
    if not context.dry:
        return inspect_python(context, *questions, name=name)
    runtime = usable_runtime(context)
    packages = installed_packages([str(folder) for folder in all_packages(runtime)], requires=True)
    if runtime.facts.python is None or not {"pip", "torch"} <= packages.keys():
        return None
    known = {name: from_json(InstalledPackage, entry) for name, entry in packages.items()}
    system = "win32" if context.windows else "linux"
    return PythonReport(ProbeReply(runtime.facts.python.version, known, platform=system), context.logs)


def inspect_python(
    context: InstallContext, *questions: str, compat: Sequence[str] = (), name: str = "look"
) -> PythonReport:
    """Ask the simulator's Python `questions` ("--packages", "--torch", ...); its output goes to `context.logs`/`name`.

    `compat` names the agent's repairs to switch on. Raises PML430 without a Python, PML441 if it does not answer.
    """
    folder = context.logs / name
    run = ModuleRun(
        usable_runtime(context),
        context.platform,
        _PROBE,
        [str(folder / "reply.json"), *questions],
        folder,
        context.environment,
        compat=compat,
        reply=folder / "reply.json",
        timeout=_PATIENCE,
    )
    ended = run_module(run)
    if ended.ok and ended.reply is not None:
        return PythonReport(from_json(ProbeReply, ended.reply), ended.log, ended.hooks)
    raise no_answer(context, ended, "report its packages")


def no_answer(context: InstallContext, ended: ModuleResult, what: str) -> NoAnswerError:
    """PML441: the Python could not do `what`, which should always work."""
    words = python_named(context)
    if ended.timed_out:
        why = f"no answer after {ended.seconds:.0f} s"
    elif ended.exception:
        why = f"{ended.exception.get('type')}: {ended.exception.get('message')}"
    elif ended.finding:
        why = ended.finding.message
    else:
        why = f"it ended with code {ended.exit_code}"
    hint = (ended.finding.hint if ended.finding else None) or "to see how this Python was chosen: pmlaunch runtime"
    message = f"{words} could not {what}: {why} Its output: {ended.log}"
    return NoAnswerError(message, ended.log, hint=hint, subject=words)


def usable_runtime(context: InstallContext) -> Runtime:
    """The runtime, if it can be started and installed into. Raises PML430, or PML449 for pmlaunch's own Python."""
    runtime = context.runtime
    if runtime is None:
        what = "Isaac Lab's Python" if context.request.simulator == "isaaclab" else "a Python with the simulator"
        raise PmlaunchError("PML430", f"There is no Python to install into: {what} was not found.", hint=_WHICH)
    for found in runtime.findings:
        if found.severity is Severity.ERROR:
            # not the finding's own hint: `install` has no --via
            message = f"There is no Python to install into: {found.message}"
            raise PmlaunchError("PML430", message, hint=_WHICH, subject=found.subject)
    if runtime.facts.source.origin is Origin.DEFAULT:
        message = "No environment is named or active, and pmlaunch does not install into its own Python."
        raise PmlaunchError("PML449", message, hint=_WHICH, subject=" ".join(runtime.plain_python()))
    return runtime


def python_named(context: InstallContext) -> str:
    """This Python in a sentence."""
    return " ".join(usable_runtime(context).plain_python())


def typed_python(context: InstallContext, *arguments: str) -> str:
    """`PYTHON arguments...` as a person types it on the target system."""
    words = [*usable_runtime(context).plain_python(), *arguments]
    if context.windows:
        from pmlaunch.planning.command_line import powershell_argument

        plain = [word if re.fullmatch(r"[\w-]+", word) else powershell_argument(word) for word in words]
        return " ".join(["&", *plain] if plain[0].startswith("'") else plain)
    import shlex

    return shlex.join(words)


@dataclass(frozen=True)
class OwnPackage:
    """A package of the checkout, installed in editable form from the folder `place`."""

    name: str
    place: Path
    relative: str

    @property
    def distribution(self) -> str:
        """The normalised name under which pip knows it."""
        return self.name.replace("_", "-")


def packages_of(checkout: Path) -> tuple[OwnPackage, ...]:
    """The packages in `checkout`: protomotions, and isaac_utils and poselib if it has them."""
    own = [OwnPackage("protomotions", checkout, ".")]
    own += [OwnPackage(name, checkout / name, f"./{name}") for name in ("isaac_utils", "poselib")]
    return tuple(it for it in own if (it.place / "setup.py").is_file() or (it.place / "pyproject.toml").is_file())


def same_place(one: str | None, other: Path) -> bool:
    """Whether two paths name the same existing folder."""
    try:
        return one is not None and Path(one).samefile(other)
    except OSError:
        return False
