"""A user's overrides of a program's config, understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pmlaunch.model import OVERRIDE, Sourced


class OverrideKind(str, Enum):
    """What an override changes: one value, the option of a config group, or nothing (it deletes a key)."""

    VALUE = "value"
    GROUP = "group"
    DELETE = "delete"


@dataclass(frozen=True)
class UserOverride:
    """One override as the user meant it."""

    kind: OverrideKind
    key: str  # dotted key, or the name of a group
    text: str  # right-hand side as typed
    value: Any  # what the program makes of `text`, as plain JSON data
    added: bool  # whether a plus was typed, which says that the key may be new

    @property
    def choices(self) -> list[str]:
        """The options that a group override selects."""
        return [str(item) for item in self.value] if isinstance(self.value, list) else [str(self.value)]


def typed_value(overrides: Iterable[UserOverride], key: str) -> Sourced[Any] | None:
    """The value that the user typed for `key`, the last one if there are several; None if there is none."""
    typed = [item.value for item in overrides if item.kind is OverrideKind.VALUE and item.key == key]
    return Sourced(typed[-1], OVERRIDE) if typed else None


def group_choices(overrides: Iterable[UserOverride], group: str, first: Iterable[str] = ()) -> list[str]:
    """`first` and every option that the overrides select for `group`, without duplicates.

    Two `+opt=` arguments would fail where one list works; in a list the later option wins.
    """
    chosen = list(first)
    for override in overrides:
        if override.kind is OverrideKind.GROUP and override.key == group:
            chosen += override.choices
    return list(dict.fromkeys(chosen))
