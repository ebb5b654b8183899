"""The matrix of a sweep: axes with several values, entries that `include` adds, and cells that `exclude` leaves out.

Keys are the names of eval's options. Motions may have names (`motion: {test: [...], train: [...]}`): each name is a set
that is evaluated on its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import PurePath
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.request import EvalRequest, Parameter, parameters
from pmlaunch.settings import typed
from pmlaunch.support.cache import content_key
from pmlaunch.support.json import dumps
from pmlaunch.support.names import matches
from pmlaunch.sweeping.values import split_values

_REFUSED = ("runs", "metrics", "endless", "exclude")  # a sweep has its own folder and `exclude`, and measures
_FIXED = (
    *("overrides", "headless", "timeout", "silence", "target_os", "no_check", "verify", "skip_bad", "save_motion"),
    *("record", "trust_workspace"),
)
OPTIONS: Mapping[str, Parameter] = {
    name: parameter for name, parameter in parameters(EvalRequest).items() if name not in _REFUSED
}
"""The options of eval that a sweep takes, by the name of their field."""
AXES = (*(name for name in OPTIONS if name not in (*_FIXED, "seed")), "seed")
"""The options with several values, in the order in which they vary: the seed first, the model last."""
KEYS: Mapping[str, str] = {
    spelling: name
    for name, parameter in OPTIONS.items()
    for flag in (f"--{name}", *parameter.flags, *(("--checkpoints",) if name == "checkpoint" else ()))
    if flag.startswith("--")
    for spelling in (flag[2:], flag[2:].replace("-", "_"))
}
"""What a key may be called -> the field that it sets."""
_OF_FILES = ("include", "exclude")
# do not change what is measured, so they do not make another evaluation of it
_NOT_IDENTIFYING = (
    "runs",
    "other_words",
    "seed",
    "skip_bad",
    "trust_workspace",
    "timeout",
    "silence",
    "no_check",
    "verify",
)
SET = "set"
"""The label of a named set of motions."""
Value = Any  # str, int, MotionSet, a tuple of constraints, or None


@dataclass(frozen=True)
class MotionSet:
    """Motions that are evaluated side by side, as --motion names them. `name` is empty if there is one set only."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Values for each axis, and one value for each other option; `include` are further matrices."""

    axes: Mapping[str, tuple[Value, ...]]
    fixed: Mapping[str, Any]
    include: tuple[Matrix, ...] = ()
    exclude: tuple[Mapping[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Point:
    """Cells that differ in their seed and motion only.

    Attributes:
        request: what they share; without a seed.
        labels: {axis: value as shown} of what they share.
        seeds: None is the default of the model.
        without: patterns of names of motions that are left out.
    """

    request: EvalRequest
    labels: Mapping[str, str]
    seeds: tuple[int | None, ...]
    without: tuple[str, ...] = field(default=())


def option_name(name: str) -> str:
    """The name of an option as people type it, without dashes: "motion" for the field `motions`."""
    return OPTIONS[name].flags[0].lstrip("-")


def read_matrix(values: Mapping[str, Any], where: str) -> Matrix:
    """The matrix of a mapping with eval's options, `include` and `exclude`; `where` says what it was read from.

    Raises PML377 for an unknown key and for a value that its option cannot have, and PML376 for a value that is given
    twice.
    """
    own = {key: value for key, value in values.items() if key not in _OF_FILES}
    own = {_field(key, where): value for key, value in own.items()}
    return replace(
        _read(own, where),
        include=tuple(
            _read({**own, **{_field(key, where): value for key, value in entry.items()}}, f"include of {where}")
            for entry in _entries(values, "include", where)
        ),
        exclude=tuple(
            {_label(_field(key, where)): _texts(value) for key, value in entry.items()}
            for entry in _entries(values, "exclude", where)
        ),
    )


def _entries(values: Mapping[str, Any], key: str, where: str) -> Iterator[Mapping[str, Any]]:
    entries = values.get(key) or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) and entry for entry in entries):
        raise PmlaunchError("PML377", f"{key} in {where} must be a list of mappings, such as - {{constraint: vr}}.")
    yield from entries


def _field(key: str, where: str) -> str:
    """The field that a key sets. Raises PML377 for one that no option has."""
    if key == SET:
        return SET
    if key not in KEYS:
        near = did_you_mean(key, list(KEYS)) or f" Known keys: {', '.join(dict.fromkeys(map(option_name, OPTIONS)))}."
        raise PmlaunchError("PML377", f"{where} has an unknown key {key!r}.{near}", subject=key)
    return KEYS[key]


def _label(name: str) -> str:
    return name if name == SET else option_name(name)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)


def _read(values: Mapping[str, Any], where: str) -> Matrix:
    wanted = values.get(SET)
    axes = {name: _axis(name, values[name], where) for name in AXES if values.get(name) is not None}
    if wanted is not None:  # an include takes some of the sets
        axes["motions"] = tuple(it for it in axes.get("motions", ()) if it.name in _texts(wanted))
    fixed = {name: _fixed(name, value, where) for name, value in values.items() if name in _FIXED and value is not None}
    return Matrix(axes, fixed)


def _axis(name: str, value: Any, where: str) -> tuple[Value, ...]:
    """The values of an axis, typed. Raises PML377 and PML376."""
    if name == "motions":
        sets = value if isinstance(value, Mapping) else {"": value}
        named = {str(key): split_values(words) for key, words in sets.items() if words is not None}
        return tuple(MotionSet(key, _distinct(words, name, where)) for key, words in named.items())
    if isinstance(value, Mapping):
        raise PmlaunchError("PML377", f"{option_name(name)} in {where} cannot be a mapping.", subject=name)
    if name == "constraints":
        # several constraints of one cell are joined by +
        found = [tuple(_texts(it)) if isinstance(it, list) else tuple(str(it).split("+")) for it in split_values(value)]
        return _distinct(found, name, where)
    ranged = OPTIONS[name].type is int
    return _distinct([_typed(name, it, where) for it in split_values(value, ranges=ranged)], name, where)


