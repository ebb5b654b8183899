"""Settings in layers: presets < user file < workspace pmlaunch.yaml < PMLAUNCH_* < flags.

A setting is always a value with its source, so that `--dry-run` can say where each one came from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.model import FLAG, Origin, Source, Sourced
from pmlaunch.support.yaml_file import yaml_mapping

WORKSPACE_FILE = "pmlaunch.yaml"
_FOLDERS = ("protomotions", "isaaclab", "runs")
_KEYS: Mapping[str, type] = {
    "protomotions": str,
    "isaaclab": str,
    "python": str,
    "runs": str,
    "simulator": str,
    "via": str,
    "device": str,
    "ddp_backend": str,
    "num_envs": int,
    "headless": bool,
    "timeout": float,
    "silence": float,
}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Settings:
    """Every layer but the flags. `folder` is where the command was typed."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user_folder: Path | None = None

    @classmethod
    def here(cls) -> Settings:
        """The settings of this process: its folder, its environment, its user."""
        from platformdirs import user_config_path

        return cls(Path.cwd(), dict(os.environ), user_config_path("pmlaunch", appauthor=False))

    @cached_property
    def workspace_file(self) -> Path | None:
        """The nearest pmlaunch.yaml, here or above."""
        for folder in (self.folder, *self.folder.parents):
            if (folder / WORKSPACE_FILE).is_file():
                return folder / WORKSPACE_FILE
        return None

    @cached_property
    def preset_folders(self) -> tuple[tuple[Source, Path], ...]:
        """configs/ folders beside the shipped one, as (source, folder), the last one winning."""
        folders = []
        if self.user_folder:
            folders.append((Source(Origin.USER_FILE), self.user_folder / "configs"))
        if self.workspace_file:
            folders.append((Source(Origin.WORKSPACE), self.workspace_file.parent / "configs"))
        return tuple((source, folder) for source, folder in folders if folder.is_dir())

    def get(self, key: str, flag: Any = None) -> Sourced[Any] | None:
        """The value of `key` with its source, from the strongest layer that has it; None if none has."""
        if flag is not None:
            return Sourced(_path(key, flag, self.folder), FLAG)
        variable = f"PMLAUNCH_{key.upper()}"
        if self.environment.get(variable):
            value = _typed(key, self.environment[variable], variable)
            return Sourced(_path(key, value, self.folder), Source(Origin.ENVIRONMENT, f"environment {variable}"))
        for source, layer, folder in self._files:
            if layer.get(key) is not None:
                return Sourced(_path(key, _typed(key, layer[key], str(source)), folder), source)
        return None

    @cached_property
    def _files(self) -> list[tuple[Source, Mapping[str, Any], Path]]:
        files = []
        if self.workspace_file:
            files.append((Origin.WORKSPACE, self.workspace_file))
        if self.user_folder and (self.user_folder / "config.yaml").is_file():
            files.append((Origin.USER_FILE, self.user_folder / "config.yaml"))
        return [(Source(origin, f"{origin.value} {path.name}"), _layer(path), path.parent) for origin, path in files]


def _layer(path: Path) -> Mapping[str, Any]:
    values = yaml_mapping(path)
    for key in values:
        if key not in _KEYS:
            near = did_you_mean(str(key), list(_KEYS)) or f" Known keys: {', '.join(_KEYS)}."
            raise PmlaunchError("PML015", f"{path} has an unknown key {key!r}.{near}", subject=str(path))
    return values


def _path(key: str, value: Any, folder: Path) -> Any:
    """Folders and programs are relative to where they were written: the file's folder, or the current one."""
    if key in _FOLDERS or (key == "python" and any(separator in str(value) for separator in "/\\")):
        if PureWindowsPath(str(value)).is_absolute():  # also where a plan for Windows is made on Linux
            return str(value)
        return str(folder / Path(str(value)).expanduser())
    return value


def _typed(key: str, value: Any, source: str) -> Any:
    """`value` (text from the environment, or YAML) as the type of `key`. Raises PML015."""
    kind = _KEYS[key]
    if kind is bool and isinstance(value, str) and value.casefold() in _TRUE | _FALSE:
        return value.casefold() in _TRUE
    if kind is bool and isinstance(value, bool):
        return value
    if kind in (int, float) and not isinstance(value, bool):
        try:
            return kind(value)
        except (TypeError, ValueError):
            pass
    if kind is str and isinstance(value, (str, int, float)):
        return str(value)
    raise PmlaunchError("PML015", f"{key} in {source} cannot be {value!r}: it is a {kind.__name__}.")
