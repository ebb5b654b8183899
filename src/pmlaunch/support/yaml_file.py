"""Read YAML as OmegaConf does, with libyaml's fast parser where PyYAML has it, and refuse what would not end.

OmegaConf's rules are PyYAML's safe ones with three changes: `5e-1` is a number, dates stay text, and a key may occur
only once in a mapping.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import IO, TYPE_CHECKING, Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.support.cache import JsonCache, content_key
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import dumps, parse_json

if TYPE_CHECKING:
    import yaml

LIBRARY = 16 << 20
"""Bytes of the largest list of motions; one of all motions of AMASS has 4 million."""
_CONFIG = 1 << 20  # bytes of any other file
_DEEPEST = 500  # levels; libyaml's parser recurses, and a few thousand levels overflow a small stack
_MOST_SEPARATORS = 400_000  # of a file; that of AMASS has 310,000, which become 150 MB of nodes
_MOST_ALIASED = 100_000  # nodes that a file with anchors stands for, all aliases written out
_LONGEST_INTERPOLATIONS = 100_000  # characters of all values with ${ in them: their parser takes 20 us for each
_BRACKETS = re.compile(r"[\[{\]}]")
_DASHES = re.compile(r"[-?]\s")
MOST_OF_A_CONFIG = 20_000
"""Separators of a file that OmegaConf takes over, at 40 us for each value; the largest of 2.3 has 1,700."""
_SEPARATORS = (",", "\n", "\r", "[", "{", ":", "- ", "? ")
_FLOAT = re.compile(
    r"""^(?:[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)


class YamlBombError(ValueError):
    """The YAML expands to more than any real config has; the text says of what."""


def yaml_mapping(
    path: Path,
    code: str = "PML015",
    content: bytes | None = None,
    limit: int = _CONFIG,
    separators: int = _MOST_SEPARATORS,
) -> Mapping[str, Any]:
    """Read the mapping in `path`, or in its `content` if that was read already; an empty file is an empty mapping.

    `limit` is the most bytes, and `separators` the most commas, colons and line ends, that the file may have.

    Raises:
        PmlaunchError: with `code`; the file cannot be read, is not valid YAML (with line and column), or holds
            something else than a mapping.
    """
    import yaml

    try:
        content = read_bytes(path, limit) if content is None else content
        _refuse_large(content.decode("utf-8-sig"), separators)
        parsed = _parsed(content) if len(content) <= _CONFIG else _parsed.__wrapped__(content)
    except yaml.YAMLError as error:
        raise PmlaunchError(code, f"{path} is not valid YAML: {_reason(error)}", subject=str(path)) from error
    except (OSError, UnicodeDecodeError, RecursionError, YamlBombError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PmlaunchError(code, f"{path} cannot be read: {reason}", subject=str(path)) from error
    except ValueError as error:  # a number of more digits than Python converts
        raise PmlaunchError(code, f"{path} contains an invalid value: {error}", subject=str(path)) from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise PmlaunchError(code, f"{path} is not a mapping of keys to values.", subject=str(path))
    return parsed


@lru_cache(maxsize=2)
def _parsed(content: bytes) -> Any:
    """The value of a document, which is shared. A dry run needs the training's config twice, at 20 ms each."""
    import yaml

    return yaml.load(content.decode("utf-8-sig"), Loader=config_loader())  # noqa: S506 (a safe one)


def yaml_mappings(paths: Sequence[Path]) -> list[Any]:
    """The mappings in several files; None for a file that `yaml_mapping` refuses.

    Cached by content, because importing the parser alone takes 10 ms. Not cached are values that JSON would change, such
    as keys that are numbers, and files with anchors.
    """
    try:
        contents = [read_bytes(path, _CONFIG) for path in paths]
    except OSError:
        return [_mapping_or_none(path) for path in paths]  # the others count
    cache, key = JsonCache("yaml"), content_key("yaml 2", *contents)
    kept = cache.get(key)
    if isinstance(kept, list) and len(kept) == len(paths) and all(isinstance(item, (dict, NoneType)) for item in kept):
        return kept
    mappings = [_mapping_or_none(path, content) for path, content in zip(paths, contents, strict=True)]
    if not any(b"&" in content for content in contents):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            if parse_json(dumps(mappings, exact=True).encode()) == mappings:
                cache.put(key, mappings)
    return mappings


def _mapping_or_none(path: Path, content: bytes | None = None) -> Mapping[str, Any] | None:
    try:
        return yaml_mapping(path, content=content)
    except PmlaunchError:
        return None


@lru_cache(maxsize=2)
def config_loader(separators: int = _MOST_SEPARATORS) -> type[Any]:
    """The class of OmegaConf's loader, bounded to so many `separators`, and with libyaml's parser if PyYAML has it."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class ConfigLoader(base):  # type: ignore[misc]
        def __init__(self, stream: str | bytes | IO[Any]) -> None:
            text = stream if isinstance(stream, (str, bytes)) else stream.read(LIBRARY + 1)
            text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
            _refuse_large(text, separators)
            _refuse_deep(text)
            self._risky = "&" in text or "${" in text
            super().__init__(text)

        def get_single_node(self) -> Any:
            node = super().get_single_node()
            if self._risky:
                _refuse_bomb(node)
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value if key.tag == yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG]
            if len(set(keys)) < len(keys):
                twice = next(key for index, key in enumerate(keys) if key in keys[:index])
                where = node.start_mark
                raise yaml.constructor.ConstructorError(None, None, f"found duplicate key {twice}", where)
            return super().construct_mapping(node, deep=deep)

    ConfigLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    ConfigLoader.yaml_implicit_resolvers = {
        start: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for start, rules in ConfigLoader.yaml_implicit_resolvers.items()
    }
    for kind in ("Path", "PosixPath", "WindowsPath"):
        tag = f"tag:yaml.org,2002:python/object/apply:pathlib.{kind}"
        ConfigLoader.add_constructor(tag, lambda loader, node: Path(*loader.construct_sequence(node)))
    return ConfigLoader


def _refuse_large(text: str, separators: int) -> None:
    if len(text) > LIBRARY or sum(map(text.count, _SEPARATORS)) > separators:
        raise YamlBombError("it is larger than any real config")


def _refuse_bomb(root: Any) -> None:
    """Refuse aliases that make a small file stand for a large one, and more interpolations than can be parsed."""
    sizes: dict[int, int] = {}  # of each node with all aliases written out; 0 while it is being counted
    interpolations = 0
    pending = [root] if root is not None else []
    while pending:
        node = pending[-1]
        if isinstance(node.value, str):
            interpolations += len(node.value) if "${" in node.value and id(node) not in sizes else 0
            sizes[id(pending.pop())] = 1
            continue
        parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        if id(node) not in sizes:
            sizes[id(node)] = 0
            pending += [part for part in parts if id(part) not in sizes]
            continue
        pending.pop()
        if sizes[id(node)] == 0:
            if any(sizes[id(part)] == 0 for part in parts):
                raise YamlBombError("an alias refers to the node that contains it")
            sizes[id(node)] = 1 + sum(sizes[id(part)] for part in parts)
        if sizes[id(node)] > max(_MOST_ALIASED, len(sizes) + len(pending)):
            raise YamlBombError("its aliases expand to more values than any real config has")
    if interpolations > _LONGEST_INTERPOLATIONS:
        raise YamlBombError("it has more interpolations than any real config")


def _refuse_deep(text: str) -> None:
    """Raise RecursionError for YAML that is nested too deeply to parse safely."""
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        if depth > _DEEPEST:
            break
    long = [line for line in text.splitlines() if len(line) > _DEEPEST]
    if depth > _DEEPEST or any(
        line.startswith(" " * _DEEPEST) or len(_DASHES.findall(line)) > _DEEPEST for line in long
    ):
        raise RecursionError(f"more than {_DEEPEST} levels of nesting")


def _reason(error: yaml.YAMLError) -> str:
    """The parser's message in one line, with line and column counted from 1."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)
