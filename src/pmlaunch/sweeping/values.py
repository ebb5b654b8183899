"""Several values of one option: lists, commas and ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pmlaunch.errors import PmlaunchError

_RANGE = re.compile(r"(\d{1,9})\s*-\s*(\d{1,9})")
_MOST_OF_A_RANGE = 1_000_000


def split_values(value: Any, *, ranges: bool = False) -> list[Any]:
    """The values in `value`, which is one value, a text such as "full_body,vr", or a list of these.

    With `ranges`, "0-4" is 0 to 4. A text with a path's separator is one value, because a path may have commas. Raises
    PML377 for a range that ends before it starts.
    """
    return [single for item in (value if isinstance(value, (list, tuple)) else [value]) for single in _of(item, ranges)]


def _of(item: Any, ranges: bool) -> Iterator[Any]:
    if not isinstance(item, str):
        yield item
        return
    parts = [item] if set(item) & set("/\\") else [part.strip() for part in item.split(",")]
    for part in filter(None, parts):
        ends = _RANGE.fullmatch(part) if ranges else None
        if ends is None:
            yield part
            continue
        first, last = int(ends[1]), int(ends[2])
        if not first <= last < first + _MOST_OF_A_RANGE:
            raise PmlaunchError("PML377", f"The range {part} has no values, or too many.", subject=part)
        yield from range(first, last + 1)