def _fixed(name: str, value: Any, where: str) -> Any:
    parameter = OPTIONS[name]
    if parameter.repeatable:
        return _texts(value)
    if isinstance(value, (list, tuple, Mapping)):
        raise PmlaunchError("PML377", f"{option_name(name)} in {where} can have one value only.", subject=name)
    return _typed(name, value, where)


def _typed(name: str, value: Any, where: str) -> Any:
    try:
        return typed(OPTIONS[name], value, where)
    except PmlaunchError as error:
        raise PmlaunchError("PML377", error.message, subject=name) from error


def _distinct(values: Iterable[Value], name: str, where: str) -> tuple[Value, ...]:
    found = tuple(values)
    twice = next((value for value, number in Counter(found).items() if number > 1), None)
    if twice is not None:
        message = f"{option_name(name)} in {where} has {_shown(twice)} twice, so its cells would be duplicates."
        raise PmlaunchError("PML376", message, subject=str(twice))
    return found


def points_of(matrix: Matrix) -> Iterator[Point]:
    """The points of a matrix and of what it includes, without the cells that it excludes; none without a model.

    Raises PML377 for an exclude whose value no cell has.
    """
    for exclusion in matrix.exclude:
        _refuse_unknown_values(exclusion, (matrix, *matrix.include))
    for one in (it for it in (matrix, *matrix.include) if "model" in it.axes):
        shown = {name: _shown_values(name, values) for name, values in one.axes.items()}
        varying = [name for name in one.axes if name != "seed"]
        seeds = one.axes.get("seed", (None,))
        for values in product(*(one.axes[name] for name in varying)):
            chosen = dict(zip(varying, values, strict=True))
            labels = {_label_key(name, value): shown[name][value] for name, value in chosen.items()}
            labels = {key: text for key, text in labels.items() if key and text}
            request = _request(chosen, one.fixed)
            for kept, without in _remaining(labels, seeds, matrix.exclude):
                yield Point(request, labels, kept, without)


def _request(chosen: Mapping[str, Value], fixed: Mapping[str, Any]) -> EvalRequest:
    motions = chosen["motions"].words if "motions" in chosen else ()
    given = {name: value for name, value in chosen.items() if name != "motions"}
    headless = fixed.get("headless", True)  # a window for one of many runs helps nobody
    return EvalRequest(**{**fixed, **given, "motions": motions, "headless": headless})


def _label_key(name: str, value: Value) -> str:
    return (SET if value.name else "") if isinstance(value, MotionSet) else option_name(name)


def _remaining(
    labels: Mapping[str, str], seeds: tuple[int | None, ...], exclude: Iterable[Mapping[str, tuple[str, ...]]]
) -> Iterator[tuple[tuple[int | None, ...], tuple[str, ...]]]:
    """(seeds, patterns of motions left out) for the cells of a point that no exclusion matches."""
    applying = [
        entry
        for entry in exclude
        if all(key in labels and matches(labels[key], entry[key]) for key in entry if key not in ("seed", "motion"))
    ]
    if not applying:
        yield seeds, ()
        return
    groups: dict[tuple[str, ...], list[int | None]] = {}
    for seed in seeds:
        hit = [entry for entry in applying if "seed" not in entry or matches(str(seed), entry["seed"])]
        if all("motion" in entry for entry in hit):
            groups.setdefault(tuple(pattern for entry in hit for pattern in entry["motion"]), []).append(seed)
    for without, kept in groups.items():
        yield tuple(kept), without


def _refuse_unknown_values(exclusion: Mapping[str, tuple[str, ...]], matrices: Iterable[Matrix]) -> None:
    known: dict[str, list[str]] = {}
    for matrix in matrices:
        for name, values in matrix.axes.items():
            for value, text in _shown_values(name, values).items():
                known.setdefault(_label_key(name, value), []).append(text)
    for key, patterns in exclusion.items():
        for pattern in patterns if key != "motion" else ():
            if not any(matches(text, (pattern,)) for text in known.get(key, ())):
                near = did_you_mean(pattern, list(dict.fromkeys(known.get(key, ()))))
                message = f"exclude names {key} {pattern}, which no cell has.{near}"
                raise PmlaunchError("PML377", message, subject=pattern)


def _shown_values(name: str, values: tuple[Value, ...]) -> dict[Value, str]:
    """The values with what is shown of them: of checkpoints their stems, if those differ."""
    stems = {value: PurePath(value).stem for value in values} if name == "checkpoint" else {}
    short = stems if len(set(stems.values())) == len(stems) else {}
    return {value: short.get(value, _shown(value)) for value in values}


def _shown(value: Value) -> str:
    if isinstance(value, MotionSet):
        return value.name
    return "+".join(value) if isinstance(value, tuple) else str(value)


def identity(request: EvalRequest) -> str:
    """A hash of the options that decide what is measured, without the seed."""
    plain = EvalRequest(request.model)
    differing = {
        item.name: getattr(request, item.name)
        for item in fields(EvalRequest)
        if item.name not in _NOT_IDENTIFYING and getattr(request, item.name) != getattr(plain, item.name)
    }
    return content_key(request.model, dumps(differing))


def evaluation_id(shared: str, seed: int | None) -> str:
    """The id of an evaluation: 12 hexadecimal digits, from `identity` of its request and its seed."""
    return content_key(shared, str(seed))[:12]
