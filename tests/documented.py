"""Commands in the code blocks of README and docs.

A comment `<!-- needs: WHAT -->` before a block says what its commands need that a test does not have. The commands of
all other blocks are executed, in a folder without a checkout.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md")))
}
SHELLS = {"powershell", "bash"}
OTHER_LANGUAGES = {"text", "yaml", "json", "python"}
NEEDS = {"network", "clone", "a run", "isaaclab", "gpu", "your own file"}
_FENCE = re.compile(
    r"(?:^ *<!-- needs: (?P<needs>[^>]+?) -->\n)?^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    needs: str | None
    lines: tuple[tuple[str, ...], ...]
    """The words of each command, if the language is one of SHELLS."""


def blocks(page: str) -> list[Block]:
    return [
        Block(page, found["language"], found["needs"], tuple(_commands(found["body"]) if _shell(found) else ()))
        for found in _FENCE.finditer(PAGES[page])
    ]


def text_outside_blocks(page: str) -> str:
    return _FENCE.sub("", PAGES[page])


def documented(*, executable: bool) -> list[tuple[str, ...]]:
    """The words of every command in a shell's block, each once."""
    found = [block for page in PAGES for block in blocks(page) if (block.needs is None) is executable]
    return list(dict.fromkeys(line for block in found for line in block.lines))


def _shell(found: re.Match[str]) -> bool:
    return found["language"] in SHELLS


def _commands(body: str) -> Iterator[tuple[str, ...]]:
    for line in body.splitlines():
        lexer = shlex.shlex(line, posix=True)
        lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", "#"  # a backslash belongs to a path
        words = list(lexer)
        while words:
            end = next((index for index, word in enumerate(words) if word.endswith(";")), len(words) - 1)
            yield tuple(word.rstrip(";") for word in words[: end + 1])
            words = words[end + 1 :]
