"""Find the ProtoMotions checkout: flag, PMLAUNCH_PROTOMOTIONS, pmlaunch.yaml, or a folder here or above.

A folder here may have any name: a submodule of the repository around, or a direct child that holds upstream's program.
Only files are read; git is not started.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pmlaunch.errors import AmbiguousNameError, NoCheckoutError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.registry import GENERATIONS, UPSTREAM
from pmlaunch.git.lfs_pointer import pull_command
from pmlaunch.git.repository import git_folder
from pmlaunch.model import Generation, Origin, Source
from pmlaunch.settings import Settings
from pmlaunch.support.files import read_text
from pmlaunch.support.paths import did_you_mean_path, names_in

_FOLDER_NAMES = ("protomotions", "ProtoMotions")
_FOUND_HERE, _FOUND_ABOVE = Source(Origin.DEFAULT, "found here"), Source(Origin.DEFAULT, "found above")
_SUBMODULE = Source(Origin.DEFAULT, "found in .gitmodules")
_PASTED = re.compile(r"[\w./ ()+@~=-]+")  # names that mean themselves in every shell, between double quotes
_MODULE_PATH = re.compile(r'^\s*path\s*=\s*"?(.*?)"?\s*$', re.MULTILINE)


def generation_of(root: Path) -> Generation | None:
    """The generation of the checkout at `root`, recognised by its program; None if it is not a checkout."""
    return next((adapter.generation for adapter in UPSTREAM if (root / adapter.script).is_file()), None)


def script_in(root: Path) -> Path | None:
    """The program of the checkout at `root`, by which a checkout is trusted; None if it is not a checkout."""
    generation = generation_of(root)
    return root / GENERATIONS[generation].script if generation else None


def fetch_path_command(path: Path) -> str:
    """The command that downloads a file, or all below a folder, from Git LFS: pmlaunch's in a checkout, else git's."""
    root = next((folder for folder in (path, *path.parents) if git_folder(folder)), None)
    inside = path.relative_to(root).as_posix() + ("/" if path.is_dir() else "") if root else ""
    if root is None or generation_of(root) is None or not _PASTED.fullmatch(inside) or "/" not in inside:
        return pull_command(path / "*" if path.is_dir() else path)
    return f'pmlaunch fetch "{inside}" --protomotions "{root}"'


def find_checkout(settings: Settings, flag: str | None = None) -> Checkout:
    """The checkout to use. Raises PML012 if there is none, PML011 if several are equally near."""
    named = settings.get("protomotions", flag)
    for source, folders in _candidates(settings) if named is None else [(named.source, [Path(named.value)])]:
        found = {os.path.normcase(root): (root, generation) for root in folders if (generation := generation_of(root))}
        if len(found) > 1:
            roots = [str(root) for root, _ in found.values()]
            message = f"Several folders are ProtoMotions checkouts: {', '.join(roots)}."
            raise AmbiguousNameError(message).retrying({"--protomotions": roots[0]})
        for root, generation in found.values():
            # not resolve(), which raises on some drives of Windows and on long paths
            home, adapter = Path(os.path.abspath(root)), GENERATIONS[generation]  # noqa: PTH100
            known = source if named else replace(source, anchor=home / adapter.script)
            return adapter.open(home, known, settings.environment)
    if named is None:
        message = (
            f"No ProtoMotions checkout: none is configured, {settings.folder} and its parent folders contain no folder "
            "named protomotions or ProtoMotions, and no other folder there is a checkout. `pmlaunch eval demo` needs none."
        )
        raise NoCheckoutError(message, fix="pmlaunch install")
    root, programs = Path(named.value), " nor ".join(f"{adapter.script} ({adapter.label})" for adapter in UPSTREAM)
    reason = f"is not a ProtoMotions checkout: it has neither {programs}" if root.exists() else "does not exist"
    near = "" if root.exists() else did_you_mean_path(root, (settings.folder,))
    raise NoCheckoutError(
        f"{root} {reason} (from {named.source}).{near}",
        hint="pmlaunch install, or --protomotions DIR",
        subject=str(root),
    )


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
    text = ""
    with contextlib.suppress(OSError):
        text = read_text(modules)
    paths = [Path(path) for path in _MODULE_PATH.findall(text)]
    return [modules.parent / path for path in paths if not path.anchor and ".." not in path.parts]


def _children(folder: Path) -> list[Path]:
    """What lies in `folder`, without hidden folders, among which are the unfinished clones of an installation."""
    return [folder / name for name in names_in(folder) if not name.startswith(".")]
