"""Look into the simulator's Python before and after pip: what is installed, what imports, what torch can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.installing.step import Site
from pmlaunch.model import Origin, Severity
from pmlaunch.running.run_module import ModuleResult, ModuleRun, run_module
from pmlaunch.runtimes.interface import Runtime

PROBE = "pmlaunch_agent.probe"
_PATIENCE = 300.0  # seconds: torch and lightning from a cold disk, under a virus scanner


@dataclass(frozen=True)
class Look:
    """The probe's answer (see pmlaunch_agent.probe)."""

    reply: Mapping[str, Any]
    inside: ModuleResult

    @property
    def python(self) -> str:
        """The version of the Python, "3.11.7"."""
        return str(self.reply.get("python", ""))

    @property
    def packages(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.reply.get("packages") or {})

    @property
    def versions(self) -> dict[str, str]:
        """{normalised name: version} of everything that is installed."""
        return {name: str(entry["version"]) for name, entry in self.packages.items() if entry.get("version")}

    @property
    def torch(self) -> Mapping[str, Any]:
        return dict(self.reply.get("torch") or {})


def look_inside(
    site: Site, *questions: str, python_path: Sequence[Path] = (), compat: Sequence[str] = (), name: str = "look"
) -> Look:
    """Ask the probe `questions` ("--packages", "--torch", ...) in the simulator's Python.

    Its output goes to `site.logs`/`name`. Raises PML430 without a Python, PML441 when it does not answer.
    """
    runtime = usable_runtime(site)
    folder = site.logs / name
    reply = folder / "reply.json"
    run = ModuleRun(
        runtime,
        site.platform,
        PROBE,
        [str(reply), *questions],
        folder,
        site.environment,
        python_path=python_path,
        compat=compat,
        reply=reply,
        timeout=_PATIENCE,
    )
    inside = run_module(run)
    if inside.ok and inside.reply is not None:
        return Look(inside.reply, inside)
    site.log = inside.log
    raise no_answer(site, inside, "be asked what it has")


def no_answer(site: Site, inside: ModuleResult, what: str) -> PmlaunchError:
    """PML441: the Python could not do `what`, although that should always work."""
    words = python_named(site)
    if inside.timed_out:
        why = f"no answer after {inside.seconds:.0f} s"
    elif inside.exception:
        why = f"{inside.exception.get('type')}: {inside.exception.get('message')}"
    elif inside.finding:
        why = inside.finding.message
    else:
        why = f"it ended with code {inside.exit_code}"
    hint = (inside.finding.hint if inside.finding else None) or "pmlaunch runtime shows how this Python was chosen"
    return PmlaunchError(
        "PML441", f"{words} could not {what}: {why} Its output: {inside.log}", hint=hint, subject=words
    )


def usable_runtime(site: Site) -> Runtime:
    """The runtime, when it can be started and installed into. Raises PML430, or PML449 for pmlaunch's own Python."""
    if site.runtime is None:
        what = "Isaac Lab's Python" if site.request.simulator == "isaaclab" else "a Python with the simulator"
        raise PmlaunchError("PML430", f"There is no Python to install into: {what} was not found.", hint=_WHICH)
    for found in site.runtime.findings:
        if found.severity is Severity.ERROR:
            # not the finding's own hint: `install` has no --via
            message = f"There is no Python to install into: {found.message}"
            raise PmlaunchError("PML430", message, hint=_WHICH, subject=found.subject)
    if site.runtime.facts.source.origin is Origin.DEFAULT:
        message = "No environment is named or active, and pmlaunch installs nothing into its own Python."
        raise PmlaunchError("PML449", message, hint=_WHICH, subject=" ".join(python_words(site.runtime)))
    return site.runtime


_WHICH = "pmlaunch install --python EXE, or --isaaclab DIR"


def python_words(runtime: Runtime) -> tuple[str, ...]:
    """What a person types to start this Python."""
    return runtime.plain_python()


def python_named(site: Site) -> str:
    """This Python in a sentence."""
    return " ".join(python_words(usable_runtime(site)))


def typed(site: Site, words: Sequence[str]) -> str:
    """A command as a person types it on the target system."""
    if site.platform.name == "windows":
        from pmlaunch.planning.plain_command import powershell_argument

        plain = [
            word if word.replace("-", "").replace("_", "").isalnum() else powershell_argument(word) for word in words
        ]
        return " ".join(["&", *plain] if plain[0].startswith("'") else plain)
    import shlex

    return shlex.join(words)


def typed_python(site: Site, *words: str) -> str:
    """`PYTHON words...` as a person types it."""
    return typed(site, [*python_words(usable_runtime(site)), *words])


@dataclass(frozen=True)
class Package:
    """A package of the checkout that is installed in editable form; `place` is its folder."""

    name: str
    place: Path
    relative: str

    @property
    def distribution(self) -> str:
        return self.name.replace("_", "-")


def packages_of(checkout: Path) -> tuple[Package, ...]:
    """The packages that `checkout` holds: protomotions, and beside it isaac_utils and poselib where they are."""
    candidates = [Package("protomotions", checkout, ".")]
    candidates += [Package(name, checkout / name, f"./{name}") for name in ("isaac_utils", "poselib")]
    return tuple(
        package
        for package in candidates
        if (package.place / "setup.py").is_file() or (package.place / "pyproject.toml").is_file()
    )


def is_there(checkout: Path) -> bool:
    """Whether the checkout is there already: a dry run in an empty folder has none."""
    return generation_of(checkout) is not None


def same_place(one: str | None, other: Path) -> bool:
    """Whether two paths name the same folder; one that is not there is no folder."""
    try:
        return one is not None and Path(one).samefile(other)
    except OSError:
        return False
