"""What the terminal and a sweep's page show of published values: texts, as the suite holds them.

Whoever shows them cleans and escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedValue:
    """One published value beside the measured one.

    Attributes:
        model: what measured it; empty if nothing of the sweep does.
        figure, definition: the figure's short name, and what it measures in words.
        measured: empty if it was not measured, or not under the published definition.
        interval: at 95 %; empty for too few motions.
        motions: of how many motions `measured` is the mean.
        differs: what is not the same as in the publication.
    """

    row: str
    model: str
    figure: str
    definition: str
    published: str
    source: str
    measured: str = ""
    interval: str = ""
    motions: int = 0
    differs: Sequence[str] = ()

    @property
    def label(self) -> str:
        """The row, with the model that measured it."""
        return f"{self.row} ({self.model})" if self.model else self.row


@dataclass(frozen=True)
class PublishedTable:
    """A published table, or a part of it: all of its rates of success have one definition, `rule` (empty: not known)."""

    name: str
    rule: str
    values: Sequence[PublishedValue]


@dataclass(frozen=True)
class PublishedView:
    """All values of a suite: `differs` holds for every one; `more` says that some were left out."""

    title: str
    tables: Sequence[PublishedTable]
    differs: Sequence[str] = ()
    more: bool = False
