"""A finished run for people: its state, its totals, its motions, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.layout import say, symbol, table_of
from pmlaunch.model import RunRecord, RunState
from pmlaunch.running.metrics import unit_of
from pmlaunch.running.verdict_text import Grade, grade, length, motion_error, verdict_text, worst_first
from pmlaunch.support.text import clean_line, megabytes

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
_FOR_EXTREMES = 72  # columns
# (fancy mark, plain mark, style)
_MARKS = {
    Grade.GOOD: ("✓", "ok", "bold green"),
    Grade.POOR: ("!", "!", "bold yellow"),
    Grade.BAD: ("✗", "!!", "bold red"),
}


def draw_record(record: RunRecord, console: Console) -> None:
    """Print the outcome of a run, its metrics and the paths of its files."""
    _draw_verdict(record, console)
    done = record.state is RunState.DONE
    say(console, _time(record), style="dim", wrap=True)
    _draw_lost(record, console)
    _draw_notes(record, console)
    if record.metrics:
        console.print(_totals(record, console))
    _draw_motions(record, console)
    for repair in dict.fromkeys(record.repairs):
        say(console, f"repaired for this run: {repair}", style="yellow")
    kept = [("report", record.folder / "report.html")]
    kept += [("picture", record.folder / "poses.png"), ("motion", record.folder / "motion.npz")]
    kept += [("video", path) for path in sorted(record.folder.glob("recording*.mp4"))]
    kept = [(name, path) for name, path in kept if path.is_file()]
    kept += [] if done else [("log", record.folder / "output.log")]
    for name, path in kept:
        size = f" ({megabytes(path.stat().st_size)})" if name == "motion" else ""
        say(console, f"{name:<8} {path}{size}")
    _draw_folder(record, console)


def draw_brief(record: RunRecord, console: Console) -> None:
    """Print the verdict and the run folder (for --quiet)."""
    _draw_verdict(record, console)
    _draw_folder(record, console)


def _draw_verdict(record: RunRecord, console: Console) -> None:
    skipped = len(record.not_evaluated)
    fancy, plain, style = _MARKS[grade(record.state, record.evaluation, skipped)]
    verdict = verdict_text(record.state, record.evaluation, skipped=skipped)
    say(console, (f"{symbol(console, fancy, plain)} {verdict}", style), wrap=True)


def _draw_folder(record: RunRecord, console: Console) -> None:
    say(console, f"{'run':<8} {record.folder}")


def _time(record: RunRecord) -> str:
    """How long it took: "done in 5.6 s (start 4.0 s, evaluation 1.0 s), 150 steps at 156.4/s"."""
    text = record.state.value.replace("_", " ")
    if record.seconds is not None:
        text += f" {'in' if record.state is RunState.DONE else 'after'} {record.seconds:.1f} s"
    seconds = record.evaluation.get("seconds") or {}
    parts = [f"{name} {seconds[name]:.1f} s" for name in ("start", "load", "evaluation") if seconds.get(name, 0) >= 0.1]
    text += f" ({', '.join(parts)})" if parts else ""
    text += f", {record.steps} steps" if record.steps else ""
    return text + (f" at {record.steps_per_second:g}/s" if record.steps_per_second else "")


def _draw_lost(record: RunRecord, console: Console) -> None:
    """Print the names of the lost motions with their errors, the worst first."""
    motions = worst_first(record.evaluation.get("per_motion") or ())
    lost = [(str(entry["motion"]), motion_error(entry)) for entry in motions if entry["success"] is False]
    named = {name for name, _ in lost}
    common = record.evaluation.get("common") or {}
    lost += [(str(name), None) for name in common.get("failed") or () if str(name) not in named]
    if lost:
        names = [name if error is None else f"{name} ({length(error)})" for name, error in lost[:_MOST_NAMES]]
        more = f" and {len(lost) - _MOST_NAMES} more" if len(lost) > _MOST_NAMES else ""
        say(
            console,
            f"lost{', worst first' if len(lost) > 1 else ''}: {', '.join(names)}{more}",
            style="red",
            wrap=True,
        )


def _draw_notes(record: RunRecord, console: Console) -> None:
    """Print each note once: not those that are findings as well."""
    evaluation = record.evaluation
    if evaluation and not evaluation.get("comparable", True):
        say(console, "not comparable: the notes say why", style="bold yellow")
    said = {finding.message for finding in record.findings}
    for note in list(dict.fromkeys(evaluation.get("notes") or ()))[:_MOST_NOTES]:
        if note not in said:
            say(console, f"note: {note}", style="dim", wrap=True)


def _totals(record: RunRecord, console: Console) -> Table:
    """The totals, with their range if there is room.

    The headers say so where upstream's _min and _max are averages of the motions' extremes.
    """
    averaged = len(record.evaluation.get("per_motion") or ()) > 1 and "eval/gt_err_max" in record.metrics
    extremes: tuple[str, ...] = ("mean of min", "mean of max") if averaged else ("min", "max")
    if console.width < _FOR_EXTREMES:
        extremes = ()
    table = table_of("metric", "value", *extremes, "unit")
    table.columns[0].no_wrap = True
    for column in table.columns[1:-1]:
        column.justify, column.no_wrap = "right", True
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
        figures = figures[: 1 + len(extremes)]
        table.add_row(clean_line(name), *map(_figure, figures), unit_of(record.units, name))
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _draw_motions(record: RunRecord, console: Console) -> None:
    """Print the motions if there are several, the worst first."""
    motions = worst_first(record.evaluation.get("per_motion") or ())
    if len(motions) > 1:
        console.print(_motions(motions[:_MOST_ROWS], console))
    if len(motions) > _MOST_ROWS:
        say(console, f"{len(motions) - _MOST_ROWS} more motions in metrics.json", style="dim", wrap=True)


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
        table.add_column(clean_line(header), justify="right", no_wrap=True)
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
