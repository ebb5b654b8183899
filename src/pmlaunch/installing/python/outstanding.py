"""What the simulator's Python lacks of a checkout, told from metadata; and the runs of pip that would bring it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.installing.python.requirements import TORCH_FAMILY, Requirements, requirements_for
from pmlaunch.installing.python.target_python import Look, Package, packages_of, same_place
from pmlaunch.installing.step import Site
from pmlaunch.model import Generation

_INCLUDED = re.compile(r"\s*(?:-r|--requirement)[\s=]*([^\s#][^#]*?)\s*(?:\s#.*)?$")


@dataclass(frozen=True)
class Outstanding:
    """What is not as it should be: `half` are installs that were ended in the middle, "name==version"."""

    half: tuple[str, ...]
    requirements: Requirements
    packages: tuple[Package, ...]

    def __bool__(self) -> bool:
        return bool(self.half or self.requirements.first or self.requirements.then or self.packages)


def outstanding_in(site: Site, look: Look) -> Outstanding:
    """What there is to do, told from metadata."""
    requirements = requirements_for(
        _requirements_text(site),
        generation=generation_of(site.checkout) or Generation.V2,
        installed=look.versions,
        python=look.python,
        sys_platform=str(look.reply.get("platform", "linux")),
        extras=site.request.extras,
    )
    packages = tuple(
        package
        for package in packages_of(site.checkout)
        if not same_place(look.packages.get(package.distribution, {}).get("editable"), package.place)
    )
    return Outstanding(_half_done(look, requirements.names), requirements, packages)


def _requirements_text(site: Site) -> str:
    """The checkout's requirements for the simulator, with those that they include. Raises PML431 when it has none."""
    path = site.checkout / f"requirements_{site.request.simulator}.txt"
    try:
        return _with_included(site, path, ())
    except OSError as error:
        there = sorted(found.stem.removeprefix("requirements_") for found in site.checkout.glob("requirements_*.txt"))
        message = f"The checkout has no {path.name}: it knows {', '.join(there) or 'no simulator'}."
        raise PmlaunchError("PML431", message, hint="--simulator NAME", subject=str(path)) from error


def _with_included(site: Site, path: Path, above: tuple[Path, ...]) -> str:
    """The text of a requirements file, `-r FILE` replaced by that file's text. Raises OSError and PML431.

    What is outside the checkout is not the checkout's to ask for, and is refused.
    """
    lines = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        named = _INCLUDED.match(line)
        if named is None:
            lines.append(line)
            continue
        included = Path(os.path.normpath(path.parent / named[1]))
        real, root = os.path.realpath(included), os.path.realpath(site.checkout)
        if not Path(real).is_relative_to(root) or not included.is_file() or included in (path, *above):
            message = f"{path.name} asks for {line.strip()!r}, and that is no other file in the checkout."
            raise PmlaunchError("PML431", message, hint=f"mend {path}, or --no-packages", subject=str(path))
        lines.append(_with_included(site, included, (path, *above)))
    return "\n".join(lines)


@dataclass(frozen=True)
class PipRun:
    """One run of pip: its name among the logs, what it installs in words, its arguments.

    Relative paths among them start from the checkout: pip would read an extra out of a folder's name like `v2[3]`.
    """

    name: str
    what: str
    words: tuple[str, ...]


def _half_done(look: Look, names: Sequence[str]) -> tuple[str, ...]:
    """Installs that were ended in the middle, among `names` and all that they need. pip takes them for whole."""
    waiting, seen, half = [name for name in names if name in look.packages], set(names), []
    while waiting:
        name = waiting.pop()
        entry = look.packages[name]
        if not entry.get("complete", True) and name not in TORCH_FAMILY:
            half.append(f"{name}=={entry['version']}")
        for line in entry.get("requires") or ():
            needed = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line.strip())[0]).lower()
            if needed in look.packages and needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return tuple(sorted(half))


def pip_runs(outstanding: Outstanding, look: Look) -> list[PipRun]:
    """The runs that bring what is outstanding, in their order."""
    bar = ("--progress-bar", "raw") if _version(look, "pip") >= (24, 1) else ()
    install = ("install", *bar)
    first, then = outstanding.requirements.first, outstanding.requirements.then
    runs = []
    if outstanding.half:  # not --force-reinstall: pip cannot remove what has no RECORD
        words = (*install, "--ignore-installed", "--no-deps", *outstanding.half)
        runs.append(PipRun("again", ", ".join(outstanding.half), words))
    if first:
        runs.append(PipRun("requirements", "the requirements", (*install, *first)))
    if then:
        runs.append(PipRun("then", " and ".join(then), (*install, *then)))
    if outstanding.packages:
        runs.append(_editables(outstanding.packages, look))
    return runs


def _editables(packages: Sequence[Package], look: Look) -> PipRun:
    """The Python's own setuptools builds them where it can: a build of its own would need the network."""
    own = ("--no-build-isolation",) if _version(look, "setuptools") >= (64,) and _can_build(look) else ()
    places = [word for package in packages for word in ("-e", package.relative)]
    names = ", ".join(package.name for package in packages)
    return PipRun("packages", names, ("install", "--no-deps", "--use-pep517", *own, *places))


def _can_build(look: Look) -> bool:
    """Whether setuptools can make a wheel by itself, or has the package that does it for older ones."""
    return _version(look, "setuptools") >= (70, 1) or "wheel" in look.packages


def _version(look: Look, name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", look.versions.get(name, "0"))[:2])
