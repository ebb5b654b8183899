"""A finished run for people: its state, its totals, its motions, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import symbol
from pmlaunch.cli.render.tables import table_of
from pmlaunch.model import RunRecord, RunState

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_TOTALS = (
    *("eval/gt_err", "eval/gr_err_degrees", "eval/cartesian_err", "eval/tracking_success_rate"),  # 2.x and the demo
    *("eval/gt_error/mean", "eval/gr_error/mean", "eval/max_joint_error/mean", "eval/success_rate"),  # 3.x
)
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
_MOST_COLUMNS = 4  # for a checkpoint whose evaluator has other components
_MOST_ROWS = 24  # a library may have thousands of motions; metrics.json has them all
_MOST_NAMES = 12  # of lost motions


def draw_record(record: RunRecord, console: Console) -> None:
    """Print the outcome of a run, its metrics and the paths of its files."""
    from rich.text import Text

    done = record.state is RunState.DONE
    mark = symbol(console, "✓", "ok") if done else symbol(console, "✗", "!!")
    head = [(f"{mark} {record.state.value.replace('_', ' ')}", "bold green" if done else "bold red")]
    facts = [f"{record.seconds:.1f} s"] if record.seconds is not None else []
    if record.steps:
        facts.append(f"{record.steps} steps")
    if record.steps_per_second:
        facts.append(f"{record.steps_per_second:g} steps/s")
    console.print(Text.assemble(*head, " in " + ", ".join(facts) if facts else ""))
    if record.metrics:
        console.print(_totals(record))
    _draw_motions(console, record)
    for repair in record.repairs:
        console.print(Text(f"repaired for this run: {repair}", style="yellow"), soft_wrap=True)
    _files(console, record.folder, done)


def _totals(record: RunRecord) -> Table:
    """The totals. The headers say so where upstream's _min and _max are averages of the motions' extremes."""
    from rich.text import Text

    averaged = len(record.evaluation.get("per_motion") or ()) > 1 and "eval/gt_err_max" in record.metrics
    table = table_of("metric", "value", *(("mean of min", "mean of max") if averaged else ("min", "max")), "unit")
    table.columns[0].no_wrap = True
    for column in table.columns[1:4]:
        column.justify = "right"
    names = [name for name in _TOTALS if name in record.metrics]
    names += [
        name
        for name in record.metrics
        if name not in names and not name.startswith("eval/") and (averaged or not name.endswith(("_min", "_max")))
    ]
    for name in names:
        low, high = (None, None) if averaged and not name.startswith("eval/") else _extremes(record, name)
        unit = record.units.get(name) or record.units.get(name.removesuffix("_mean"), "")
        table.add_row(Text(name), *(_figure(value) for value in (record.metrics[name], low, high)), Text(unit))
    return table


def _extremes(record: RunRecord, name: str) -> tuple[float | None, float | None]:
    """The minimum and maximum of the metric whose mean is `name`: gt_err_min, gt_error/min."""
    flat, component = name.removesuffix("_mean"), name.removesuffix("/mean")
    low, high = (
        record.metrics.get(f"{component}/{part}", record.metrics.get(f"{flat}_{part}")) for part in ("min", "max")
    )
    return low, high


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _files(console: Console, folder: Path, done: bool) -> None:
    from rich.text import Text

    kept = [("picture", folder / "poses.png"), ("motion", folder / "motion.npz")]
    kept += [("video", path) for path in sorted(folder.glob("recording*.mp4"))]
    for what, path in kept:
        if path.is_file():
            console.print(Text(f"{what:<8} {path}"), soft_wrap=True)
    if not done:
        console.print(Text(f"log      {folder / 'output.log'}"), soft_wrap=True)
    console.print(Text(f"run      {folder}"), soft_wrap=True)


def _draw_motions(console: Console, record: RunRecord) -> None:
    """Print the motions if there are several, the names of the lost ones, the notes and the times."""
    from rich.text import Text

    evaluation = record.evaluation
    motions = evaluation.get("per_motion") or []
    if len(motions) > 1:
        console.print(_motions(console, motions))
        if len(motions) > _MOST_ROWS:
            console.print(Text(f"{len(motions) - _MOST_ROWS} more motions in metrics.json", style="dim"))
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


def _motions(console: Console, motions: Sequence[Mapping[str, Any]]) -> Table:
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
    if len(motions) > _MOST_ROWS:  # the lost ones must not be cut off
        motions = sorted(motions, key=lambda motion: motion["success"] is not False)[:_MOST_ROWS]
    for motion in motions:
        figures = [motion["metrics"].get(name) for name, _ in columns]
        style = "red" if motion["success"] is False else ""
        cells = [_figure(figure) for figure in figures]
        table.add_row(Text(motion["motion"], style=style), Text(marks[motion["success"]], style=style), *cells)
    return table


def _columns(motions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(metric, header) of the common errors, or of the first few means if there are none."""
    present = dict.fromkeys(name for motion in motions for name in motion["metrics"])
    known = [column for column in _COLUMNS if column[0] in present]
    other = [name for name in present if not name.endswith(("_min", "_max", "/min", "/max"))]
    return known or [(name, name.removeprefix("eval/").removesuffix("/mean")) for name in other[:_MOST_COLUMNS]]


def _lost(common: Mapping[str, Any], motions: int) -> str:
    failed = [str(name) for name in common.get("failed") or ()]
    if not failed:
        return ""
    more = f" and {len(failed) - _MOST_NAMES} more" if len(failed) > _MOST_NAMES else ""
    named = ", ".join(failed[:_MOST_NAMES])
    return f"lost {len(failed)} of {common.get('motions', motions)} motions: {named}{more}"
