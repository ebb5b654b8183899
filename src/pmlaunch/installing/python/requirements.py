"""Adjust a checkout's requirements so that they do not break the simulator's Python, with a reason for each change.

Pure: takes the text of a requirements file and what is installed, returns what to pass to pip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.interface import PackageRule
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Generation

TORCH_FAMILY = ("torch", "torchvision", "torchaudio")
"""Never installed or replaced: the right build depends on the GPU, and it takes gigabytes."""
KEPT_AS_THEY_ARE = (*TORCH_FAMILY, "numpy")
"""Pinned to the installed version while pip works."""


@dataclass(frozen=True)
class RequirementChange:
    """A requirement that is not passed to pip unchanged; `now` is None if it is left out."""

    was: str
    now: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.was} -> {self.now or 'left out'}: {self.reason}"


@dataclass(frozen=True)
class Requirements:
    """What to pass to pip.

    `first` and `then` still have to be installed, in two runs; `names` is everything required, installed or not;
    `torch` is the requirement of torch if that is missing, else None.
    """

    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    changes: tuple[RequirementChange, ...] = ()
    torch: str | None = None

    def __add__(self, more: Requirements) -> Requirements:
        return Requirements(
            self.first + more.first,
            self.then + more.then,
            self.names + more.names,
            self.changes + more.changes,
            more.torch or self.torch,
        )


_ALL: Mapping[str, PackageRule] = {
    "setuptools": PackageRule(
        "any version from 64 on works; a pin would replace the version that Isaac Lab and torch came with",
        ">=64",
        unless_installed=True,
    ),
    "pydantic": PackageRule("ProtoMotions never imports it, and Isaac Lab needs version 2"),
    "sentry-sdk": PackageRule("ProtoMotions never imports it; wandb installs the one that it needs"),
}


@dataclass(frozen=True)
class TargetEnvironment:
    """The Python to install into: {normalised name: version} of what is installed, its version ("3.11.7"), its platform."""

    installed: Mapping[str, str]
    python: str
    sys_platform: str = "linux"


def requirements_for(
    text: str, generation: Generation, target: TargetEnvironment, extras: Sequence[str] = ()
) -> Requirements:
    """What to pass to pip for the requirements file `text`.

    `extras` are names of packages to install although they would be left out. Raises PML442 if one is not in the file.
    """
    collected = Requirements()
    wanted = {canonicalize_name(name) for name in extras}
    seen: set[str] = set()
    rules = {**_ALL, **GENERATIONS[generation].package_rules}
    markers = {
        "python_version": ".".join(target.python.split(".")[:2]),
        "python_full_version": target.python,
        "sys_platform": target.sys_platform,
    }
    for line in _lines(text):
        asked = _parsed(line)
        name = canonicalize_name(asked.name) if asked else _name_in_url(line)
        seen.add(name)
        if asked is None or asked.url:
            collected += _from_elsewhere(line, asked.name if asked else name, name in wanted, name in target.installed)
        elif asked.marker is None or asked.marker.evaluate(markers):
            rule = None if name in wanted else rules.get(name)
            collected += _decide(asked, name, rule, target.installed.get(name))
    for extra in extras:
        if canonicalize_name(extra) not in seen:
            near = did_you_mean(extra, sorted(seen))
            message = f"The checkout's requirements do not name {extra!r}.{near}"
            raise PmlaunchError(
                "PML442", message, hint="leave out --with, or install it with that Python's own pip", subject=extra
            )
    return collected


def _lines(text: str) -> Iterator[str]:
    """Requirements one by one: comments and blank lines dropped, continued lines joined."""
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        stripped = re.sub(r"(^|\s)#.*$", "", line).strip()
        if stripped:
            yield stripped


def _parsed(line: str) -> Requirement | None:
    try:
        return Requirement(re.split(r"\s--?[a-zA-Z]", line)[0])
    except InvalidRequirement:
        return None


def _name_in_url(line: str) -> str:
    """The package's name in `git+https://host/owner/Name.git@ref#egg=name`; the line itself if it has none."""
    egg = re.search(r"#egg=([\w.-]+)", line)
    last = re.search(r"/([\w.-]+?)(\.git)?(@[^/]*)?$", line.split("#", maxsplit=1)[0])
    return canonicalize_name(egg[1] if egg else last[1] if last else line)


