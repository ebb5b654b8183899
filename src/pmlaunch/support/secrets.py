"""Keep passwords, tokens and keys out of everything that is written or printed.

Two ways lead to them. `redact` recognises them by their form: in addresses, after a telling name, as the tokens of
well-known services. `literal_secrets` lists those that this process knows, which are then removed wherever a child
process prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pmlaunch.agent.pmlaunch_agent.argument_secrets import SECRET_VARIABLE

SECRET = "<secret>"  # noqa: S105 (the placeholder)
KEYWORDS = (
    r"(?:[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
    r"|authorization|bearer)"
)
_SECRET_NAME = re.compile(rf"(?:.*[./@+~])?{KEYWORDS}", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?i)(?<![\w-])(--?)?({KEYWORDS})(?![\w-])(['\"]?\s*[=:]\s*(?:bearer\s+|basic\s+)?|\s+(?=[^\s\d]*\d))"
    r"('[^']*'|\"[^\"]*\"|[^\s'\"&;,{}\[\]()]{4,})"
)
SECRET_RULES = (
    (re.compile(r"(?<=://)(?!git@)[^\s/@'\"]+@"), f"{SECRET}@"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|xox[abprs]-|sk-|nvapi-|npm_|pypi-)[\w-]{8,}"), SECRET),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), SECRET),
    (re.compile(r"\beyJ[\w-]{10,}\.[\w-]{5,}(?:\.[\w-]*)?"), SECRET),
    (_ASSIGNED, rf"\1\2\3{SECRET}"),
)
_IN_ADDRESS = re.compile(r"://([^\s/@'\"]+)@")
_SHORTEST = 8  # characters of a secret that is looked for in a child's output


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name holds a secret: `wandb.api_key`, HF_TOKEN."""
    return _SECRET_NAME.fullmatch(name) is not None


def redact(text: str) -> str:
    """`text` with a placeholder in place of everything that has the form of a secret."""
    key, equals, value = text.partition("=")
    if equals and value and re.fullmatch(r"[\w.@/+~-]+", key) and is_secret_name(key):
        return f"{key}={SECRET}"  # an override, whose value may hold anything
    for pattern, replacement in SECRET_RULES:
        text = pattern.sub(replacement, text)
    return text


def holds_secret(text: str) -> bool:
    """Whether `redact` would change the text."""
    return redact(text) != text


def redact_document(document: Any) -> Any:
    """A JSON document with every secret replaced; an entry with a telling name is one whatever its form."""
    if isinstance(document, str):
        return redact(document)
    if isinstance(document, dict):
        return {name: _redact_entry(name, value) for name, value in document.items()}
    return [redact_document(item) for item in document] if isinstance(document, list) else document


def _redact_entry(name: str, value: Any) -> Any:
    if not value or not is_secret_name(name):
        return redact_document(value)
    if isinstance(value, dict) and "value" in value:  # a value with its source
        return {**redact_document(value), "value": SECRET}
    return SECRET if isinstance(value, str) else redact_document(value)


def hide(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Arguments for a document, and the environment variables that hold what they leave out.

    The agent puts the values back: see its argument_secrets.py.
    """
    hidden: list[str] = []
    variables: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if holds_secret(argument):
            variable = SECRET_VARIABLE.format(len(variables))
            variables[variable] = value if equals else argument
            hidden.append(f"{key}=<{variable}>" if equals else f"<{variable}>")
        else:
            hidden.append(argument)
    return hidden, variables


def literal_secrets(environment: Mapping[str, str], argv: Iterable[str] = ()) -> list[bytes]:
    """The secrets that a child process is given: in telling variables, and in addresses."""
    values = [value.strip("'\"") for name, value in environment.items() if is_secret_name(name)]
    words = (*environment.values(), *argv)
    values += [part for word in words for user in _IN_ADDRESS.findall(word) for part in (user, user.partition(":")[2])]
    return [value.encode() for value in values if len(value) >= _SHORTEST]


class SecretFilter:
    """Replaces known secrets in a stream of bytes, also one that arrives in two pieces."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted(set(secrets), key=len, reverse=True)
        self._any = re.compile(b"|".join(map(re.escape, self._secrets)))
        self._kept = b""

    def feed(self, piece: bytes) -> bytes:
        """What can be passed on once `piece` has arrived; keeps back what may be the beginning of a secret."""
        if not self._secrets:
            return piece
        text = self._kept + piece
        longest = min(len(self._secrets[0]) - 1, len(text))
        starts = range(len(text) - longest, len(text))
        cut = next((at for at in starts if any(it.startswith(text[at:]) for it in self._secrets)), len(text))
        for found in self._any.finditer(text):
            if found.start() < cut < found.end():  # the end of a whole secret, which is also the beginning of one
                cut = found.end()
        self._kept = text[cut:]
        return self._any.sub(SECRET.encode(), text[:cut])

    def rest(self) -> bytes:
        """What was kept back, at the end of the stream."""
        return self._any.sub(SECRET.encode(), self._kept) if self._secrets else b""
