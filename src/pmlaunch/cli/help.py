"""The layout of help: commands and options in groups, and the whole width of a wide terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import typer

from pmlaunch.request import Parameter, Setting

WIDTH: Mapping[str, int] = {"max_content_width": 120}
"""A setting of a command's context: how wide its help may become."""
_MOST_TERM = 28  # columns for the names of options; a longer one gets a line of its own
_GROUP_FROM = 8  # options; fewer are one list
_OTHER = "How"  # the group of options that are in none of these
_GROUPS: Mapping[str, frozenset[str]] = {
    "What": frozenset(
        {"model", "models", "motions", "checkpoint", "robot", "terrain", "constraints", "ref", "source", "extras"}
        | {"suite", "suites"}
    ),
    _OTHER: frozenset(),
    "Where": frozenset(
        {"simulator", "protomotions", "isaaclab", "python", "via", "folder", "target_os", "trust_workspace"}
    ),
    "Output": frozenset(
        {"runs", "output", "save_motion", "record", "report", "report_to", "junit", "summary"}
        | {"quiet", "as_json", "verbose", "help"}
    ),
}
_NO_BRACES = str.maketrans("", "", "{}")
_METAVARS: Mapping[object, str] = {Setting.FOLDER: "DIR", Setting.PROGRAM: "PROGRAM", int: "N", float: "NUMBER"}


def metavar_of(parameter: Parameter) -> str | None:
    """What stands for the value of an option: its choices, or what kind of value it is; None for a switch."""
    option = parameter.option
    if parameter.type is bool:
        return None
    named = _METAVARS.get(option.setting, _METAVARS.get(parameter.type, "NAME"))
    return option.metavar or "|".join(option.choices) or named


def help_of(parameter: Parameter) -> str:
    """The help of an option, with the variable that sets it."""
    variable = f" [env:{parameter.variable}]" if parameter.option.setting else ""
    return f"{parameter.option.help}{variable}"


class GroupedCommand(typer.core.TyperCommand):
    """A command whose help has its options in groups, if they are many."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Upper case for arguments, as in the list of them. Typer puts braces around a required one."""
        first, *rest = super().collect_usage_pieces(ctx)
        return [first, *(piece.translate(_NO_BRACES).upper() for piece in rest)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        arguments: list[tuple[str, str]] = []
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in _GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and parameter.param_type_name == "argument":
                arguments.append((record[0].upper(), record[1]))
            elif record is not None:
                groups[_group_of(str(parameter.name))].append(record)
        if sum(map(len, groups.values())) < _GROUP_FROM:
            groups = {"Options": [record for records in groups.values() for record in records]}
        write_sections(formatter, {"Arguments": arguments, **groups})


def _group_of(name: str) -> str:
    return next((group for group, names in _GROUPS.items() if name in names), _OTHER)


def write_sections(formatter: Any, sections: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """Write definition lists under their headings, all with the same columns; empty ones are left out."""
    filled = {name: rows for name, records in sections.items() if (rows := list(records))}
    widest = max((len(term) for rows in filled.values() for term, _ in rows if len(term) <= _MOST_TERM), default=0)
    for name, rows in filled.items():
        with formatter.section(name):
            for term, text in rows:
                formatter.write_dl([(term.ljust(widest), text)], col_max=widest)
