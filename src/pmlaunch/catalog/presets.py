"""Presets: what pmlaunch knows by name, as YAML files under configs/, one folder per group.

They come with the wheel. A user's own are in `configs/` of the workspace or of the user's settings folder, and replace
a preset of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.model import PRESET, Generation, RuntimeKind, Source
from pmlaunch.support.json import as_mapping
from pmlaunch.support.owners import other_owner
from pmlaunch.support.paths import refuse_remote_in
from pmlaunch.support.yaml_file import yaml_mapping, yaml_mappings

if TYPE_CHECKING:
    from typing_extensions import Self

Folders = tuple[tuple[Source, Path], ...]
"""Further configs/ folders as (source, folder); the last one wins."""
MOST_ENVS = 64  # of a simulator whose preset does not say: more humanoids seldom pay, and need memory
_E = TypeVar("_E", bound=Enum)


def _key(read: Callable[[Any], Any], default: Callable[[], Any] = lambda: None) -> Any:
    """A field that is a key of the preset's file. `read` converts its value, or raises ValueError."""
    return field(default_factory=default, metadata={"read": read})


def _reader(complaint: str, convert: Callable[[Any], Any], *types: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return convert(value)
        raise ValueError(complaint)

    return read


_text = _reader("must be text", str, str, int, float)
_whole_number = _reader("must be a whole number", int, int)
_flag = _reader("must be true or false", bool, bool, int)
_texts = _reader("must be a list", lambda items: tuple(map(str, items)), list)
_mapping = _reader("must be a mapping", lambda items: {str(key): str(item) for key, item in items.items()}, dict)


def _mapping_of_mappings(value: Any) -> Mapping[Any, Mapping[Any, Any]]:
    if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
        return value
    raise ValueError("must be a mapping of mappings")


def _one_of(kind: type[_E]) -> Callable[[Any], _E]:
    def read(value: Any) -> _E:
        try:
            return kind(str(value))
        except ValueError:
            raise ValueError(f"must be one of: {', '.join(member.value for member in kind)}") from None

    return read


_generation = _one_of(Generation)


@dataclass(frozen=True)
class Preset:
    """A named preset. `source` says whose it is; `generations` are the values that differ in a generation."""

    name: str
    title: str
    aliases: tuple[str, ...]
    path: Path
    source: Source
    generations: Mapping[Generation, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the preset answers to, the proper one first."""
        return (self.name, *self.aliases)

    def of(self, generation: Generation) -> Self:
        """The preset with the values for `generation`."""
        return replace(self, **self.generations.get(generation, {}))


@dataclass(frozen=True)
class ModelPreset(Preset):
    """A model. `checkpoint` is relative to a checkout: the user's, or that of the generation `checkout`.

    `size` (bytes) and `sha256` are those of the generation's checkpoint, `huggingface` is a repository that has it too.
    """

    checkpoint: str | None = _key(_text)
    robot: str | None = _key(_text)
    simulator: str | None = _key(_text)
    terrain: str | None = _key(_text)
    motion: str | None = _key(_text)
    device: str | None = _key(_text)
    headless: bool | None = _key(_flag)
    checkout: Generation | None = _key(_generation)  # noqa: RUF009  # makes a field
    size: int | None = _key(_whole_number)
    sha256: str | None = _key(_text)
    huggingface: str | None = _key(_text)


@dataclass(frozen=True)
class MotionPreset(Preset):
    """A motion: robot -> file, relative to the checkout."""

    files: Mapping[str, str] = _key(_mapping, dict)


@dataclass(frozen=True)
class RobotPreset(Preset):
    """A robot. `motion_prefix` is how the names of its motion files begin."""

    motion_prefix: str | None = _key(_text)


@dataclass(frozen=True)
class SimulatorPreset(Preset):
    """A simulator. `runtime` starts it (isaaclab or python); `keys` maps a key of its window to what it does.

    Its Python has to offer the distributions `packages` and the `modules`, which may be located but not imported.
    `most_envs` is how many motions are evaluated side by side unless the user says otherwise.
    """

    runtime: RuntimeKind = _key(_one_of(RuntimeKind), lambda: RuntimeKind.PYTHON)  # noqa: RUF009  # makes a field
    devices: tuple[str, ...] = _key(_texts, tuple)
    keys: Mapping[str, str] = _key(_mapping, dict)
    packages: tuple[str, ...] = _key(_texts, tuple)
    modules: tuple[str, ...] = _key(_texts, tuple)
    most_envs: int = _key(_whole_number, lambda: MOST_ENVS)


_KINDS: Mapping[str, type[Preset]] = {
    "model": ModelPreset,
    "motion": MotionPreset,
    "robot": RobotPreset,
    "simulator": SimulatorPreset,
}
GROUPS = tuple(_KINDS)


def shipped_presets() -> Path:
    """The folder of the presets that come with pmlaunch: in the wheel, or configs/ of the repository."""
    inside = Path(__file__).parent.parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "configs"


@overload
def presets(group: Literal["model"], more: Folders = ()) -> Mapping[str, ModelPreset]: ...
@overload
def presets(group: Literal["motion"], more: Folders = ()) -> Mapping[str, MotionPreset]: ...
@overload
def presets(group: Literal["robot"], more: Folders = ()) -> Mapping[str, RobotPreset]: ...
@overload
def presets(group: Literal["simulator"], more: Folders = ()) -> Mapping[str, SimulatorPreset]: ...
@overload
def presets(group: str, more: Folders = ()) -> Mapping[str, Preset]: ...
def presets(group: str, more: Folders = ()) -> Mapping[str, Any]:
    """The presets of `group` by name, in alphabetical order. Raises PML015 for a file that is not a preset."""
    return _presets(group, more)


@cache
def _presets(group: str, more: Folders) -> Mapping[str, Preset]:
    places = ((PRESET, shipped_presets()), *more)
    files = [(path, source) for source, folder in places for path in sorted((folder / group).glob("*.yaml"))]
    files = [(path, source) for path, source in files if source.anchor is None or not other_owner(path)]
    contents = zip(files, yaml_mappings([path for path, _ in files]), strict=True)
    found = [_preset(as_mapping(values), *file, _KINDS[group]) for file, values in contents]
    return {preset.name: preset for preset in sorted(found, key=lambda preset: preset.name)}


def _preset(values: Mapping[str, Any], path: Path, source: Source, kind: type[Preset]) -> Preset:
    keys = {item.name: item for item in fields(kind) if "read" in item.metadata}
    common = {"name": _text, "title": _text, "aliases": _texts, "generations": _mapping_of_mappings}
    values = values or yaml_mapping(path)  # says what is wrong with the file
    if source.anchor:
        refuse_remote_in(values, path)
    _refuse_unknown(values, [*common, *keys], path)
    head = {key: _checked(read, values[key], key, path) for key, read in common.items() if values.get(key) is not None}
    generations = {}
    for key, special in head.get("generations", {}).items():
        _refuse_unknown(special, list(keys), path, f"generations.{key}.")
        generations[_checked(_generation, key, "generations", path)] = _read(special, keys, path)
    name = head.get("name", path.stem)
    return kind(
        name=name,
        title=head.get("title", name),
        aliases=head.get("aliases", ()),
        path=path,
        source=source,
        generations=generations,
        **_read({key: value for key, value in values.items() if key not in common}, keys, path),
    )


def _refuse_unknown(values: Mapping[Any, Any], known: Sequence[str], path: Path, where: str = "") -> None:
    """Raise PML015 for a key that is not one of `known`; `where` is the path of the mapping in the file."""
    for key in values:
        if key not in known:
            near = did_you_mean(str(key), known) or f" Known keys: {', '.join(known)}."
            raise PmlaunchError("PML015", f"{path} has an unknown key {where + str(key)!r}.{near}", subject=str(path))


def _read(values: Mapping[str, Any], keys: Mapping[str, Field[Any]], path: Path) -> dict[str, Any]:
    """The converted values; null is the default. Raises PML015."""
    read = {}
    for key, value in values.items():
        default = keys[key].default_factory
        if value is not None:
            read[key] = _checked(keys[key].metadata["read"], value, key, path)
        elif default is not MISSING:
            read[key] = default()
    return read


def _checked(read: Callable[[Any], Any], value: Any, key: str, path: Path) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise PmlaunchError("PML015", f"{path}: {key} {error}.", subject=str(path)) from error
