"""A user's Hydra overrides: parsed by Hydra, written in the one form that eval_agent.py accepts.

eval_agent.py has no primary config, so `key=value` fails ("not in struct"), and `+key=value` fails if a group already
has the key; `++key=value` always works. Groups take one plus, and each group once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.generations.v2.quoting import is_scanned, value_override
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.json import as_list, exactly, to_json
from pmlaunch.support.secrets import holds_secret

_GRAMMAR = "hydra-1.3 overrides 2"  # part of the cache's key: change it when the meaning of an entry changes


def argument_of(override: UserOverride) -> str:
    """The override as an argument of eval_agent.py."""
    if override.kind is OverrideKind.DELETE:
        return f"~{override.key}={override.text}" if override.text else f"~{override.key}"
    if override.kind is OverrideKind.GROUP:
        return f"+{override.key}={override.text}"
    argument = f"++{override.key}={override.text}"
    if isinstance(override.value, str) and "${" not in override.text and is_scanned(argument):
        return value_override(override.key, override.value)  # the same text, safe from upstream's scan
    return argument


def parse_overrides(texts: Sequence[str], groups: Iterable[str]) -> list[UserOverride]:
    """`texts` as Hydra understands them; `groups` are the config groups of the checkout.

    Raises PML002 with Hydra's reason and a caret under the position. The result is cached by content, because
    importing Hydra's parser takes a quarter of a second.
    """
    if not texts:
        return []
    known = sorted(groups)
    cache, cache_key = JsonCache("overrides"), content_key(_GRAMMAR, *known, "", *texts)
    kept = [found for item in as_list(cache.get(cache_key)) if (found := exactly(UserOverride, item)) is not None]
    if len(kept) == len(texts):
        return kept
    parsed = [_parsed(text, frozenset(known)) for text in texts]
    if not any(map(holds_secret, texts)):
        cache.put(cache_key, to_json(parsed))
    return parsed


def _parsed(text: str, groups: frozenset[str]) -> UserOverride:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        raise _syntax_error(text, error) from error
    key = str(override.key_or_group)
    if override.is_sweep_override():
        message = f"{text} lists several values, which is a sweep. An evaluation uses one value."
        quote = " Quote the value if the commas are part of it."
        raise PmlaunchError("PML002", message + quote, hint=f"\"{key}='...'\"", subject=text)
    if not key:
        raise PmlaunchError("PML002", f"{text} has no key.", hint="write it as KEY=VALUE", subject=text)
    right_side = text.split("=", 1)[1] if "=" in text else ""
    added = text.startswith("+")
    if override.is_delete():
        return UserOverride(OverrideKind.DELETE, key, right_side, None, added)
    if key.replace("@", "/").split("/")[0] in groups:
        value = override.value()
        choices = [str(item) for item in value] if isinstance(value, list) else _plain(value)
        package = f"@{override.package}" if override.package else ""
        return UserOverride(OverrideKind.GROUP, key + package, right_side, choices, added)
    return UserOverride(OverrideKind.VALUE, key, right_side, _plain(override.value()), added)


def _plain(value: Any) -> Any:
    """Hydra's parsed value as JSON data; its quoted strings become text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(getattr(value, "text", value))


def _syntax_error(text: str, error: Exception) -> PmlaunchError:
    """Hydra's reason without its list of everything it would have accepted, and a caret under the position."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    reason = lines[0].strip() if lines else "not an override"
    column = _column(text, error, reason)
    return PmlaunchError(
        "PML002",
        f"Hydra cannot parse this override: {reason.split(' expecting ')[0]}\n  {text}\n  {' ' * column}^",
        hint="write it as \"key='value'\"",
        subject=text,
    )


def _column(text: str, error: Exception, reason: str) -> int:
    """Where Hydra stopped reading, as an index into `text`; its end if Hydra wanted more."""
    if "'<EOF>'" in reason.split(" expecting ", maxsplit=1)[0]:
        return len(text)
    cause = error.__cause__
    column = getattr(getattr(cause, "offendingToken", None), "column", getattr(cause, "startIndex", None))
    if isinstance(column, int):
        return min(column, len(text))
    # "extraneous input '(' ...": Hydra names the token but not its column
    pieces = reason.split("'")
    piece = pieces[1] if len(pieces) > 2 else ""
    return max(text.find(piece, text.find("=") + 1), 0)
