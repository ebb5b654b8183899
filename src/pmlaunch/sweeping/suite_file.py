"""Suites: sweeps in YAML files of the Hydra config group configs/suite/, which inherit from each other.

Hydra composes them, so `defaults` and overrides mean what they mean there. A suite is data: it may not configure Hydra
itself, whose search path could import a package, nor waive checks or trust.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pmlaunch.catalog.presets import shipped_presets
from pmlaunch.errors import PmlaunchError, nearest
from pmlaunch.generations.v2.config_inspection import InterpolationBomb, bounded_omegaconf
from pmlaunch.model import Origin, Source, Sourced
from pmlaunch.settings import Settings
from pmlaunch.support.json import as_list, as_mapping
from pmlaunch.support.names import unknown_name
from pmlaunch.support.paths import expanded, names_in, refuse_remote_in
from pmlaunch.support.yaml_file import yaml_mapping
from pmlaunch.sweeping.matrix import KEYS, OPTIONS
from pmlaunch.trust import Untrusted

GROUP = "suite"
ABOUT = ("title", "references", "differs", "definition")
"""The keys of a suite that say what it is compared with."""
_FILE_KEYS = (*ABOUT, "include", "exclude", "set")  # that are no options of eval
_MOST_FILES = 100  # that one suite inherits from
_LONGEST = 300  # characters of Hydra's reason


@dataclass(frozen=True)
class SuiteFile:
    """A composed suite: its name, its keys, and the files that they came from, its own first."""

    name: str
    values: Mapping[str, Any]
    files: tuple[Path, ...]

    def untrusted(self, settings: Settings) -> tuple[Untrusted, ...]:
        """The suite's file, if it is not shipped and names a program or a folder with one without the user's agreement."""
        named = [
            str(part[key])
            for part in _parts(self.values)
            for key in part
            if str(key) in KEYS and OPTIONS[KEYS[str(key)]].option.executed
        ]
        own = [file for file in self.files if not file.is_relative_to(shipped_presets())]
        return settings.untrusted(*(Sourced(it, Source(Origin.WORKSPACE, anchor=file)) for file in own for it in named))


def suite_folders(settings: Settings, named: str | None = None) -> tuple[Path, ...]:
    """Where suites are looked for: the folder that the user names, beside pmlaunch.yaml, the user's own, the shipped."""
    given = [settings.folder / expanded(named)] if named else []
    own = [folder / GROUP for _, folder in reversed(settings.preset_folders)]
    return tuple(folder for folder in (*given, *own, shipped_presets() / GROUP) if folder.is_dir())


def suites_in(folders: Sequence[Path]) -> list[str]:
    """The names of the suites in these folders."""
    names = (Path(name) for folder in folders for name in names_in(folder))
    return sorted({path.stem for path in names if path.suffix == ".yaml"})


def load_suite(wanted: str, settings: Settings, named: str | None, overrides: Sequence[str]) -> SuiteFile:
    """Compose a suite by its name or its file's path. `overrides` are Hydra's, such as seed=0,1 or ~exclude.

    Raises PML378 for a suite that is not there, PML377 for one that cannot be composed, and PML147.
    """
    folders = suite_folders(settings, named)
    path = settings.folder / expanded(wanted) if wanted.endswith((".yaml", ".yml")) else _find(wanted, folders)
    if path is not None and path.suffix == ".yml":  # Hydra would read another file
        raise PmlaunchError("PML377", f"{path} must end with .yaml: Hydra reads no other.", subject=str(path))
    if path is not None and not path.is_file():
        raise PmlaunchError("PML378", f"{path} does not exist.", fix="pmlaunch sweep --help", subject=str(path))
    if path is None:
        known = suites_in(folders)
        near = nearest(wanted, {name: name for name in known})
        there = "" if near else f" There are: {', '.join(known)}."
        message = unknown_name(f"No suite is called {wanted!r}.{there}", wanted, near, "").message
        fix = f"pmlaunch sweep --suite {[*near, *known][0]} --dry-run"
        raise PmlaunchError("PML378", message, fix=fix, subject=wanted)
    path = path.absolute()
    folders = tuple(dict.fromkeys((path.parent, *(folder.absolute() for folder in folders))))
    files = tuple(_reached(path, folders))
    values = _composed(path, folders, overrides)
    refuse_remote_in(values, path)
    for part in _parts(values):  # also what a file brought that Hydra found by a rule of its own
        _refuse_only_typed(part, path)
    return SuiteFile(path.stem, values, files)


