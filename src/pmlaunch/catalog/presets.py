"""The presets: what pmlaunch knows by name, as Hydra config groups under configs/.

They come with the wheel; a user's own lie beside them, in `configs/` of the workspace or of the user's
settings folder, and win over a preset of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import PRESET, Generation, Source
from pmlaunch.support.yaml_file import yaml_mapping

GROUPS = ("model", "motion", "robot", "simulator")


@dataclass(frozen=True)
class Preset:
    """One named preset; `values` are the keys of its file, `source` says whose it is.

    The key `generations` holds what is different for a generation of ProtoMotions: {"3": {motion: sit}}.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    values: Mapping[str, Any]
    path: Path
    source: Source

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    def of(self, generation: Generation) -> Preset:
        """The preset with the values that it has for `generation`."""
        special = (self.values.get("generations") or {}).get(generation.value)
        return replace(self, values={**self.values, **special}) if isinstance(special, Mapping) else self


def shipped_presets() -> Path:
    """The folder of the presets that come with pmlaunch: inside the wheel, or the repository's configs/."""
    inside = Path(__file__).parent.parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "configs"


@cache
def presets(group: str, more: tuple[tuple[Source, Path], ...] = ()) -> Mapping[str, Preset]:
    """The presets of `group` by name, in alphabetical order.

    `more` names further configs/ folders as (source, folder), the last one winning.
    """
    found: dict[str, Preset] = {}
    for source, folder in ((PRESET, shipped_presets()), *more):
        for path in sorted((folder / group).glob("*.yaml")):
            preset = _preset(path, source)
            found[preset.name] = preset
    return dict(sorted(found.items()))


def _preset(path: Path, source: Source) -> Preset:
    values = yaml_mapping(path)
    aliases = values.get("aliases") or []
    if not isinstance(aliases, Iterable) or isinstance(aliases, str):
        raise PmlaunchError("PML015", f"{path}: aliases must be a list.", subject=str(path))
    name = str(values.get("name") or path.stem)
    return Preset(name, str(values.get("title") or name), tuple(map(str, aliases)), values, path, source)
