"""Record how a run was asked for, signed, so that a run folder from somebody else is not taken for one's own."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from pmlaunch.model import LaunchPlan, Origin
from pmlaunch.request import Asked, EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.support.atomic import replacing
from pmlaunch.support.json import to_json
from pmlaunch.support.secrets import redact_document

_KEY_FILE = "run-signature.key"
_KEY_BYTES = 32


def asked_for(command: Sequence[str], settings: Settings, request: EvalRequest | None) -> Asked:
    """The record of a command that was typed in the settings' folder, without secrets. Creates the user's key."""
    given = None
    if request is not None:
        values = {item.name: (getattr(request, item.name), item.default) for item in fields(request)}
        given = redact_document({name: to_json(value) for name, (value, usual) in values.items() if value != usual})
    asked = Asked(tuple(redact_document(list(command))), str(settings.folder), given)
    key = _key(settings.user_folder, create=True)
    return replace(asked, signature=_signature(asked, key)) if key else asked


def chosen_by(asked: Asked, plan: LaunchPlan) -> Asked:
    """`asked`, with the names of the values that are not defaults."""
    names = (name for name, value in plan.provenance.items() if value.source.origin is not Origin.DEFAULT)
    return replace(asked, chosen=tuple(names))


def is_own(asked: Asked, settings: Settings) -> bool:
    """Whether this user's pmlaunch wrote the record."""
    key = _key(settings.user_folder, create=False)
    return bool(key and asked.signature) and hmac.compare_digest(
        str(asked.signature).encode(), _signature(asked, key or b"").encode()
    )


def _signature(asked: Asked, key: bytes) -> str:
    request = None if asked.request is None else sorted(asked.request.items())
    return hmac.new(key, ascii((asked.command, asked.folder, request)).encode(), hashlib.sha256).hexdigest()


def _key(folder: Path | None, *, create: bool) -> bytes | None:
    """The user's key; None if there is none and it cannot be made."""
    if folder is None:
        return None
    path = folder / _KEY_FILE
    try:
        if create and not (path.exists() and path.stat().st_size == _KEY_BYTES):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                descriptor = os.open(
                    temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600
                )
                with os.fdopen(descriptor, "wb") as file:
                    file.write(os.urandom(_KEY_BYTES))
        with path.open("rb") as file:
            key = file.read(_KEY_BYTES)
    except OSError:
        return None
    return key if len(key) == _KEY_BYTES else None
