"""The only way to stdout and stderr, and so the one place where text from outside is made harmless.

A test keeps every other module from writing there or from making a console of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

from pmlaunch.support.text import clean, without_commands

if TYPE_CHECKING:
    from rich.console import Console
    from rich.theme import Theme


_SHADES: Mapping[str, str] = {"green": "#009a1a", "yellow": "#d75f00", "cyan": "#0087af", "red": "#ff0000"}
"""Shades with the same contrast on white and on the dark grey of terminals, 3.5:1. The usual yellow has 1.7:1 on white."""


def write(stream: IO[str], text: str) -> None:
    """Write text, which may be long and come from outside, as `clean` makes it."""
    stream.write(clean(text, longest=len(text)))
    stream.flush()


def write_json(stream: IO[str], text: str) -> None:
    """Write a document made by `support.json.dumps`, which escapes everything that a terminal obeys."""
    stream.write(text + "\n")
    stream.flush()


def console_on(stream: IO[str], **options: Any) -> Console:
    """A console without markup whose text is cleaned, whatever it is asked to print."""
    console: Console = _console_class()(
        file=_WithoutCommands(stream), markup=False, highlight=False, emoji=False, theme=_theme(), **options
    )
    return console


class _WithoutCommands:
    """A stream that takes commands of CI systems apart: only here are lines known as they are printed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(without_commands(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@functools.cache
def _theme() -> Theme:
    from rich.theme import Theme

    return Theme({**_SHADES, **{f"bold {name}": f"bold {shade}" for name, shade in _SHADES.items()}})


@functools.cache
def _console_class() -> Any:
    # made when rich is needed, which is slow to import
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class CleanConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=clean(segment.text))

    return CleanConsole
