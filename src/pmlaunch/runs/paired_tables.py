"""A comparison of two policies as CSV, JSON, Markdown and LaTeX. Success never stands without its definition."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pmlaunch.reporting.plain_text import plain
from pmlaunch.runs.paired import Group, MotionPair, PairedComparison, Row
from pmlaunch.runs.statistics import Estimate
from pmlaunch.support.json import dumps

HEADERS: Final = ("", "A", "B", "B - A", "p")
SEED_HEADERS: Final = ("over the seeds", "A", "sd of A", "B", "sd of B")
MOTION_HEADERS: Final = ("motion", "success A", "success B", "error A, mm", "error B, mm")
MOST_MOTIONS: Final = 10
"""Regressions that a table for people shows."""
_LONGEST: Final = 4_000  # characters of a caption
_SHOWN: Final = {"success": (100.0, "%"), "error": (1000.0, "mm"), "rotation": (1.0, "degrees")}
_LATEX: Final = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}"}  # fmt: skip


def rows_of(group: Group) -> list[tuple[str, ...]]:
    """The rows below HEADERS."""
    found = []
    for row in group.rows:
        p = row.p if row.adjusted is None else row.adjusted
        values = (_interval(row, value) for value in (row.a, row.b))
        found.append((_title(row), *values, _interval(row, row.change, sign="+"), _p(p)))
    return found


def seeds_of(group: Group) -> list[tuple[str, ...]]:
    """The rows below SEED_HEADERS; none for one seed."""
    return [
        (
            _title(row),
            _interval(row, row.spread.a),
            _number(row, row.spread.deviation_a),
            _interval(row, row.spread.b),
            _number(row, row.spread.deviation_b),
        )
        for row in group.rows
        if row.spread is not None
    ]


def regressions_of(group: Group) -> list[tuple[str, ...]]:
    """The rows below MOTION_HEADERS: the motions that B tracks less often or with a larger error, the worst first."""
    worse = [motion for motion in group.motions if motion.gained < 0 or (motion.gained == 0 and motion.grown > 0)]
    return [_motion(motion) for motion in worse[:MOST_MOTIONS]]


def caption_of(group: Group) -> str:
    """The conditions, the definition of success and the numbers of a group in one sentence."""
    definition = "what counts as a failure is not known" if group.definition is None else str(group.definition)
    seeds = f"{len(group.seeds)} seeds" if len(group.seeds) > 1 else f"seed {group.seeds[0]}"
    return f"{group.name}: {len(group.motions)} motions, {seeds}. Success: {definition}."


def _motion(motion: MotionPair) -> tuple[str, ...]:
    successes = ("-" if it is None else f"{100 * it:.4g} %" for it in (motion.success_a, motion.success_b))
    errors = ("-" if it is None else f"{1000 * it:.4g}" for it in (motion.error_a, motion.error_b))
    return (motion.name, *successes, *errors)


def _title(row: Row) -> str:
    of = {"all": "all motions", "succeeded": "motions that both tracked"}[row.over]
    return f"{row.measure}, {_SHOWN[row.measure][1]}" + ("" if row.measure == "success" else f", {of} ({row.a.n})")


def _number(row: Row, value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{_SHOWN[row.measure][0] * value:{sign}.3f}".rstrip("0").rstrip(".")


def _interval(row: Row, value: Estimate, sign: str = "") -> str:
    if value.low is None:
        return _number(row, value.value, sign)
    return f"{_number(row, value.value, sign)} [{_number(row, value.low, sign)}, {_number(row, value.high, sign)}]"


def _p(p: float | None) -> str:
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _csv(comparison: PairedComparison) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    conditions = list(dict.fromkeys(name for group in comparison.groups for name in group.conditions))
    ends = ("", "_low", "_high")
    estimates = [f"{name}{end}" for name in ("a", "b", "difference") for end in ends]
    spread = [f"{name}_{side}" for side in "ab" for name in ("seeds_mean", "seeds_sd", "seeds_low", "seeds_high")]
    names = ["measure", "over", "unit", "definition", "motions", "seeds", *estimates, "p", "p_adjusted", "verdict"]
    writer.writerow([*conditions, *names, *spread])
    for group in comparison.groups:
        shared = [_cell(group.conditions.get(name, "")) for name in conditions]
        definition = "" if group.definition is None else str(group.definition)
        for row in group.rows:
            numbers = [end for it in (row.a, row.b, row.change) for end in (it.value, it.low, it.high)]
            what = [row.measure, row.over, row.unit, definition, row.a.n, len(group.seeds)]
            writer.writerow([*shared, *what, *numbers, row.p, row.adjusted, row.verdict.value, *_spread(row)])
    return text.getvalue()


def _spread(row: Row) -> list[float | None]:
    if row.spread is None:
        return [None] * 8
    sides = ((row.spread.a, row.spread.deviation_a), (row.spread.b, row.spread.deviation_b))
    return [number for it, deviation in sides for number in (it.value, deviation, it.low, it.high)]


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = plain(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _markdown(comparison: PairedComparison) -> str:
    def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
        lines = [headers, [":--", *["--:"] * (len(headers) - 1)], *rows]
        return [f"| {' | '.join(plain(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines] + [""]

    lines = [f"B (`{plain(comparison.b)}`) compared with A (`{plain(comparison.a)}`): {comparison.verdict.value}.", ""]
    lines += [f"- {verdict}: {plain(text)}" for verdict, texts in _verdicts(comparison).items() for text in texts]
    for group in comparison.groups:
        lines += ["", plain(caption_of(group), _LONGEST), "", *table(HEADERS, rows_of(group))]
        lines += [f"B tracks {group.wins} motions more often and {group.losses} less often.", ""]
        if rows := seeds_of(group):
            lines += table(SEED_HEADERS, rows)
        if rows := regressions_of(group):
            lines += table(MOTION_HEADERS, rows)
    lines += [_METHOD, *(f"Note: {plain(note)}" for note in comparison.notes)]
    return "\n".join(lines) + "\n"


_METHOD: Final = (
    "95 % intervals: Wilson (success), bootstrap over motions (errors), Student over seeds. p: exact McNemar test "
    "(success), paired bootstrap (errors), adjusted by Holm's method where it decides."
)


def _verdicts(comparison: PairedComparison) -> Mapping[str, Sequence[str]]:
    return {"worse": comparison.worse, "better": comparison.better}


def _latex(comparison: PairedComparison) -> str:
    lines = ["% needs \\usepackage{booktabs}"]
    for group in comparison.groups:
        caption = f"B ({comparison.b}) and A ({comparison.a}). {caption_of(group)} {_METHOD}"
        body = [f"{' & '.join(map(_escaped, row))} \\\\" for row in rows_of(group)]
        lines += ["\\begin{table}", "\\centering", f"\\caption{{{_escaped(caption)}}}", "\\begin{tabular}{lrrrr}"]
        lines += ["\\toprule", f"{' & '.join(map(_escaped, HEADERS))} \\\\", "\\midrule", *body, "\\bottomrule"]
        lines += ["\\end{tabular}", "\\end{table}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"[\\~^<>&%$#_{}]", lambda found: _LATEX[found[0]], plain(text, _LONGEST))


def _json(comparison: PairedComparison) -> str:
    return dumps(comparison, indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[PairedComparison], str]]] = {
    "csv": _csv,
    "json": _json,
    "md": _markdown,
    "latex": _latex,
}
SUFFIXES: Final[Mapping[str, str]] = {".csv": "csv", ".json": "json", ".md": "md", ".tex": "latex"}
