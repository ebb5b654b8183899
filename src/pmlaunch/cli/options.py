"""Typer commands whose parameters are derived from dataclasses, so that every option is declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field
from types import GenericAlias
from typing import Any

import typer

from pmlaunch.cli.help import help_of, metavar_of
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.request import Parameter, option, parameters

Command = Callable[..., CommandResult | None]


@dataclass(frozen=True)
class OutputOptions:
    """The options that every command has."""

    as_json: bool = option("Print one JSON document to stdout.", default=False, flags=("--json",))
    verbose: bool = option("Show the whole log of a run, and tracebacks.", default=False, flags=("--verbose", "-v"))


@dataclass(frozen=True)
class Invocation(OutputOptions):
    """A command's name and output options, known even if the rest of the command line is invalid.

    `words` is the whole command line as it was typed, without `pmlaunch`.
    """

    command: str = "pmlaunch"
    words: tuple[str, ...] = field(default=(), compare=False)


def command(*records: type[Any]) -> Callable[[Command], Command]:
    """Decorate a function of an `Invocation` and one instance of each of `records` as a Typer command.

    The fields of the dataclasses, and those of `OutputOptions`, become Typer's parameters.
    """
    declared = [parameters(record) for record in (*records, OutputOptions)]

    def decorate(function: Command) -> Command:
        def call(context: typer.Context, **given: Any) -> CommandResult | None:
            for parameter in (each for names in declared for each in names.values() if each.repeatable):
                given[parameter.name] = tuple(given[parameter.name] or ())
            filled = [
                record(**{name: given[name] for name in names})
                for record, names in zip(records, declared, strict=False)
            ]
            try:
                return function(context.obj, *filled)
            except KeyboardInterrupt:  # Typer would exit with 130 and no message
                raise PmlaunchError("PML340", "Interrupted.") from None

        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        options = (_typer_parameter(parameter) for names in declared for parameter in names.values())
        call.__signature__ = inspect.Signature([context, *options])  # type: ignore[attr-defined]
        call.__annotations__ = {}
        call.__name__, call.__doc__ = function.__name__, function.__doc__
        return call

    return decorate


def _typer_parameter(parameter: Parameter) -> inspect.Parameter:
    option, required = parameter.option, parameter.default is MISSING
    hint: Any = parameter.hint
    if parameter.repeatable:
        hint = GenericAlias(list, (parameter.type,))
        hint = hint if required else hint | None
    default = ... if required else None if parameter.default == () else parameter.default
    info: Any
    if option.positional:
        info = typer.Argument(default, help=help_of(parameter), metavar=option.metavar)
    else:
        name, *more = parameter.flags
        flags = (f"{name}/{option.off}" if option.off else name, *more)
        info = typer.Option(default, *flags, help=help_of(parameter), metavar=metavar_of(parameter))
    return inspect.Parameter(parameter.name, inspect.Parameter.KEYWORD_ONLY, default=info, annotation=hint)


def read_invocation(group: typer.core.TyperGroup, words: Sequence[str]) -> Invocation:
    """Read the command's name, --json and -v with Typer's own parsers, before the command line is validated.

    What a parser rejects is skipped here. Typer reports it later, in the form that the other words ask for.
    """
    root = typer.Context(group, **group.context_settings)
    given, rest = _parse(group, root, words)
    names: list[str] = []
    known: Any = group
    while rest and isinstance(known, typer.core.TyperGroup) and not rest[0].startswith("-"):
        names.append(rest.pop(0))
        known = known.get_command(root, names[-1]) or group
        if known is group:
            break
    if names:
        given |= _parse(known, typer.Context(known, root, allow_interspersed_args=True), rest)[0]
    # a group without a command has no such option
    as_json = given.get("as_json") or (isinstance(known, typer.core.TyperGroup) and "--json" in rest)
    return Invocation(bool(as_json), bool(given.get("verbose")), " ".join(names) or "pmlaunch", tuple(words))


def refuse_contradictions(group: typer.core.TyperGroup, words: Sequence[str]) -> None:
    """Raise PML021 for an option with two values, or for both flags of one, of which Typer would take the last."""
    start = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    known: Any = group.get_command(typer.Context(group), words[start]) if start < len(words) else None
    single = [each for each in known.params if hasattr(each, "is_flag") and not each.multiple] if known else []
    options = {flag: each for each in single for flag in (*each.opts, *each.secondary_opts)}
    seen: dict[str, tuple[object, list[str]]] = {}
    rest = iter(words[start + 1 :])
    for word in rest:
        if word == "--":
            return
        name, equals, value = word.partition("=")
        option = options.get(name)
        if option is None:
            continue
        typed = [word] if equals or option.is_flag else [word, next(rest, "")]
        meant = name in option.opts if option.is_flag else value if equals else typed[-1]
        before, earlier = seen.setdefault(option.name, (meant, typed))
        if before != meant:
            at = next(i for i in range(start, len(words)) if list(words[i : i + len(earlier)]) == earlier)
            left = [*words[:at], *words[at + len(earlier) :]]
            from pmlaunch.planning.command_line import command_line  # what no other start needs

            message = f"{' '.join(earlier)} and {' '.join(typed)} contradict each other."
            raise PmlaunchError("PML021", message, fix=command_line("pmlaunch", *left), subject=option.opts[0])


def _parse(parsed: Any, context: typer.Context, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Parse `words` with the options of the command `parsed`, without the words that it rejects.

    Returns the values of the options and the words that are left.
    """
    accepted = list(words)
    while True:
        rest = list(accepted)  # the parser consumes this list, so that what it rejects comes right before the rest
        try:
            given, left, _ = parsed.make_parser(context).parse_args(rest)
        except typer.TyperException:
            del accepted[len(accepted) - len(rest) - 1]
        else:
            return given, left
