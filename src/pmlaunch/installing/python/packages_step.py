"""The step that installs ProtoMotions into the simulator's Python: what it asks for, then its own packages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.utils import canonicalize_name

from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.python.outstanding import PipRun, outstanding_in, pip_runs
from pmlaunch.installing.python.package_changes import refuse_changed_torch, remember, told, write_beside_logs
from pmlaunch.installing.python.pip import NoMatchingDistributionError, PipConflictError, pip, pip_is_missing
from pmlaunch.installing.python.requirements import Requirements, constraints_for
from pmlaunch.installing.python.target_python import (
    Look,
    Package,
    is_there,
    look_inside,
    packages_of,
    python_named,
    typed_python,
)
from pmlaunch.installing.step import Report, Site, Todo
from pmlaunch.model import Finding, Severity


class PackagesStep:
    """protomotions, isaac_utils and poselib in editable form, and what the checkout asks for.

    Looks at metadata only, so that it is quick when all is there. pip is held to the torch and numpy that it finds,
    and must lower nothing else unless there is no other way; what it changed is said.
    """

    name = "packages"
    title = "Python packages"

    def __init__(self) -> None:
        self._changes = ""

    def todo(self, site: Site) -> Todo | None:
        look = look_inside(site, "--packages", "--requires", name="packages-look")
        if "pip" not in look.packages:
            raise pip_is_missing(site)
        if not is_there(site.checkout):
            _refuse_without_torch(site, look, "torch")
            place = typed_python(site, "-m", "pip", "install", "-e", str(site.checkout))
            return Todo("install ProtoMotions and what its requirements ask for", (place,))
        outstanding = outstanding_in(site, look)
        if not outstanding:
            site.said[self.name] = _in_words(site, look)
            return None
        _refuse_without_torch(site, look, outstanding.requirements.torch)
        count = len(outstanding.requirements.first) + len(outstanding.requirements.then)
        parts = [f"{count} requirements"] if count else []
        parts += [", ".join(package.name for package in outstanding.packages)] if outstanding.packages else []
        parts += [f"again, since it was broken off: {', '.join(outstanding.half)}"] if outstanding.half else []
        findings = [*_notes(outstanding.requirements), *_other_checkouts(outstanding.packages, look)]
        commands = [_typed_pip(site, run.words) for run in pip_runs(outstanding, look)]
        return Todo(f"install {' and '.join(parts)} into {python_named(site)}", commands, findings=findings)

    def do(self, site: Site, report: Report) -> None:
        look = look_inside(site, "--packages", "--requires", "--torch", name="packages-before")
        outstanding = outstanding_in(site, look)
        _refuse_without_torch(site, look, outstanding.requirements.torch)
        remember(site, look)
        for run in pip_runs(outstanding, look):
            _install(site, look, run, report)
        after = look_inside(site, "--packages", name="packages-after")
        self._changes = told(site, look.versions, after.versions)
        refuse_changed_torch(site, look.versions, after.versions)

    def prove(self, site: Site) -> str:
        look = look_inside(site, "--packages", "--requires", name="packages-look")
        outstanding = outstanding_in(site, look)
        if outstanding:
            missing = [package.name for package in outstanding.packages]
            missing += [*outstanding.requirements.first, *outstanding.requirements.then, *outstanding.half]
            message = f"pip said that all went well, but in {python_named(site)} this is missing: {', '.join(missing)}."
            raise PmlaunchError("PML437", message, hint="the same command again")
        return _in_words(site, look) + (f"; {self._changes}" if self._changes else "")


def _install(site: Site, look: Look, run: PipRun, report: Report) -> None:
    """One run of pip; where nothing may be lowered and pip finds no way, another that may."""
    exempt = [canonicalize_name(re.split(r"[<>=!~ \[@]", word)[0]) for word in run.words if "<" in word]
    cwd = site.checkout if "-e" in run.words else None
    for floors in (True, False):
        text = constraints_for(look.versions, exempt=exempt, floors=floors)
        path = write_beside_logs(site, f"constraints-{run.name}.txt", text)
        try:
            pip(site, [*run.words, "-c", str(path)], name=f"pip-{run.name}", what=run.what, report=report, cwd=cwd)
            return
        except PipConflictError:
            if not floors:
                raise
        except NoMatchingDistributionError as error:
            # pip says so, too, if a dependency wants a lower version of what is installed
            if not floors or canonicalize_name(error.distribution) not in look.versions:
                raise


def _refuse_without_torch(site: Site, look: Look, asked: str | None) -> None:
    """torch is not brought along: which build fits depends on the GPU, and it weighs gigabytes. Raises PML432."""
    if "torch" in look.packages or asked is None:
        return
    command = typed_python(site, "-m", "pip", "install", asked)
    hint = f"{command} (pytorch.org tells which --index-url fits a GPU); Isaac Lab: isaaclab -i"
    if site.request.simulator == "genesis":
        hint = f"{command} (pytorch.org tells which --index-url fits a GPU)"
    raise PmlaunchError("PML432", f"There is no torch in {python_named(site)}.", hint=hint, subject="torch")


def _typed_pip(site: Site, words: Sequence[str]) -> str:
    """The run of pip as a person types it, from any folder."""
    places = {package.relative: str(package.place) for package in packages_of(site.checkout)}
    editable = "-e" in words
    return typed_python(site, "-m", "pip", *(places.get(word, word) if editable else word for word in words))


def _notes(requirements: Requirements) -> list[Finding]:
    return [Finding("PML443", Severity.NOTE, f"{change}.") for change in requirements.changes]


def _other_checkouts(packages: Sequence[Package], look: Look) -> list[Finding]:
    found = []
    for package in packages:
        other = look.packages.get(package.distribution)
        if other:
            where = other.get("editable") or other.get("location")
            message = f"{package.name} is installed from {where} and will lead to {package.place} instead."
            found.append(Finding("PML444", Severity.WARNING, message, subject=str(where)))
    return found


def _in_words(site: Site, look: Look) -> str:
    names = ", ".join(package.name for package in packages_of(site.checkout))
    torch = look.versions.get("torch", "none")
    return f"{names} from {site.checkout}, in editable form; torch {torch}"