def _parts(values: Mapping[str, Any]) -> list[Mapping[Any, Any]]:
    """The keys of a suite, and of each entry that it includes."""
    return [values, *map(as_mapping, as_list(values.get("include")))]


def _refuse_only_typed(values: Mapping[Any, Any], file: Path) -> None:
    """Raise PML377 for a key that only the user may give: a stranger's file could waive what protects from it."""
    for key in map(str, values):
        if key == "hydra" or (key in KEYS and OPTIONS[KEYS[key]].option.waives):
            message = f"{file} has the key {key}, which a suite may not set."
            raise PmlaunchError("PML377", message, hint="give it on the command line", subject=str(file))


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    return next((path for folder in folders if (path := folder / f"{name}.yaml").is_file()), None)


def _reached(path: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """The files that Hydra will read, each checked before Hydra sees it. Raises PML377 and PML378."""
    waiting, seen = [(path, PurePosixPath())], set()
    while waiting:
        file, group = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        if len(seen) > _MOST_FILES:
            raise PmlaunchError("PML377", f"{path} inherits from more than {_MOST_FILES} files.", subject=str(path))
        values = yaml_mapping(file, "PML377")
        for part in _parts(values):
            _refuse_only_typed(part, file)
        yield file
        for name in _inherited(values.get("defaults") or [], file):
            target = PurePosixPath(name.lstrip("/")) if name.startswith("/") else group / name
            found = _find(str(target), folders)
            if found is None:
                near = nearest(name, {known: known for known in suites_in(folders)})
                message = unknown_name(f"{file} inherits from {name}, which is not there.", name, near, "").message
                raise PmlaunchError("PML378", message, subject=name)
            waiting.append((found, target.parent))


def _inherited(defaults: Any, file: Path) -> Iterator[str]:
    """The names in a defaults list. Raises PML377 for what is more than a name of a config."""
    for entry in defaults if isinstance(defaults, list) else [defaults]:
        pairs = entry.items() if isinstance(entry, Mapping) else [("", entry)]
        for group, options in pairs:
            for option in options if isinstance(options, list) else [options]:
                plain = (str(part).partition("@")[0] for part in (group, option))
                name = "/".join(filter(None, plain))
                if option is None or name == "_self_":
                    continue
                parts = name.lstrip("/").split("/")
                if ".." in parts or "hydra" in parts or any(sign in name for sign in (":", "$", "\\", " ", "//")):
                    message = f"{file} has {name!r} in its defaults: only names of suites may be there."
                    raise PmlaunchError("PML377", message, subject=str(file))
                yield name


def _composed(path: Path, folders: Sequence[Path], overrides: Sequence[str]) -> dict[str, Any]:
    """What Hydra composes. Raises PML377 with its reason."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    more = ",".join("'file://" + folder.as_posix().replace("'", "\\'") + "'" for folder in folders[1:])
    reasons = (
        HydraException,
        OmegaConfBaseException,
        YAMLError,
        OSError,
        ValueError,
        RecursionError,
        InterpolationBomb,
    )
    try:
        with warnings.catch_warnings(), bounded_omegaconf():
            warnings.simplefilter("ignore")  # they are for people who start Hydra themselves
            with initialize_config_dir(str(path.parent), version_base="1.3"):
                typed = [f"hydra.searchpath=[{more}]", *_as_lists(overrides)]
                config = compose(path.stem, overrides=typed)
                values = OmegaConf.to_container(config, resolve=True)
    except reasons as error:
        lines = [line.strip() for line in str(error).strip().splitlines()[:3]]
        message = f"{path} cannot be composed: {' '.join(lines)[:_LONGEST]}"
        raise PmlaunchError("PML377", message, subject=str(path)) from error
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def _as_lists(overrides: Sequence[str]) -> Iterator[str]:
    """The overrides, with several values (seed=0,1 or seed=range(0,5)) as a list, and new keys allowed."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    for text, parsed in zip(overrides, OverridesParser.create().parse_overrides(list(overrides)), strict=True):
        plain = text if text.startswith(("+", "~")) else f"++{text}"
        if parsed.is_sweep_override():
            plain = f"{plain.partition('=')[0]}=[{','.join(parsed.sweep_string_iterator())}]"
        yield plain


def is_key_of_a_suite(word: str) -> bool:
    """Whether a word KEY=VALUE, or ~KEY, is about the sweep rather than an override of upstream's program."""
    key = word.partition("=")[0].lstrip("+~").partition(".")[0]
    return ("=" in word or word.startswith("~")) and (key in KEYS or key in _FILE_KEYS)
