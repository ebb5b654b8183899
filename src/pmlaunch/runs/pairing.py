"""Pairs of the same motion, seed and conditions, measured of two policies; or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pmlaunch.errors import PmlaunchError
from pmlaunch.reporting.figures import motion_figures
from pmlaunch.running.success import SuccessDefinition
from pmlaunch.runs.measured import CONDITIONS, POLICY, MeasuredRun, Side


class Cell(NamedTuple):
    """A motion with one seed: whether it was tracked, position error in m, rotation error in degrees; None if unknown."""

    success: bool | None
    error: float | None
    rotation: float | None


Cells = Mapping[tuple[str, str], tuple[Cell, Cell]]
"""{(motion, seed): (A's result, B's result)}."""
_MOST_NAMES: Final = 5
_LARGEST: Final = 1e100  # a figure; sums and squares of larger ones are not finite


@dataclass(frozen=True)
class Options:
    """How to compare.

    Attributes:
        min_effect: see `Row.worsening`; smaller changes do not count.
        common: compare the motions and seeds that both have, rather than refuse.
        allowed: conditions that may differ.
    """

    min_effect: float = 0.0
    common: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """The pairs that were measured under the same conditions."""

    conditions: Mapping[str, str]
    definition: SuccessDefinition | None
    cells: Cells
    notes: tuple[str, ...]


def match(a: Side, b: Side, options: Options) -> list[Pairs]:
    """Pair what two policies were measured to do.

    Raises:
        PmlaunchError: PML370 other motions, PML371 other conditions, PML372 several policies that do not correspond.
    """
    kept = [name for name in (*POLICY, *CONDITIONS) if not _is_free(name, a, b, options)]
    of_a, of_b = (_groups(side, kept) for side in (a, b))
    if of_a.keys() != of_b.keys():
        raise _other_conditions(a, b, kept)
    return [_pairs(Side(a.name, tuple(of_a[key])), Side(b.name, tuple(of_b[key])), options) for key in of_a]


def _is_free(name: str, a: Side, b: Side, options: Options) -> bool:
    """Whether a condition may differ: the policy always may, if there is one on each side."""
    return (name in POLICY or name in options.allowed) and max(len(side.values(name)) for side in (a, b)) == 1


def _groups(side: Side, kept: Sequence[str]) -> dict[tuple[str | None, ...], list[MeasuredRun]]:
    found: dict[tuple[str | None, ...], list[MeasuredRun]] = {}
    for run in side.runs:
        found.setdefault(tuple(run.value(name) for name in kept), []).append(run)
    return found


def _other_conditions(a: Side, b: Side, kept: Sequence[str]) -> PmlaunchError:
    differing = [name for name in kept if a.values(name) != b.values(name)]
    told = "; ".join(f"{name}: {', '.join(a.values(name))} / {', '.join(b.values(name))}" for name in differing)
    if set(differing) & set(POLICY):
        name = next(name for name in differing if name in POLICY)
        several = a if len(a.values(name)) > 1 else b
        message = f"{several.name} holds several policies, and the other does not hold the same ones ({told})."
        hint = f"choose one: {several.name}@{name}={several.values(name)[0]}"
        return PmlaunchError("PML372", message, hint=hint, subject=several.name)
    message = f"{a.name} and {b.name} were not measured under the same conditions ({told or 'in other combinations'})."
    single = [name for name in differing if len(a.values(name)) == len(b.values(name)) == 1]
    hint = f"--allow {single[0]} compares them nevertheless" if single else f"choose one: {a.name}@NAME=VALUE"
    return PmlaunchError("PML371", message, hint=hint, subject=", ".join(differing) or None)


def _pairs(a: Side, b: Side, options: Options) -> Pairs:
    definition, notes = _definition(a, b)
    of_a, of_b = _cells(a), _cells(b)
    shared = of_a.keys() & of_b.keys()
    if missing := (of_a.keys() | of_b.keys()) - shared:
        if not options.common or not shared:
            hint = "--common compares what both have" if shared else f"pmlaunch runs compare {a.name} {b.name}"
            raise _other_motions(a, b, [sorted(of_b.keys() - shared), sorted(of_a.keys() - shared)], hint)
        notes.append(
            f"{len(missing)} of {len(missing) + len(shared)} motions and seeds, which one lacks, are left out."
        )
    conditions = {
        name: value
        for name in (*POLICY, *CONDITIONS)
        if (value := " / ".join(dict.fromkeys([*a.values(name), *b.values(name)]))) != "none"
    }
    cells = {key: (of_a[key], of_b[key]) for key in of_a if key in shared}
    return Pairs(conditions, definition, cells, tuple(notes))


def _definition(a: Side, b: Side) -> tuple[SuccessDefinition | None, list[str]]:
    """The definition of success of both, and notes. Raises PML371 if they differ."""
    known = [run for side in (a, b) for run in side.runs if run.definition is not None]
    unknown = [run.run for side in (a, b) for run in side.runs if run.definition is None]
    rules = {str(run.definition.rule): run for run in known if run.definition}
    if len(rules) > 1:
        told = "; ".join(f"{run.run}: {rule}" for rule, run in rules.items())
        hint = "pmlaunch runs compare shows both, but their success rates mean different things"
        raise PmlaunchError("PML371", f"Success has different definitions ({told}).", hint=hint, subject="definition")
    if unknown:
        return None, [f"Success is not compared: it is not recorded what counted as a failure in {_some(unknown)}."]
    definitions = [run.definition for run in known if run.definition]
    one_mask = len({it.mask for it in definitions}) == 1
    return definitions[0] if one_mask else definitions[0].rule, []


def _cells(side: Side) -> dict[tuple[str, str], Cell]:
    """{(motion, seed): result}. Raises PML372 for a motion that was measured twice under the same conditions."""
    found: dict[tuple[str, str], Cell] = {}
    for run in side.runs:
        for name, motion in run.motions.items():
            if (name, run.seed) in found:
                message = (
                    f"{side.name} has two evaluations of {name} with seed {run.seed} that differ in something else."
                )
                raise PmlaunchError("PML372", message, subject=run.run)
            figures = motion_figures({name: it for name, it in motion.metrics.items() if abs(it) < _LARGEST})
            found[name, run.seed] = Cell(motion.success, figures.error, figures.rotation)
    return found


def _other_motions(a: Side, b: Side, lacking: Sequence[Sequence[tuple[str, str]]], hint: str) -> PmlaunchError:
    """The refusal of two sides, each of which lacks motions or seeds of the other."""
    if a.values("seed") != b.values("seed"):
        seeds = " / ".join(", ".join(side.values("seed")) for side in (a, b))
        message = f"{a.name} and {b.name} were not measured with the same seeds ({seeds})."
        return PmlaunchError("PML371", message, hint=hint, subject="seed")
    named = zip((a, b), lacking, strict=True)
    told = [f"{side.name} lacks {_some([name for name, _ in keys])}" for side, keys in named if keys]
    message = f"They did not measure the same motions: {'; '.join(told)}."
    return PmlaunchError("PML370", message, hint=hint, subject="motions")


def _some(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return ", ".join(shown[:_MOST_NAMES]) + more
