"""Find the ProtoMotions checkout: flag, PMLAUNCH_PROTOMOTIONS, pmlaunch.yaml, or a folder here or above.

A folder here may have any name: a submodule of the repository around, or a direct child that holds upstream's program.
Only files are read; git is not started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from pmlaunch.errors import AmbiguousNameError, NoCheckoutError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.registry import GENERATIONS, UPSTREAM
from pmlaunch.model import Generation, Origin, Source
from pmlaunch.settings import Settings
from pmlaunch.support.paths import did_you_mean_path

_FOLDER_NAMES = ("protomotions", "ProtoMotions")
_FOUND_HERE, _FOUND_ABOVE = Source(Origin.DEFAULT, "found here"), Source(Origin.DEFAULT, "found above")
_SUBMODULE = Source(Origin.DEFAULT, "found in .gitmodules")
_NO_CHECKOUT_HINT = (
    "pmlaunch install makes one, or --protomotions DIR; `pmlaunch eval demo` works now, without a checkout"
)
_MOST_ENTRIES = 500  # of a folder, whose folders are looked into
_MODULE_PATH = re.compile(r'^\s*path\s*=\s*"?(.*?)"?\s*$', re.MULTILINE)


def generation_of(root: Path) -> Generation | None:
    """The generation of the checkout at `root`, recognised by its program; None if it is not a checkout."""
    return next((adapter.generation for adapter in UPSTREAM if (root / adapter.script).is_file()), None)


def find_checkout(settings: Settings, flag: str | None = None) -> Checkout:
    """The checkout to use. Raises PML012 if there is none, PML011 if several are equally near."""
    named = settings.get("protomotions", flag)
    if named is not None:
        root = Path(named.value)
        if generation := generation_of(root):
            return _opened(root, named.source, generation, settings)
        programs, near = " nor ".join(f"{adapter.script} ({adapter.label})" for adapter in UPSTREAM), ""
        reason = f"is no ProtoMotions checkout: it has neither {programs}"
        if not root.exists():
            reason, near = "does not exist", did_you_mean_path(root, (settings.folder,))
        message = f"{root} {reason} (from {named.source}).{near}"
        raise NoCheckoutError(message, hint=_NO_CHECKOUT_HINT, subject=str(root))
    for source, folders in _candidates(settings):
        roots = {os.path.normcase(root): (root, found) for root in folders if (found := generation_of(root))}
        if len(roots) > 1:
            raise _ambiguous([root for root, _ in roots.values()])
        for root, generation in roots.values():
            return _opened(root, source, generation, settings)
    message = (
        f"No ProtoMotions checkout: none is set, no folder protomotions or ProtoMotions lies in {settings.folder} or "
        "above, and no other folder there is one."
    )
    raise NoCheckoutError(message, hint=_NO_CHECKOUT_HINT)


def _candidates(settings: Settings) -> Iterator[tuple[Source, Sequence[Path]]]:
    """Where a checkout may be, in order; several checkouts in one step are ambiguous."""
    above = (settings.folder, *settings.folder.parents)
    for folder in above:
        source = _FOUND_HERE if folder == settings.folder else _FOUND_ABOVE
        for root in (folder, *(folder / name for name in _FOLDER_NAMES)):
            yield source, [root]
    modules = next((folder / ".gitmodules" for folder in above if (folder / ".gitmodules").is_file()), None)
    if modules is not None:
        yield _SUBMODULE, _submodules(modules)
    yield _FOUND_HERE, _children(settings.folder)
    if settings.workspace_file is not None and settings.workspace_file.parent != settings.folder:
        yield _FOUND_ABOVE, _children(settings.workspace_file.parent)


def _submodules(modules: Path) -> list[Path]:
    """The folders of the submodules that a .gitmodules file names, as far as they are inside its repository."""
    try:
        text = modules.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    paths = [Path(path) for path in _MODULE_PATH.findall(text)]
    return [modules.parent / path for path in paths if not path.is_absolute() and ".." not in path.parts]


def _children(folder: Path) -> list[Path]:
    """The folders in `folder`, without hidden ones, among which are the unfinished clones of an installation."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def _ambiguous(roots: Sequence[Path]) -> AmbiguousNameError:
    listed = ", ".join(map(str, roots))
    hint = " or ".join(f'--protomotions "{root}"' for root in roots[:3])
    return AmbiguousNameError(f"Several folders are ProtoMotions checkouts: {listed}.", hint=hint)


def _opened(root: Path, source: Source, generation: Generation, settings: Settings) -> Checkout:
    # not resolve(), which raises on some drives of Windows and on long paths
    home = Path(os.path.abspath(root))  # noqa: PTH100
    return GENERATIONS[generation].open(home, source, settings.environment)
