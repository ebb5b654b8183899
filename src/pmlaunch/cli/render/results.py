"""The only place that prints results: one document with --json, else tables and sentences for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.cli.render.encoding import can_show, symbol
from pmlaunch.cli.render.metrics import measured
from pmlaunch.cli.render.tables import short, table_of
from pmlaunch.cli.result import Outcome
from pmlaunch.codes import Code
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, LaunchPlan, RunRecord, RunState, RuntimeKind, Severity
from pmlaunch.running.agent_hooks import measuring_overrides, wrapped
from pmlaunch.running.stop import Stopped
from pmlaunch.runtimes.interface import IsaacLabRuntime, PythonRuntime
from pmlaunch.support.json import to_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_LIBRARY_LINES = 40
_SHOWN_METRICS = (
    *("eval/gt_err", "eval/gr_err_degrees", "eval/cartesian_err", "eval/tracking_success_rate"),  # 2.x and the demo
    *("eval/gt_error/mean", "eval/gr_error/mean", "eval/max_joint_error/mean", "eval/success_rate"),  # 3.x
)


def render(outcome: Outcome, *, as_json: bool) -> None:
    """Print `outcome`: results to stdout, what went wrong to stderr; with --json one document to stdout."""
    if as_json:
        sys.stdout.write(json.dumps(to_json(outcome), indent=2, ensure_ascii=not _is_utf8(sys.stdout)) + "\n")
        sys.stdout.flush()
        return
    out, err = _console(sys.stdout), _console(sys.stderr)
    shown = outcome.shown
    if isinstance(shown, LaunchPlan):
        _plan(out, shown)
    elif isinstance(shown, RunRecord):
        _record(out, shown)
    elif isinstance(shown, Code):
        _code(out, shown)
    elif isinstance(shown, (IsaacLabRuntime, PythonRuntime)):
        _runtime(out, shown)
    elif isinstance(shown, Stopped):
        _stopped(out, shown)
    elif hasattr(shown, "render"):
        shown.render(out)  # what has a file of its own: cli/render_*.py
    _findings(err, outcome.findings)
    for error in outcome.errors:
        _error(err, error)


def _console(stream: Any) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, emoji=False, soft_wrap=False)


def _is_utf8(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _error(console: Console, error: PmlaunchError) -> None:
    from rich.text import Text

    console.print(Text.assemble(("error ", "bold red"), (error.code, "bold"), " ", error.message), soft_wrap=True)
    if error.hint:
        console.print(Text(f"  next: {error.hint}", style="green"), soft_wrap=True)


def _findings(console: Console, findings: Sequence[Finding]) -> None:
    from rich.text import Text

    for finding in findings:
        style = _STYLES[finding.severity]
        line = Text.assemble((finding.severity.value, style), " ", (finding.code, "bold"), " ", finding.message)
        console.print(line, soft_wrap=True)
        if finding.hint:
            console.print(Text(f"  next: {finding.hint}", style="green"), soft_wrap=True)


def _plan(console: Console, plan: LaunchPlan) -> None:
    from rich.text import Text

    table = table_of("what", "value", "from", title=f"Plan: evaluate {plan.model} on {plan.platform}")
    table.columns[0].no_wrap = True
    for name, sourced in plan.provenance.items():
        value = sourced.value if name == "checkout" else _within(sourced.value, plan.cwd)
        table.add_row(Text(name), Text(short(value)), Text(str(sourced.source), style="dim"))
    console.print(table)
    what = "Overrides for " if plan.hydra else "Arguments of "
    _block(console, what + plan.script.name, list(plan.overrides))
    if plan.measuring.library is not None:
        lines = plan.measuring.library.splitlines()
        shown = lines if len(lines) <= _LIBRARY_LINES else [*lines[:_LIBRARY_LINES], f"... {len(lines)} lines"]
        _block(console, "motions.yaml, written to the run folder", shown)
    added = measuring_overrides(plan)
    if added:
        _block(console, "Added in the run, to measure and to keep", added)
    _block(console, "Started as", [" ".join(plan.command), f"in {plan.cwd}"])
    shell = "powershell" if plan.platform == "windows" else "bash"
    line = plan.plain_command[shell]
    notes = []
    if not can_show(console.encoding, line):
        notes.append(f"This console ({console.encoding}) cannot show all of it: do not paste it; --json has it whole.")
    if wrapped(plan):
        notes.append(
            "It measures, keeps and records nothing: what a run adds for that (above) works inside pmlaunch only."
        )
    if plan.measuring.library is not None:
        notes.append("It needs motions.yaml: save the list above, and write its path in the place of motions.yaml.")
    _block(console, f"The same without pmlaunch ({shell})", [line], "\n".join(notes))


def _within(value: Any, root: Path) -> Any:
    """Paths of the checkout relative to it: a line should fit 80 columns."""
    if isinstance(value, tuple):
        return tuple(_within(item, root) for item in value)
    return value.relative_to(root) if isinstance(value, Path) and value.is_relative_to(root) else value


def _block(console: Console, title: str, lines: Sequence[str], note: str | None = None) -> None:
    """Lines to copy: never wrapped, never decorated. `note` stands beneath them."""
    from rich.text import Text

    console.print(Text(title, style="bold"))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
    if note:
        console.print(Text(note, style="yellow"), soft_wrap=True)
    console.print()


def _record(console: Console, record: RunRecord) -> None:
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
        console.print(_metrics_table(record))
    measured(console, record)
    for repair in record.repairs:
        console.print(Text(f"repaired for this run: {repair}", style="yellow"), soft_wrap=True)
    _files(console, record.folder, done)


def _metrics_table(record: RunRecord) -> Table:
    """The totals. Where upstream's _min and _max are means over the motions' extremes, the headers say so."""
    from rich.text import Text

    averaged = len(record.evaluation.get("per_motion") or ()) > 1 and "eval/gt_err_max" in record.metrics
    table = table_of("metric", "value", *(("mean of min", "mean of max") if averaged else ("min", "max")), "unit")
    table.columns[0].no_wrap = True
    for column in table.columns[1:4]:
        column.justify = "right"
    names = [name for name in _SHOWN_METRICS if name in record.metrics]
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
    """The smallest and the largest of a metric, by the name of its mean: gt_err_min, gt_error/min."""
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


def _runtime(console: Console, runtime: IsaacLabRuntime | PythonRuntime) -> None:
    from rich.text import Text

    facts = runtime.facts
    rows = [
        ("started by", "Isaac Lab" if facts.kind is RuntimeKind.ISAACLAB else "a plain interpreter"),
        ("path", facts.path),
        ("found", facts.source),
        ("version", facts.version),
        ("Python", facts.python.path if facts.python else None),
        ("chosen by", facts.python.by if facts.python else None),
        ("Python version", facts.python.version if facts.python else None),
        ("command", " ".join(runtime.command())),
    ]
    rows += [(f"{name} is", "removed" if value is None else value) for name, value in runtime.environment.items()]
    for name, value in rows:
        if value:
            console.print(Text.assemble((f"{name:<15}", "bold"), str(value)), soft_wrap=True)


def _stopped(console: Console, stopped: Stopped) -> None:
    from rich.text import Text

    how = "it wrote its own verdict" if stopped.politely else "its processes were ended"
    console.print(Text(f"stopped  {stopped.folder}  ({stopped.state}; {how})"), soft_wrap=True)


def _code(console: Console, code: Code) -> None:
    from rich.text import Text

    console.print(Text.assemble((code.code, "bold"), f"  {code.title}  (exit code {code.exit_code})"))
    console.print(Text(f"  why:  {code.cause}"))
    console.print(Text(f"  next: {code.cure}", style="green"))
