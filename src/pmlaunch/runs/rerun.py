"""Repeat a run: its recorded request, with other options in the place of some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pmlaunch.errors import PmlaunchError
from pmlaunch.planning.command_line import command_line, typed_options
from pmlaunch.planning.mistakes import OPTION_OF
from pmlaunch.request import SETTINGS, Asked, EvalRequest, Setting
from pmlaunch.running.asked import is_own
from pmlaunch.runs.summary import run_record
from pmlaunch.settings import Settings
from pmlaunch.support.json import as_mapping, from_json
from pmlaunch.support.secrets import SECRET

_PATHS = ("checkpoint", "motions")


def repeated(folder: Path, given: EvalRequest, settings: Settings) -> tuple[EvalRequest, Settings]:
    """The request of the run in `folder` with the options of `given`, and the settings of the folder it was typed in.

    The model of `given` does not count. The new run is put beside the old one.

    Raises PML357 if the run does not tell what was asked for, or left a secret out, and PML359 if another user's
    pmlaunch wrote it: what it names would be started.
    """
    asked = from_json(Asked, as_mapping(run_record(folder).get("asked")))
    if asked.request is None or not isinstance(asked.request.get("model"), str):
        message = f"{folder.name} does not record the options it was started with, so it cannot be repeated."
        raise PmlaunchError("PML357", message, fix=f'pmlaunch runs show "{folder}"', subject=str(folder))
    recorded: EvalRequest = from_json(EvalRequest, asked.request)
    if not is_own(asked, settings):
        message = f"{folder.name} was written by another user's pmlaunch and names programs that would be started."
        raise PmlaunchError("PML359", message, fix=as_command(recorded), subject=str(folder))
    there = Path(asked.folder) if Path(asked.folder).is_dir() else settings.folder
    request = _combined(recorded, given if there == settings.folder else _anchored(given, settings))
    request = request if given.runs else replace(request, runs=str(folder.parent))
    if hidden := [name for name, value in _texts(request) if SECRET in value]:
        message = f"{', '.join(hidden)} contained a secret, which is not in the record of {folder.name}."
        hint = f"pmlaunch runs rerun {folder.name}, with this option given again"
        raise PmlaunchError("PML357", message, hint=hint, subject=str(folder))
    return request, replace(settings, folder=there)


def as_command(request: EvalRequest) -> str:
    """The `pmlaunch eval` line of a request."""
    return command_line("pmlaunch", *command_words(request))


def command_words(request: EvalRequest) -> list[str]:
    """The words of the `pmlaunch eval` line of a request, without `pmlaunch`."""
    motions = [word for motion in request.motions for word in ("--motion", motion)]
    return ["eval", request.model, *motions, *typed_options(request, same_model=True)]


def _combined(recorded: EvalRequest, given: EvalRequest) -> EvalRequest:
    usual = {item.name: item.default for item in fields(EvalRequest)}
    named = ((name, getattr(given, name)) for name in usual if name not in ("model", "overrides"))
    keys = {_key(override) for override in given.overrides}
    changes: dict[str, Any] = {name: value for name, value in named if value != usual[name]}
    changes = {**{OPTION_OF[key]: usual[OPTION_OF[key]] for key in keys & OPTION_OF.keys()}, **changes}
    kept = (text for text in recorded.overrides if _key(text) not in keys and OPTION_OF.get(_key(text)) not in changes)
    return replace(recorded, **changes, overrides=(*kept, *given.overrides))


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _anchored(given: EvalRequest, settings: Settings) -> EvalRequest:
    """`given` with absolute paths, because the request is planned in the folder of the old run."""
    changes: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        value = getattr(given, name)
        if value is not None and setting.option.setting in (Setting.FOLDER, Setting.PROGRAM):
            found = settings.get(name, value)
            changes[name] = found.value if found else value
    for name in _PATHS:
        value = getattr(given, name)
        changes[name] = (
            tuple(_found(each, settings) for each in value)
            if isinstance(value, tuple)
            else (value and _found(value, settings))
        )
    return replace(given, **changes)


def _found(typed: str, settings: Settings) -> str:
    """The absolute path of a file or folder; a name as it is."""
    path = settings.folder / Path(typed)
    return str(path) if path.exists() else typed


def _texts(request: EvalRequest) -> Iterator[tuple[str, str]]:
    """The texts of a request with the names of what they set."""
    for item in fields(request):
        value = getattr(request, item.name)
        texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
        yield from ((_key(text) if item.name == "overrides" else item.name, text) for text in texts)
