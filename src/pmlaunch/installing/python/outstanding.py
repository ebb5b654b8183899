"""What the simulator's Python lacks for a checkout, judged by metadata, and the runs of pip that would install it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python.requirements import TORCH_FAMILY, Requirements, TargetEnvironment, requirements_for
from pmlaunch.installing.python.target_python import OwnPackage, PythonReport, packages_of, same_place
from pmlaunch.model import Generation
from pmlaunch.running.probe_reply import InstalledPackage
from pmlaunch.support.files import read_text
from pmlaunch.support.paths import refuse_remote

_INCLUDED = re.compile(r"\s*(?:-r|--requirement)[\s=]*([^\s#][^#]*?)\s*(?:\s#.*)?$")


@dataclass(frozen=True)
class Outstanding:
    """What still has to be installed; `interrupted` are packages with an interrupted installation, as "name==version"."""

    interrupted: tuple[str, ...]
    requirements: Requirements
    packages: tuple[OwnPackage, ...]

    def __bool__(self) -> bool:
        return bool(self.interrupted or self.requirements.first or self.requirements.then or self.packages)

    @property
    def missing(self) -> tuple[str, ...]:
        """Everything, by name."""
        names = [package.name for package in self.packages]
        return (*names, *self.requirements.first, *self.requirements.then, *self.interrupted)


def outstanding_in(context: InstallContext, report: PythonReport) -> Outstanding:
    """What the Python described by `report` lacks for the checkout. Raises PML431 and PML442."""
    requirements = requirements_for(
        requirements_text(context.checkout, context.request.simulator),
        generation_of(context.checkout) or Generation.V2,
        TargetEnvironment(report.versions, report.python, report.reply.platform or "linux"),
        extras=context.request.extras,
    )
    packages = tuple(
        package
        for package in packages_of(context.checkout)
        if not same_place(report.packages.get(package.distribution, InstalledPackage()).editable, package.place)
    )
    return Outstanding(_interrupted(report, requirements.names), requirements, packages)


def requirements_text(checkout: Path, simulator: str) -> str:
    """The checkout's requirements for the simulator, including the files they include. Raises PML431 if it has none."""
    path = checkout / f"requirements_{simulator}.txt"
    try:
        return _with_included(checkout, path, (), set())
    except OSError as error:
        there = sorted(found.stem.removeprefix("requirements_") for found in checkout.glob("requirements_*.txt"))
        message = f"The checkout has no {path.name}. It has requirements for {', '.join(there) or 'no simulator'}."
        raise PmlaunchError("PML431", message, hint="--simulator NAME", subject=str(path)) from error


def _with_included(checkout: Path, path: Path, above: tuple[Path, ...], read: set[Path]) -> str:
    """The text of a requirements file with each `-r FILE` replaced by that file's text. Raises OSError and PML431.

    Files outside the checkout are refused, those on another computer unopened (PML147); what has been `read` before is
    left out.
    """
    lines = []
    for line in read_text(path).removeprefix("\ufeff").splitlines():
        named = _INCLUDED.match(line)
        if named is None:
            lines.append(line)
            continue
        included = Path(os.path.normpath(path.parent / refuse_remote(named[1].strip("\"'"), path)))
        if not _is_file_below(included, checkout) or included in (path, *above):
            message = f"{path.name} refers to {line.strip()!r}, which is not another file in the checkout."
            raise PmlaunchError("PML431", message, hint=f"correct {path}, or use --no-packages", subject=str(path))
        if included not in read:
            read.add(included)
            lines.append(_with_included(checkout, included, (path, *above), read))
    return "\n".join(lines)


def _is_file_below(path: Path, folder: Path) -> bool:
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)) and path.is_file()
    except ValueError:  # a NUL in the name
        return False


@dataclass(frozen=True)
class PipRun:
    """One run of pip: the name of its logs, what it installs in words, its arguments, and whether it runs in the checkout.

    A checkout's packages are named by relative paths: pip would find an extra in a folder called `v2[3]`.
    """

    name: str
    what: str
    words: tuple[str, ...]
    in_checkout: bool = False


def _interrupted(report: PythonReport, names: Sequence[str]) -> tuple[str, ...]:
    """Partly installed packages among `names` and everything they require. pip considers them complete."""
    waiting, seen, found = [name for name in names if name in report.packages], set(names), []
    while waiting:
        name = waiting.pop()
        package = report.packages[name]
        if not package.complete and name not in TORCH_FAMILY:
            found.append(f"{name}=={package.version}")
        for line in package.requires:
            required = canonicalize_name(re.split(r"[^\w.-]", line.strip())[0])
            if required in report.packages and required not in seen:
                seen.add(required)
                waiting.append(required)
    return tuple(sorted(found))


def pip_runs(outstanding: Outstanding, report: PythonReport) -> list[PipRun]:
    """The runs of pip that install what is outstanding, in order."""
    bar = ("--progress-bar", "raw") if _version(report, "pip") >= (24, 1) else ()
    install = ("install", *bar)
    first, then = outstanding.requirements.first, outstanding.requirements.then
    runs = []
    if outstanding.interrupted:  # not --force-reinstall: pip cannot remove a package without RECORD
        words = (*install, "--ignore-installed", "--no-deps", *outstanding.interrupted)
        runs.append(PipRun("again", ", ".join(outstanding.interrupted), words))
    if first:
        runs.append(PipRun("requirements", "the requirements", (*install, *first)))
    if then:
        runs.append(PipRun("then", " and ".join(then), (*install, *then)))
    if outstanding.packages:
        runs.append(_editables(outstanding.packages, report))
    return runs


def _editables(packages: Sequence[OwnPackage], report: PythonReport) -> PipRun:
    """Built by the Python's own setuptools if it can: an isolated build would need the network."""
    own = ("--no-build-isolation",) if _version(report, "setuptools") >= (64,) and _can_build(report) else ()
    places = [word for package in packages for word in ("-e", package.relative)]
    names = ", ".join(package.name for package in packages)
    return PipRun("packages", names, ("install", "--no-deps", "--use-pep517", *own, *places), in_checkout=True)


def _can_build(report: PythonReport) -> bool:
    """Whether setuptools can make a wheel: since 70.1 by itself, before that with the package wheel."""
    return _version(report, "setuptools") >= (70, 1) or "wheel" in report.packages


def _version(report: PythonReport, name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", report.versions.get(name, "0"))[:2])
