"""A user's Hydra overrides: understood by Hydra's own parser, written in the one form that works.

eval_agent.py has no primary config, so `key=value` fails ("not in struct") and `+key=value` fails when a
group brought the key already; `++key=value` always works. Groups take one plus, and each group once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.quoting import is_scanned, value_override
from pmlaunch.support.cache import JsonCache, content_key

_GRAMMAR = "hydra-1.3 overrides 2"  # part of the cache's key: raise it when the meaning of an entry changes


@dataclass(frozen=True)
class UserOverride:
    """One override as the user meant it.

    `kind` is "value", "group" or "delete"; `key` a dotted key or a group's name; `text` the right-hand side
    as typed; `value` what Hydra makes of it (plain JSON data); `added` whether a plus was typed, which says
    that the key may be new.
    """

    kind: str
    key: str
    text: str
    value: Any
    added: bool

    @property
    def choices(self) -> list[str]:
        """The options of a group override, one or many."""
        return [str(item) for item in self.value] if isinstance(self.value, list) else [str(self.value)]

    def argument(self) -> str:
        """The override in its working form."""
        if self.kind == "delete":
            return f"~{self.key}={self.text}" if self.text else f"~{self.key}"
        if self.kind == "group":
            return f"+{self.key}={self.text}"
        argument = f"++{self.key}={self.text}"
        if isinstance(self.value, str) and "${" not in self.text and is_scanned(argument):
            return value_override(self.key, self.value)  # the same text, harmless to upstream's scan
        return argument


def parse_overrides(texts: Sequence[str], groups: Iterable[str]) -> list[UserOverride]:
    """`texts` as Hydra understands them; `groups` are the config groups that the checkout has.

    Raises PML002 with Hydra's reason and a caret under the place. The answer is cached by content, since
    Hydra's parser takes a quarter of a second to import.
    """
    if not texts:
        return []
    known = sorted(groups)
    cache, key = JsonCache("overrides"), content_key(_GRAMMAR, *known, "", *texts)
    if isinstance(entry := cache.get(key), list):
        return [UserOverride(**item) for item in entry]
    parsed = _parse(texts, frozenset(known))
    cache.put(key, [asdict(item) for item in parsed])
    return parsed


def _parse(texts: Sequence[str], groups: frozenset[str]) -> list[UserOverride]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for text in texts:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            raise _syntax_error(text, error) from error
        if override.is_sweep_override():
            raise PmlaunchError(
                "PML002",
                f"{text} lists several values: that is a sweep, and an evaluation runs one. "
                "Quote the value if the commas belong to it.",
                hint=f"\"{override.key_or_group}='...'\"",
                subject=text,
            )
        parsed.append(_user_override(text, override, groups))
    return parsed


def _user_override(text: str, override: Any, groups: frozenset[str]) -> UserOverride:
    key = str(override.key_or_group)
    if not key:
        raise PmlaunchError("PML002", f"{text} names no key.", hint="write it as KEY=VALUE", subject=text)
    right_side = text.split("=", 1)[1] if "=" in text else ""
    added = text.startswith("+")
    if override.is_delete():
        return UserOverride("delete", key, right_side, None, added)
    if key.replace("@", "/").split("/")[0] in groups:
        value = override.value()
        choices = [str(item) for item in value] if isinstance(value, list) else _plain(value)
        package = f"@{override.package}" if override.package else ""
        return UserOverride("group", key + package, right_side, choices, added)
    return UserOverride("value", key, right_side, _plain(override.value()), added)


def _plain(value: Any) -> Any:
    """Hydra's parsed value as JSON data: its quoted strings become text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(getattr(value, "text", value))


def _syntax_error(text: str, error: Exception) -> PmlaunchError:
    """Hydra's reason, without its list of everything that would have been allowed, and a caret under the place."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    reason = lines[0].strip() if lines else "not an override"
    place = _place(text, error, reason)
    return PmlaunchError(
        "PML002",
        f"Hydra cannot read this override: {reason.split(' expecting ')[0]}\n  {text}\n  {' ' * place}^",
        hint="write it as \"key='value'\"",
        subject=text,
    )


def _place(text: str, error: Exception, reason: str) -> int:
    """Where Hydra stopped reading, as an index into `text`; the end when it wanted more."""
    if "'<EOF>'" in reason.split(" expecting ")[0]:
        return len(text)
    column = getattr(getattr(error.__cause__, "offendingToken", None), "column", None)
    if column is None:
        column = getattr(error.__cause__, "startIndex", None)
    if isinstance(column, int):
        return min(column, len(text))
    # "extraneous input '(' ...": the piece is named, its column is not
    pieces = reason.split("'")
    piece = pieces[1] if len(pieces) > 2 else ""
    return max(text.find(piece, text.find("=") + 1), 0)


def merge_group_choices(overrides: Iterable[UserOverride], group: str, more: Iterable[str] = ()) -> list[str]:
    """Every option chosen for `group`, `more` first: two `+opt=` would fail, one list works, the later wins."""
    chosen = list(more)
    for override in overrides:
        if override.kind == "group" and override.key == group:
            chosen += override.choices
    return list(dict.fromkeys(chosen))