def _from_elsewhere(line: str, name: str, wanted: bool, there: bool) -> Requirements:
    """A URL, a path or an option of pip. A URL has no version to compare: any installed version will do."""
    if line.startswith("-"):
        reason = "a pip option; package sources are your choice (pip.conf, PIP_INDEX_URL)"
        return _left_out(line, reason)
    names = (canonicalize_name(name),)
    if there:
        return Requirements(names=names)
    if wanted:
        return Requirements(then=(line,), names=names)
    return _left_out(line, f"installed from git and used only by data conversion scripts; --with {name}")


def _decide(asked: Requirement, name: str, rule: PackageRule | None, there: str | None) -> Requirements:
    """One requirement according to its rule; `there` is the installed version."""
    line, names = str(asked), (name,)
    if name in TORCH_FAMILY:
        return _torch(asked, name, there)
    if rule and rule.specifier is None:
        return _left_out(line, rule.reason)
    if rule and rule.unless_installed and there is not None:
        if _satisfied(asked, there):
            return Requirements(names=names)
        return _left_out(line, f"{there} is installed and stays; {rule.reason}", names)
    if rule and rule.specifier is not None:
        asked = Requirement(line)
        asked.specifier = SpecifierSet(rule.specifier)
    if _satisfied(asked, there):
        return Requirements(names=names)
    if rule is None and there is not None and _is_pin_below(asked, there):
        return _left_out(line, f"{there} is installed and stays, because the pin would downgrade it", names)
    changes = (RequirementChange(line, str(asked), rule.reason),) if rule else ()
    if rule and rule.later:
        return Requirements(then=(str(asked),), names=names, changes=changes)
    return Requirements(first=(str(asked),), names=names, changes=changes)


def _torch(asked: Requirement, name: str, there: str | None) -> Requirements:
    if there is None:
        return Requirements(torch=str(asked) if name == "torch" else None)
    if _satisfied(asked, there):
        return Requirements()
    return _left_out(str(asked), f"{there} is installed and stays, although the checkout asks for another")


def _left_out(line: str, reason: str, names: tuple[str, ...] = ()) -> Requirements:
    return Requirements(names=names, changes=(RequirementChange(line, None, reason),))


def _satisfied(asked: Requirement, there: str | None) -> bool:
    return there is not None and asked.specifier.contains(there, prereleases=True)


def _is_pin_below(asked: Requirement, there: str) -> bool:
    """Whether the requirement pins an older version than the installed one."""
    pins = [one.version for one in asked.specifier if one.operator in ("==", "===") and not one.version.endswith("*")]
    try:
        return any(Version(pin) < Version(there) for pin in pins)
    except InvalidVersion:
        return False


def constraints_for(installed: Mapping[str, str], *, exempt: Sequence[str] = (), floors: bool = True) -> str:
    """The text of a constraints file that protects {name: version}.

    torch, torchvision, torchaudio and numpy are pinned; with `floors` nothing else may be lowered, except `exempt`.
    """
    lines = []
    for name, version in sorted(installed.items()):
        try:
            parsed = Version(version)
        except InvalidVersion:  # pip would reject the whole file
            continue
        if name in KEPT_AS_THEY_ARE:
            lines.append(f"{name}=={parsed}")
        elif floors and name not in exempt:
            lines.append(f"{name}>={parsed.public}")
    return "".join(f"{line}\n" for line in lines)


def lowered(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The packages whose version is lower in `after` than in `before`."""
    found = []
    for name, version in before.items():
        try:
            if name in after and Version(after[name]) < Version(version):
                found.append(name)
        except InvalidVersion:
            continue
    return sorted(found)
