"""Generate the exact pages of the documentation site while MkDocs builds it (`hooks` in mkdocs.yml).

A line `<!-- generated: NAME -->` in a page is replaced by what `CONTENT[NAME]` returns, so that no page can be out of
date. The schemas of `json_schemas.py` become files of the site.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from json_schemas import schemas
from make_errors_doc import errors_document

if TYPE_CHECKING:
    import typer

_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_BREAK = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n[ \t]*(?=[\u3000-\u9fff\uff00-\uffef])")
_EXITS = {
    "DONE": "The command did what was asked; an evaluation finished.",
    "FAILED": "The evaluation failed, or a threshold of `smoke` was missed, or `compare --baseline` found a policy worse.",
    "USAGE": "An option, an override or a settings file is invalid.",
    "NOT_FOUND": "A name, a file or a checkout was not found, or is ambiguous.",
    "CHECK": "A check found that the run would fail. It outweighs other findings.",
    "ENVIRONMENT": "A tool, a package or disk space is missing, or Isaac Lab's script failed before Python started.",
    "INSTALL": "A step of `install` or `fetch` failed.",
    "TIME": "The run reached `--timeout`, or `--silence` without output.",
    "NO_VERDICT": "The run ended without reporting a result: it crashed or was killed.",
    "INTERNAL": "Internal error: a bug in pmlaunch.",
    "INTERRUPTED": "Interrupted by Ctrl+C or `pmlaunch stop`.",
}


def commands() -> str:
    """Every command with its arguments, options and examples, from the command line itself."""
    import typer

    from pmlaunch.cli.app import app

    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="pmlaunch")
    return "\n".join(_commands_of(group, context, "pmlaunch"))


def _commands_of(group: Any, context: typer.Context, prefix: str) -> Iterable[str]:
    import typer

    for name in group.list_commands(context):
        one = group.get_command(context, name)
        inside = typer.Context(one, context)
        yield from (f"## {prefix} {name}", "", *_help(one.help or ""), *_options(one, inside))
        if hasattr(one, "list_commands"):
            yield from _commands_of(one, inside, f"{prefix} {name}")


def _help(text: str) -> Iterable[str]:
    """A command's help text, with its examples as code: the paragraphs that Typer is told to keep as they are."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in paragraph.strip("\n").splitlines()]
        kept = [line for line in lines if line.strip("\b")]
        if "\b" in paragraph:
            yield from ("```text", *kept, "```", "")
        else:
            yield from (_plain(" ".join(kept)), "")


def _options(command: Any, context: typer.Context) -> Iterable[str]:
    for kind, title in (("argument", "Argument"), ("option", "Option")):
        rows = []
        for each in command.get_params(context):
            if each.param_type_name == kind and not getattr(each, "hidden", False):
                text, variable, name = (each.help or "").partition(" [env:")
                variable = f"<br>`{name.rstrip(']')}`" if variable else ""
                rows.append((_names(each), _plain(text) + _default(each) + variable))
        if rows:
            yield from _table((title, "Meaning"), rows)


def _names(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        return f"`{parameter.name}`"
    flag = getattr(parameter, "is_flag", False) or "--help" in names
    value = "" if flag else f" {parameter.metavar or parameter.type.name}"
    return ", ".join(f"`{name}`" for name in names) + (f" `{value.strip()}`" if value else "")


def _default(parameter: Any) -> str:
    if parameter.default in (None, False, (), [], "", MISSING) or parameter.required or callable(parameter.default):
        return ""
    value = parameter.default if not isinstance(parameter.default, bool) else parameter.opts[0]
    return f" Default: `{value}`."


def settings() -> str:
    """Every setting: the key of pmlaunch.yaml, its environment variable, the option and the meaning."""
    from pmlaunch.request import SETTINGS

    rows = [
        (f"`{name}`", "<br>".join(f"`{word}`" for word in (each.variable, *_flags(each))), _plain(each.option.help))
        for name, each in SETTINGS.items()
    ]
    return "\n".join(_table(("Key", "Variable and option", "Meaning"), rows))


def _flags(parameter: Any) -> list[str]:
    return [flag for flag in (*parameter.flags, parameter.option.off) if flag]


def exit_codes() -> str:
    """Every exit code of `codes.Exit`."""
    from pmlaunch.codes import Exit

    numbers = {name: value for name, value in vars(Exit).items() if not name.startswith("_")}
    return "\n".join(_table(("Exit code", "Meaning"), [(str(code), _EXITS[name]) for name, code in numbers.items()]))


def errors() -> str:
    """The registry of codes, without the page's introduction; `#PML101` is the anchor of a code."""
    text = errors_document()
    sections = text[text.index("\n## ") :].replace("<", "&lt;").replace("*", r"\*")
    return re.sub(r"^(### (PML\d{3}): .*)$", r"\1 { #\2 }", sections, flags=re.MULTILINE)


CONTENT: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "exit_codes": exit_codes,
    "errors": errors,
}


def on_files(files: Any, config: Any) -> Any:
    """Add the JSON schemas to the site."""
    from mkdocs.structure.files import File

    for name, schema in schemas().items():
        files.append(
            File.generated(config, f"reference/{name}.schema.json", content=json.dumps(schema, indent=2) + "\n")
        )
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is generated; join lines that end and begin with Chinese characters, which take no blank between."""
    return _BREAK.sub("", _MARK.sub(lambda found: CONTENT[found[1]](), markdown))


def on_page_context(context: Any, page: Any, config: Any, **_: Any) -> Any:
    """Give the pages in zh/ Chinese labels and `lang="zh"`."""
    config.theme["language"] = "zh" if page.file.src_uri.startswith("zh/") else "en"
    return context


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    yield from (f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head)))
    yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |" for cells in rows)
    yield ""


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return re.sub(r"([*_<>{}\[\]`])", r"\\\1", text).replace("\n", " ")
