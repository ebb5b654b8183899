"""The names that complete a value when Tab is pressed: read from files, and remembered until a folder changes.

Nothing is started, no host is contacted, and nothing is ever printed but the answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmlaunch.catalog.presets import Folders
    from pmlaunch.generations.checkout import Checkout

_MOST_NAMES = 500
_LONGEST = 200  # characters of a name
_MOST_FOLDERS = 2000  # of a checkout that are watched
_SKIPPED = {".git", "__pycache__", ".venv", "node_modules", "wandb", "outputs"}
LISTS = ("models", "motions", "robots", "simulators", "constraints")
"""What `pmlaunch list` lists; the names of all of them come from the checkout."""
Names = Sequence[tuple[str, str]]
"""(name, description) of what can be typed."""


def names(kind: str, given: Mapping[str, Any], incomplete: str) -> Names:
    """What can complete `incomplete` as a name of this `kind`, a key of `NAMES`; `given` are the options typed so far.

    Nothing that begins like a path is completed, which leaves it to the shell. Names that a terminal would not show as
    they are, such as those with escape sequences, are left out.
    """
    from pmlaunch.support.text import clean_line

    if any(separator in incomplete for separator in "/\\") or incomplete.startswith((".", "~")):
        return []
    with suppress(Exception):  # whatever is wrong here is reported by the command itself
        found = [each for each in NAMES[kind](kind, given) if each[0].startswith(incomplete)]
        shown = [each for each in found if len(each[0]) <= _LONGEST and clean_line(each[0]) == each[0]]
        return [(name, clean_line(text, 100)) for name, text in shown[:_MOST_NAMES]]
    return []


def _codes(*_: object) -> Names:
    from pmlaunch.codes import CODES

    return [(code.code, code.title) for code in CODES.values()]


def _settings(*_: object) -> Names:
    from pmlaunch.request import SETTINGS

    return [(name, setting.option.help) for name, setting in SETTINGS.items()]


def _lists(*_: object) -> Names:
    return [(kind, "") for kind in LISTS]


def _suites(_: str, given: Mapping[str, Any]) -> Names:
    from pmlaunch.settings import Settings
    from pmlaunch.sweeping.suite_file import suite_folders, suites_in

    return [(name, "") for name in suites_in(suite_folders(Settings.here(), given.get("suites")))]


def _runs(_: str, given: Mapping[str, Any]) -> Names:
    """The folders of runs, the newest first: their names begin with the time."""
    from pmlaunch.settings import Settings

    settings = Settings.here()
    named = settings.get("runs", given.get("runs"))
    with os.scandir(named.value if named else settings.folder / "runs") as entries:
        folders = [entry.name for entry in entries if entry.is_dir() and Path(entry, "record.json").is_file()]
    return [(name, "") for name in sorted(folders, reverse=True)]


def _of_checkout(kind: str, given: Mapping[str, Any]) -> Names:
    """Names that a checkout has. They are remembered, because importing what reads checkouts takes most of the time."""
    from pmlaunch import __version__
    from pmlaunch.support.cache import JsonCache, content_key

    flag, model = str(given.get("protomotions") or ""), str(given.get("model") or "")
    own = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("PMLAUNCH_"))
    cache, key = JsonCache("names"), content_key(__version__, kind, str(Path.cwd()), flag, model, *own)
    kept = cache.get(key)
    if isinstance(kept, dict) and all(_changed(path) == time for path, time in kept["watched"].items()):
        return [(str(name), str(text)) for name, text in kept["names"]]
    found, watched = _read(kind, flag or None, model)
    cache.put(key, {"names": [list(each) for each in found], "watched": {path: _changed(path) for path in watched}})
    return found


def _read(kind: str, flag: str | None, model: str) -> tuple[Names, Iterable[str]]:
    """(the names, the files and folders whose change may change them)."""
    from pmlaunch.catalog.presets import presets
    from pmlaunch.errors import NoCheckoutError
    from pmlaunch.generations.demo import demo_checkout
    from pmlaunch.generations.find import find_checkout
    from pmlaunch.model import Generation
    from pmlaunch.settings import WORKSPACE_FILE, Settings

    settings, demo, checkout = Settings.here(), demo_checkout(), None
    try:
        checkout = find_checkout(settings, flag)
    except NoCheckoutError:
        if flag:
            raise
    preset = presets("model", settings.preset_folders).get(model)
    embedded = preset is not None and preset.checkout is Generation.DEMO
    found = _names_in(kind, None if embedded else checkout, demo, settings.preset_folders)
    # a home folder changes with every file that any program writes, so of the folders above only these names count
    names = (WORKSPACE_FILE, ".gitmodules", "protomotions", "ProtoMotions")
    watched = [folder / name for folder in (settings.folder, *settings.folder.parents) for name in names]
    watched += [settings.folder, *(settings.workspace_file.parents[:1] if settings.workspace_file else ())]
    watched += [place for _, folder in settings.preset_folders for place in (folder, *folder.iterdir())]
    watched += [settings.user_folder, settings.user_file or settings.user_folder] if settings.user_folder else []
    return list(dict(found).items()), [*map(str, watched), *_folders_of((checkout or demo).root)]


def _names_in(kind: str, checkout: Checkout | None, demo: Checkout, more: Folders) -> Names:
    from pmlaunch.catalog.constraints import constraints
    from pmlaunch.catalog.generated_clips import own_clips
    from pmlaunch.catalog.models import models
    from pmlaunch.catalog.presets import presets
    from pmlaunch.catalog.robots import robots, simulators

    home = checkout or demo
    if kind == "motions":
        known = [each for each in presets("motion", more).values() if each.of(home.generation).files]
        files = {path.stem: path.parent.name for path in (*home.motion_files(), *own_clips(home))}
        return [*((each.name, each.title) for each in known), *sorted(files.items())]
    if kind == "constraints":
        return [(each.name, "") for each in constraints(home) if each.problem is None]
    if kind == "simulators":
        return [(each.name, each.title) for each in simulators(home, presets("simulator", more))]
    available = robots(home, presets("robot", more))
    if kind == "robots":
        return [(each.name, each.title) for each in available]
    return [(each.name, each.title) for each in models(checkout, demo, presets("model", more), available)]


def _folders_of(root: Path) -> Iterable[str]:
    """The folders of a checkout, without those that hold none of its names."""
    found = []
    for folder, inside, _ in os.walk(root):
        inside[:] = [name for name in inside if name not in _SKIPPED]
        found.append(folder)
        if len(found) >= _MOST_FOLDERS:
            break
    return found


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 (a thousand times, a Path would double it)
    except OSError:
        return None


NAMES: Mapping[str, Callable[[str, Mapping[str, Any]], Names]] = {
    **dict.fromkeys(LISTS, _of_checkout),
    "codes": _codes,
    "lists": _lists,
    "runs": _runs,
    "settings": _settings,
    "suites": _suites,
}
"""What reads the names of each kind."""
