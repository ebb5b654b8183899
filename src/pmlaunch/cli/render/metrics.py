"""What an evaluation measured, beside its totals: single motions, which were lost, what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmlaunch.model import RunRecord

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_COLUMNS = (
    ("eval/gt_err", "gt_err m"),  # 2.x and the demo
    ("eval/gt_err_max", "max m"),
    ("eval/gr_err_degrees", "gr_err deg"),
    ("eval/cartesian_err", "cartesian m"),
    ("eval/gt_error/mean", "gt_error m"),  # 3.x
    ("eval/gt_error/max", "max m"),
    ("eval/gr_error/mean", "gr_error rad"),
    ("eval/max_joint_error/mean", "max joint m"),
)
_MOST_COLUMNS = 4  # of a checkpoint whose evaluator has other components
_MOST = 24  # rows; a library may have thousands of motions, and metrics.json has them all
_NAMED = 12  # lost motions that are named in the sentence


def measured(console: Console, record: RunRecord) -> None:
    """Print the motions when there are several, the lost ones by name, and the notes."""
    from rich.text import Text

    evaluation = record.evaluation
    motions = evaluation.get("per_motion") or []
    if len(motions) > 1:
        console.print(_table(console, motions))
        if len(motions) > _MOST:
            console.print(Text(f"{len(motions) - _MOST} more motions in metrics.json", style="dim"))
    sentence = _lost(evaluation.get("common") or {}, len(motions))
    if sentence:
        console.print(Text(sentence, style="red"), soft_wrap=True)
    if evaluation and not evaluation.get("comparable", True):
        console.print(Text("not comparable: the notes say why", style="bold yellow"), soft_wrap=True)
    for note in evaluation.get("notes") or ():
        console.print(Text(f"note: {note}", style="dim"), soft_wrap=True)
    seconds = evaluation.get("seconds") or {}
    if seconds:
        parts = [f"{name} {seconds[name]:.1f} s" for name in ("start", "load", "evaluation") if name in seconds]
        console.print(Text("seconds  " + ", ".join(parts)), soft_wrap=True)


def _table(console: Console, motions: Sequence[Mapping[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    ascii_only = console.options.ascii_only
    marks = {True: "ok" if ascii_only else "✓", False: "lost" if ascii_only else "✗", None: ""}
    columns = _columns(motions)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("motion", overflow="fold")
    table.add_column("")
    for _, header in columns:
        table.add_column(header, justify="right")
    if len(motions) > _MOST:  # the lost ones must not be among those that are left out
        motions = sorted(motions, key=lambda motion: motion["success"] is not False)[:_MOST]
    for motion in motions:
        figures = [motion["metrics"].get(name) for name, _ in columns]
        style = "red" if motion["success"] is False else ""
        cells = ["" if figure is None else f"{figure:.4g}" for figure in figures]
        table.add_row(Text(motion["motion"], style=style), Text(marks[motion["success"]], style=style), *cells)
    return table


def _columns(motions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(metric, header): the errors that everybody looks at, else the first means that there are."""
    there = dict.fromkeys(name for motion in motions for name in motion["metrics"])
    known = [column for column in _COLUMNS if column[0] in there]
    other = [name for name in there if not name.endswith(("_min", "_max", "/min", "/max"))]
    return known or [(name, name.removeprefix("eval/").removesuffix("/mean")) for name in other[:_MOST_COLUMNS]]


def _lost(common: Mapping[str, Any], motions: int) -> str:
    failed = [str(name) for name in common.get("failed") or ()]
    if not failed:
        return ""
    named = ", ".join(failed[:_NAMED]) + (f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else "")
    return f"lost {len(failed)} of {common.get('motions', motions)} motions: {named}"
