"""As much of JSON Schema 2020-12 as docs/*.schema.json use, so that these tests need no further package.

A keyword that it does not know is an error of the schema: nothing is believed to be checked that is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description"}


def mistakes(
    document: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, at: str = "$"
) -> list[str]:
    """What is wrong with `document`, as sentences that begin with the place; none when it is valid."""
    return list(_mistakes(document, schema, root or schema, at))


def _mistakes(document: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    for keyword, rule in schema.items():
        if keyword in _SAYS_NOTHING:
            continue
        if keyword == "$ref":
            yield from _mistakes(document, root["$defs"][rule.removeprefix("#/$defs/")], root, at)
        elif keyword == "anyOf":
            tried = [list(_mistakes(document, one, root, at)) for one in rule]
            if all(tried):
                yield from min(tried, key=len)
        elif keyword == "properties":
            for name, one in rule.items():
                if isinstance(document, dict) and name in document:
                    yield from _mistakes(document[name], one, root, f"{at}.{name}")
        elif keyword == "items":
            for index, item in enumerate(document if isinstance(document, list) else []):
                yield from _mistakes(item, rule, root, f"{at}[{index}]")
        elif not _holds(document, keyword, rule, schema):
            yield f"{at}: {keyword} {rule!r} does not hold for {str(document)[:80]!r}"


def _holds(document: Any, keyword: str, rule: Any, schema: Mapping[str, Any]) -> bool:
    if keyword == "type":
        return any(_is(document, name) for name in ([rule] if isinstance(rule, str) else rule))
    if keyword == "const":
        return type(document) is type(rule) and document == rule
    if keyword == "enum":
        return document in rule
    if keyword == "required":
        return not isinstance(document, dict) or set(rule) <= set(document)
    if keyword == "additionalProperties" and rule is False:
        return not isinstance(document, dict) or set(document) <= set(schema.get("properties", {}))
    if keyword == "pattern":
        return not isinstance(document, str) or re.search(rule, document) is not None
    if keyword == "minimum":
        return not _is(document, "number") or document >= rule
    if keyword == "minItems":
        return not isinstance(document, list) or len(document) >= rule
    raise AssertionError(f"the schema uses {keyword!r}, which this does not know")


def _is(document: Any, name: str) -> bool:
    if name in ("number", "integer"):
        return isinstance(document, int if name == "integer" else (int, float)) and not isinstance(document, bool)
    return isinstance(document, _TYPES[name])
