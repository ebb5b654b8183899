"""A comparison of two policies as tables for people, CSV, JSON, Markdown and LaTeX. No rate is without its definition."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pmlaunch.reporting.plain_text import plain
from pmlaunch.runs.paired import ABOUT, Group, PairedComparison, Row
from pmlaunch.runs.statistics import Estimate
from pmlaunch.support.json import dumps

METHOD: Final = (
    "95 % intervals: Wilson (success), bootstrap over motions (errors), Student (over the seeds). "
    "p: exact McNemar test (success), paired bootstrap (errors); where it decides, adjusted by Holm's method."
)
_MOST_MOTIONS: Final = 10
_LONGEST: Final = 4_000  # characters of a caption
_SHOWN: Final = {"success": (100.0, 1, "%"), "error": (1000.0, 1, "mm"), "rotation": (1.0, 2, "degrees")}
_NAMED: Final = {"\\": "backslash", "~": "asciitilde", "^": "asciicircum", "<": "less", ">": "greater"}
_LATEX: Final = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"} | {char: rf"\text{name}{{}}" for char, name in _NAMED.items()}
)


class Table(NamedTuple):
    """Rows of text below their headers; the first column is the name of a row."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def caption(group: Group) -> str:
    """The conditions, the definition of success and the numbers of a group in one sentence."""
    definition = "what counts as a failure is not recorded" if group.definition is None else str(group.definition)
    seeds = f"{len(group.seeds)} seeds" if len(group.seeds) > 1 else f"seed {group.seeds[0]}"
    return f"{group.name}: {len(group.motions)} motions, {seeds}. Success: {definition}."


def counts(group: Group) -> str:
    """Wins and losses in one sentence."""
    success = (
        "" if group.definition is None else f"tracks {group.wins} motions more often and {group.losses} less often, "
    )
    return f"B {success}has a smaller error on {group.closer} and a larger one on {group.farther}."


def tables(group: Group) -> Iterator[Table]:
    """Yield the figures, their spread over several seeds, and the motions that became worst; none that is empty."""
    figures, seeds, motions = [], [], []
    for row in group.rows:
        title = _title(row)
        p = row.p if row.adjusted is None else row.adjusted
        shown_p = "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
        figures.append((title, _estimate(row, row.a), _estimate(row, row.b), _estimate(row, row.change, "+"), shown_p))
        if row.spread is not None:
            a, b, *deviations = row.spread.a, row.spread.b, row.spread.deviation_a, row.spread.deviation_b
            sd_a, sd_b = ("-" if it is None else _number(row, it) for it in deviations)
            seeds.append((title, _estimate(row, a), sd_a, _estimate(row, b), sd_b))
    for each in group.motions:
        if each.gained < 0 or (each.gained == 0 and each.grown > 0):
            successes = ("-" if it is None else f"{100 * it:.3g} %" for it in (each.success_a, each.success_b))
            errors = ("-" if it is None else f"{1000 * it:.1f}" for it in (each.error_a, each.error_b))
            motions.append((each.name, *successes, *errors))
    yield Table(("", "A", "B", "B - A", "p"), figures)
    if seeds:
        yield Table(("over the seeds", "A", "sd of A", "B", "sd of B"), seeds)
    if motions:
        yield Table(("worst regressions", "success A", "B", "error A, mm", "B"), motions[:_MOST_MOTIONS])


def _title(row: Row) -> str:
    of = "" if row.measure == "success" else f" of {ABOUT[row.over]} ({row.a.n})"
    return f"{row.measure}{of}, {_SHOWN[row.measure][2]}"


def _number(row: Row, value: float, sign: str = "") -> str:
    factor, digits, _ = _SHOWN[row.measure]
    return f"{factor * value:{sign}.{digits}f}"


def _estimate(row: Row, it: Estimate, sign: str = "") -> str:
    if it.low is None or it.high is None:
        return _number(row, it.value, sign)
    return f"{_number(row, it.value, sign)} [{_number(row, it.low, sign)}, {_number(row, it.high, sign)}]"


def _csv(comparison: PairedComparison) -> str:
    """One row for each measure and group. Rates with different definitions are different measures."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    conditions = list(dict.fromkeys(name for group in comparison.groups for name in group.conditions))
    estimates = ("a", "b", "difference", "seeds_a", "seeds_b")
    numbers = [f"{name}{end}" for name in estimates for end in ("", "_low", "_high")]
    tests = ("p", "p_adjusted", "verdict", "seeds_sd_a", "seeds_sd_b")
    writer.writerow([*conditions, "measure", "over", "unit", "motions", "seeds", *numbers, *tests])
    for group in comparison.groups:
        shared = [_cell(group.conditions.get(name, "")) for name in conditions]
        for row in group.rows:
            what = f"success ({group.definition})" if row.measure == "success" else row.measure
            spread = row.spread
            given = (row.a, row.b, row.change, *((spread.a, spread.b) if spread else (None, None)))
            values = [end for it in given for end in ((it.value, it.low, it.high) if it else ("", "", ""))]
            decided = [row.p, row.adjusted, row.verdict and row.verdict.value]
            deviations = [spread.deviation_a, spread.deviation_b] if spread else ["", ""]
            counts = [row.a.n, len(group.seeds)]
            writer.writerow([*shared, what, row.over, row.unit, *counts, *values, *decided, *deviations])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = plain(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _markdown(comparison: PairedComparison) -> str:
    lines = [f"{heading(comparison)}", "", *(f"- {text}" for text in (*comparison.worse, *comparison.better))]
    for group in comparison.groups:
        lines += ["", caption(group), "", counts(group)]
        for table in tables(group):
            rows = [table.headers, (":--", *("--:",) * (len(table.headers) - 1)), *table.rows]
            cells = ([plain(cell).replace("|", r"\|") for cell in row] for row in rows)
            lines += ["", *(f"| {' | '.join(row)} |" for row in cells)]
    lines += ["", METHOD, *(f"Note: {note}" for note in comparison.notes)]
    return "".join(f"{line if line.startswith('|') else plain(line, _LONGEST)}\n" for line in lines)


def heading(comparison: PairedComparison) -> str:
    """What was compared, and the verdict."""
    return f"B ({comparison.b}) compared with A ({comparison.a}): {comparison.verdict.value}"


def _latex(comparison: PairedComparison) -> str:
    lines = ["% \\usepackage{booktabs}"]
    for group in comparison.groups:
        for table in list(tables(group))[: 2 if len(group.seeds) > 1 else 1]:
            head, *rows = (f"{' & '.join(map(_escaped, row))} \\\\" for row in (table.headers, *table.rows))
            text = _escaped(f"{heading(comparison)}. {caption(group)} {METHOD}")
            lines += ["\\begin{table}", "\\centering", f"\\caption{{{text}}}", "\\begin{tabular}{lrrrr}", "\\toprule"]
            lines += [head, "\\midrule", *rows, "\\bottomrule", "\\end{tabular}", "\\end{table}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return plain(text, _LONGEST).translate(_LATEX)


FORMATS: Final[Mapping[str, Callable[[PairedComparison], str]]] = {
    "csv": _csv,
    "json": lambda comparison: dumps(comparison, indent=2) + "\n",
    "md": _markdown,
    "latex": _latex,
}
SUFFIXES: Final[Mapping[str, str]] = {".csv": "csv", ".json": "json", ".md": "md", ".tex": "latex"}
