"""Find what can be played or exported by one word: a run, or a motion by file or by name."""

from __future__ import annotations

from pathlib import Path

from pmlaunch.catalog.motions import MotionSearch, looks_like_path
from pmlaunch.catalog.presets import presets
from pmlaunch.catalog.robots import robots
from pmlaunch.errors import NoCheckoutError, UnknownNameError
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.planning.launch import runs_folder
from pmlaunch.runs.selection import find_run
from pmlaunch.settings import Settings
from pmlaunch.support.paths import Place, expanded


def find_playable(wanted: str, settings: Settings, runs: str | None, protomotions: str | None) -> Path:
    """The folder of a run, or a motion file: a path, a run's name, else the name of a motion.

    `runs` and `protomotions` are the options of these names. Raises PML010 and PML011 as the searches do.
    """
    typed = expanded(wanted)
    if typed.is_file():
        return typed
    try:
        return find_run(wanted, Path(runs_folder(settings, runs).value))
    except UnknownNameError:
        if typed.is_dir() or wanted.startswith("latest") or (wanted[:1].isdigit() and not looks_like_path(wanted)):
            raise  # a folder, or a run's name, which begins with the time
        return _motion_named(wanted, settings, protomotions)


def _motion_named(wanted: str, settings: Settings, protomotions: str | None) -> Path:
    """The file of a motion of the checkout, or of the embedded evaluation if there is none."""
    try:
        checkout = find_checkout(settings, protomotions)
    except NoCheckoutError:
        if protomotions is not None:
            raise
        checkout = demo_checkout()
    available = robots(checkout, presets("robot", settings.preset_folders))
    places = [Place(settings.folder), Place(checkout.root)]
    return MotionSearch(checkout, available, None, presets("motion", settings.preset_folders), places).find(wanted)
