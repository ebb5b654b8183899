"""A finished run for people: its state, its totals, its motions, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.layout import say, symbol, table_of
from pmlaunch.model import RunRecord, RunState
from pmlaunch.support.text import clean_line

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
_MOST_NOTES = 50


def draw_record(record: RunRecord, console: Console) -> None:
    """Print the outcome of a run, its metrics and the paths of its files."""
    done = record.state is RunState.DONE
    mark = symbol(console, "✓", "ok") if done else symbol(console, "✗", "!!")
    facts = [f"{record.seconds:.1f} s"] if record.seconds is not None else []
    if record.steps:
        facts.append(f"{record.steps} steps")
    if record.steps_per_second:
        facts.append(f"{record.steps_per_second:g} steps/s")
    head = (f"{mark} {record.state.value.replace('_', ' ')}", "bold green" if done else "bold red")
    say(console, head, " in " + ", ".join(facts) if facts else "", wrap=True)
    if record.metrics:
        console.print(_totals(record))
    _draw_motions(record, console)
    for repair in record.repairs:
        say(console, f"repaired for this run: {repair}", style="yellow")
    kept = [("report", record.folder / "report.html")]
    kept += [("picture", record.folder / "poses.png"), ("motion", record.folder / "motion.npz")]
    kept += [("video", path) for path in sorted(record.folder.glob("recording*.mp4"))]
    kept = [(name, path) for name, path in kept if path.is_file()]
    kept += [] if done else [("log", record.folder / "output.log")]
    for name, path in (*kept, ("run", record.folder)):
        say(console, f"{name:<8} {path}")


def _totals(record: RunRecord) -> Table:
    """The totals. The headers say so where upstream's _min and _max are averages of the motions' extremes."""
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
        flat, component = name.removesuffix("_mean"), name.removesuffix("/mean")
        figures = [record.metrics[name], None, None]
        if not averaged or name.startswith("eval/"):
            figures[1:] = (  # gt_error/min, or gt_err_min
                record.metrics.get(f"{component}/{part}", record.metrics.get(f"{flat}_{part}"))
                for part in ("min", "max")
            )
        table.add_row(clean_line(name), *map(_figure, figures), record.units.get(name) or record.units.get(flat, ""))
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _draw_motions(record: RunRecord, console: Console) -> None:
    """Print the motions if there are several, the names of the lost ones, the notes and the times."""
    evaluation = record.evaluation
    motions = evaluation.get("per_motion") or []
    if len(motions) > 1:
        console.print(_motions(motions, console))
    if len(motions) > _MOST_ROWS:
        say(console, f"{len(motions) - _MOST_ROWS} more motions in metrics.json", style="dim", wrap=True)
    common = evaluation.get("common") or {}
    lost = [str(name) for name in common.get("failed") or ()]
    if lost:
        more = f" and {len(lost) - _MOST_NAMES} more" if len(lost) > _MOST_NAMES else ""
        of = common.get("motions", len(motions))
        say(console, f"lost {len(lost)} of {of} motions: {', '.join(lost[:_MOST_NAMES])}{more}", style="red")
    if evaluation and not evaluation.get("comparable", True):
        say(console, "not comparable: the notes say why", style="bold yellow")
    for note in (evaluation.get("notes") or ())[:_MOST_NOTES]:
        say(console, f"note: {note}", style="dim")
    seconds = evaluation.get("seconds") or {}
    if seconds:
        parts = [f"{name} {seconds[name]:.1f} s" for name in ("start", "load", "evaluation") if name in seconds]
        say(console, "seconds  " + ", ".join(parts))


def _motions(motions: Sequence[Mapping[str, Any]], console: Console) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    marks = {True: symbol(console, "✓", "ok"), False: symbol(console, "✗", "lost"), None: ""}
    columns = _columns(motions)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("motion", overflow="fold")
    table.add_column("")
    for _, header in columns:
        table.add_column(clean_line(header), justify="right")
    if len(motions) > _MOST_ROWS:  # the lost ones must not be cut off
        motions = sorted(motions, key=lambda motion: motion["success"] is not False)[:_MOST_ROWS]
    for motion in motions:
        style = "red" if motion["success"] is False else ""
        figures = [_figure(motion["metrics"].get(name)) for name, _ in columns]
        table.add_row(
            Text(clean_line(motion["motion"]), style=style), Text(marks[motion["success"]], style=style), *figures
        )
    return table


def _columns(motions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(metric, header) of the common errors, or of the first few means if there are none."""
    present = dict.fromkeys(name for motion in motions for name in motion["metrics"])
    known = [column for column in _COLUMNS if column[0] in present]
    other = [name for name in present if not name.endswith(("_min", "_max", "/min", "/max"))]
    return known or [(name, name.removeprefix("eval/").removesuffix("/mean")) for name in other[:_MOST_COLUMNS]]
