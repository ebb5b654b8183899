"""Settings in layers: presets < user file < workspace pmlaunch.yaml < PMLAUNCH_* < flags.

Each value carries its source, so that `--dry-run` can show where it came from. The keys are declared in `request.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.model import FLAG, Finding, Origin, Severity, Source, Sourced
from pmlaunch.request import SETTINGS, TRUST_VARIABLE, Parameter, Setting
from pmlaunch.support.owners import other_owner
from pmlaunch.support.paths import expanded, refuse_remote
from pmlaunch.support.yaml_file import yaml_mapping
from pmlaunch.trust import TrustStore, Untrusted

WORKSPACE_FILE = "pmlaunch.yaml"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Settings:
    """All layers except the flags. `folder` is the folder in which the command was typed.

    `trust_workspace` is whether the user trusts whatever is found, as a machine of CI has to.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user_folder: Path | None = None
    trust_workspace: bool = False

    @classmethod
    def here(cls, *, trust_workspace: bool = False) -> Settings:
        """The settings that apply to this process: its folder, environment and user."""
        from platformdirs import user_config_path

        return cls(Path.cwd(), dict(os.environ), user_config_path("pmlaunch", appauthor=False), trust_workspace)

    @cached_property
    def workspace_file(self) -> Path | None:
        """The nearest pmlaunch.yaml in the folder or one of its parents, if it is not another user's."""
        path = self._nearest_file
        return None if path is None or other_owner(path) else path

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """PML146 for a pmlaunch.yaml that is not read."""
        path = self._nearest_file
        if path is None or (owner := other_owner(path)) is None:
            return ()
        message = f"{path} belongs to another user ({owner}), so pmlaunch does not read it."
        hint = "use options or PMLAUNCH_* instead; or review the file and take ownership of it"
        return (Finding("PML146", Severity.WARNING, message, hint, subject=str(path)),)

    @cached_property
    def _nearest_file(self) -> Path | None:
        candidates = (folder / WORKSPACE_FILE for folder in (self.folder, *self.folder.parents))
        return next((path for path in candidates if path.is_file()), None)

    @property
    def trusted(self) -> TrustStore:
        """What this user agreed to earlier."""
        return TrustStore(self.user_folder / "trust.json" if self.user_folder else None)

    def untrusted(self, *uses: Sourced[str]) -> tuple[Untrusted, ...]:
        """The files that lead to these programs without the user's agreement. What the user named needs none."""
        if self.trust_workspace or self.environment.get(TRUST_VARIABLE, "").casefold() in _TRUE:
            return ()
        named: dict[Path, list[str]] = {}
        for use in uses:
            if use.source.anchor:
                named.setdefault(use.source.anchor, []).append(use.value)
        return tuple(Untrusted(file, tuple(what)) for file, what in named.items() if not self.trusted.holds(file))

    def untrusted_workspace(self) -> tuple[Untrusted, ...]:
        """pmlaunch.yaml, if it names a program or a folder with one and the user has not agreed to it."""
        executed = (self.get(key) for key, setting in SETTINGS.items() if setting.option.executed)
        return self.untrusted(*(Sourced(str(value.value), value.source) for value in executed if value))

    @property
    def user_file(self) -> Path | None:
        """The user's own settings file, which need not exist."""
        return self.user_folder / "config.yaml" if self.user_folder else None

    def file_of(self, source: Source) -> Path | None:
        """The settings file that a value with this source came from."""
        return {Origin.WORKSPACE: self.workspace_file, Origin.USER_FILE: self.user_file}.get(source.origin)

    @cached_property
    def preset_folders(self) -> tuple[tuple[Source, Path], ...]:
        """The user's and the workspace's configs/ folders as (source, folder), in ascending order of precedence."""
        folders = []
        if self.user_folder:
            folders.append((Source(Origin.USER_FILE), self.user_folder / "configs"))
        if self.workspace_file:
            source = Source(Origin.WORKSPACE, anchor=self.workspace_file)
            folders.append((source, self.workspace_file.parent / "configs"))
        return tuple((source, folder) for source, folder in folders if folder.is_dir())

    def get(self, key: str, flag: Any = None) -> Sourced[Any] | None:
        """The value of `key` from the layer of highest precedence that has one, or None. Raises PML015."""
        setting = SETTINGS[key]
        if flag is not None:
            return Sourced(_path(setting, flag, self.folder), FLAG)
        variable = setting.variable
        if self.environment.get(variable):
            value = typed(setting, self.environment[variable], variable)
            return Sourced(_path(setting, value, self.folder), Source(Origin.ENVIRONMENT, f"environment {variable}"))
        for source, layer, folder in self._files:
            if layer.get(key) is not None:
                value = typed(setting, layer[key], str(source))
                if source.anchor and setting.option.setting in (Setting.FOLDER, Setting.PROGRAM):
                    refuse_remote(value, source.anchor)
                known = source if setting.option.executed else replace(source, anchor=None)
                return Sourced(_path(setting, value, folder), known)
        return None

    @cached_property
    def _files(self) -> list[tuple[Source, Mapping[str, Any], Path]]:
        files: list[tuple[Origin, Path, Path | None]] = []
        if self.workspace_file:
            files.append((Origin.WORKSPACE, self.workspace_file, self.workspace_file))
        if self.user_file and self.user_file.is_file():
            files.append((Origin.USER_FILE, self.user_file, None))
        return [
            (Source(origin, f"{origin.value} {path.name}", anchor), _layer(path), path.parent)
            for origin, path, anchor in files
        ]


def _layer(path: Path) -> Mapping[str, Any]:
    values = yaml_mapping(path)
    for key in values:
        if key not in SETTINGS:
            near = did_you_mean(str(key), list(SETTINGS)) or f" Known keys: {', '.join(sorted(SETTINGS))}."
            raise PmlaunchError("PML015", f"{path} has an unknown key {key!r}.{near}", subject=str(path))
    return values


def _path(setting: Parameter, value: Any, folder: Path) -> Any:
    """Resolve a folder or program against `folder`: that of the file that names it, or the current one."""
    kind = setting.option.setting
    if kind is Setting.FOLDER or (kind is Setting.PROGRAM and any(separator in str(value) for separator in "/\\")):
        if PureWindowsPath(str(value)).is_absolute():  # also when planning for Windows on Linux
            return str(value)
        return str(folder / expanded(str(value)))
    return value


def typed(setting: Parameter, value: Any, source: str) -> Any:
    """Convert `value`, text from the environment or a YAML value, to the type of the setting. Raises PML015."""
    kind = setting.type
    if kind is bool and isinstance(value, (str, bool)) and str(value).casefold() in _TRUE | _FALSE:
        return str(value).casefold() in _TRUE
    cut = kind is int and isinstance(value, float) and not value.is_integer()  # 4.9 is not 4
    if kind in (int, float) and not isinstance(value, bool) and not cut:
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            pass
    if kind is str and isinstance(value, (str, int, float)):
        return str(value)
    raise PmlaunchError(
        "PML015", f"{setting.name} in {source} cannot be {value!r}: it must be of type {kind.__name__}."
    )
