"""A user's overrides of a program's config, understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class OverrideKind(str, Enum):
    """What an override changes: one value, the option of a config group, or nothing (it deletes a key)."""

    VALUE = "value"
    GROUP = "group"
    DELETE = "delete"


@dataclass(frozen=True)
class UserOverride:
    """One override as the user meant it.

    Attributes:
        key: dotted key, or the name of a group.
        text: right-hand side as typed.
        value: what the program makes of `text`, as plain JSON data.
        added: whether a plus was typed, which says that the key may be new.
    """

    kind: OverrideKind
    key: str
    text: str
    value: Any
    added: bool

    @property
    def choices(self) -> list[str]:
        """The options that a group override selects."""
        return [str(item) for item in self.value] if isinstance(self.value, list) else [str(self.value)]


def typed_values(overrides: Iterable[UserOverride], key: str) -> list[Any]:
    """The values that the user typed for `key`, in order; the last one counts."""
    return [item.value for item in overrides if item.kind is OverrideKind.VALUE and item.key == key]


def group_choices(overrides: Iterable[UserOverride], group: str, first: Iterable[str] = ()) -> list[str]:
    """`first` and every option that the overrides select for `group`, without duplicates.

    Two `+opt=` arguments would fail where one list works; in a list the later option wins.
    """
    chosen = list(first)
    for override in overrides:
        if override.kind is OverrideKind.GROUP and override.key == group:
            chosen += override.choices
    return list(dict.fromkeys(chosen))
