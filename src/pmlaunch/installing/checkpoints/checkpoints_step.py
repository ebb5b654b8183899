"""The step that brings the chosen checkpoints, and nothing else that is in Git LFS."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pmlaunch.catalog.presets import Preset, presets
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.lfs_files import LfsFile, bring, has_object, lfs_files, room_for, state_of, store_of
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.location import look_at
from pmlaunch.installing.checkout.source import generation_by_name
from pmlaunch.installing.step import Report, Site, Todo
from pmlaunch.model import Generation
from pmlaunch.support.names import choose, fold
from pmlaunch.support.text import megabytes

PRETRAINED = "data/pretrained_models"
WITH_GIT = "pmlaunch install --dir ANOTHER_FOLDER makes a checkout with git"
_ASSETS = "protomotions/data/assets"


@dataclass(frozen=True)
class Wanted:
    """A model that can be fetched: its names, its checkpoint's path in the checkout, its size where a preset tells."""

    names: tuple[str, ...]
    path: str
    size: int | None = None
    preset: Preset | None = field(default=None, compare=False)


class ModelsStep:
    """The checkpoints."""

    name = "models"
    title = "checkpoints"

    def todo(self, site: Site) -> Todo | None:
        """Raises PML010 for a model that nobody knows, PML411 and PML417."""
        place = look_at(site.checkout)
        three = place.generation is Generation.V3 or (
            place.generation is None and generation_by_name(site.request.ref) is Generation.V3
        )
        if not site.request.models and not three:
            site.said[self.name] = "none asked for"
            return None
        if place.state == "absent" or place.marker:
            return _estimate(site)
        if not site.request.models and place.gitdir is None:
            return None
        if place.gitdir is None:
            raise PmlaunchError(
                "PML417",
                f"{site.checkout} has no git repository, so Git LFS cannot bring its checkpoints.",
                hint=without_git(site),
                subject=str(site.checkout),
            )
        git = Git(site)
        files = wanted_files(git, site)
        states = state_of(git, site.checkout, files)
        missing = [file for file in files if states[file.path] != "here"]
        set_up = git.ask("config", "--local", "filter.lfs.clean", cwd=site.checkout)
        if not missing and set_up:
            site.said[self.name] = _said(files) or "none asked for"
            return None
        store = store_of(git, site.checkout)
        absent = [file for file in missing if states[file.path] != "unknown"]
        return Todo(
            _said(missing) if missing else "set Git LFS up in the checkout",
            commands(site.checkout, missing),
            bytes=sum(file.pointer.size for file in absent if not has_object(store, file.pointer)),
            disk=room_for(store, absent),
        )

    def do(self, site: Site, report: Report) -> None:
        git = Git(site)
        files = wanted_files(git, site)
        set_lfs_up(git, site.checkout)
        bring(site, git, site.checkout, files, report)

    def prove(self, site: Site) -> str:
        """Raises PML413 when a file is not what git says."""
        git = Git(site)
        files = wanted_files(git, site)
        for path, state in state_of(git, site.checkout, files).items():
            if state != "here":
                raise PmlaunchError("PML413", f"{path} is still not there ({state}).", subject=path)
        return f"{_said(files)}; size and sha256 are right" if files else "none asked for; Git LFS is set up"


def without_git(site: Site) -> str:
    """What to type for the models that were asked for where there is no git repository."""
    wanted: list[Wanted] = []
    with contextlib.suppress(PmlaunchError):  # a name that only the checkout's git would know
        wanted = chosen_models(site.request.models, known_models(site))
    from_there = [command for command in map(from_hub, wanted) if command]
    return f"--models none, then: {from_there[0]}" if from_there else f"--models none; {WITH_GIT}"


def from_hub(wanted: Wanted) -> str | None:
    """The command that brings the model from Hugging Face; None where no repository there is known."""
    known = wanted.preset is not None and wanted.preset.values.get("huggingface")
    return f"pmlaunch fetch {wanted.names[0]} --from hf" if known else None


def set_lfs_up(git: Git, root: Path) -> None:
    """Git LFS's filters for this repository only; the user's own settings and hooks stay as they are."""
    ended = git.tell("lfs", "install", "--local", "--skip-repo", cwd=root)
    if not ended.ok:
        from pmlaunch.git.failures import failure

        raise failure(ended, "Setting Git LFS up", str(root), "PML401")


def commands(root: Path, files: Sequence[LfsFile]) -> tuple[str, ...]:
    """What a person could type instead."""
    include = ",".join(file.path for file in files)
    pull = [f'git -C "{root}" lfs pull --include="{include}" --exclude=""'] if files else []
    return (f'git -C "{root}" lfs install --local', *pull)


def known_models(site: Site, git: Git | None = None) -> list[Wanted]:
    """The presets; with `git`, also every other checkpoint that the checkout tracks, by its folder's name."""
    found = [
        Wanted(preset.names, str(preset.values["checkpoint"]), preset.values.get("size"), preset)
        for preset in presets("model", site.settings.preset_folders).values()
        if preset.values.get("checkout") != "demo" and preset.values.get("checkpoint")
    ]
    if git is not None:
        named = {wanted.path for wanted in found}
        listed = (git.ask("ls-files", "-z", "--", PRETRAINED, cwd=site.checkout) or "").split("\0")
        for path in listed:
            if path.endswith("/last.ckpt") and path not in named:
                name = path.removeprefix(f"{PRETRAINED}/").removesuffix("/last.ckpt").replace("/", "_")
                found.append(Wanted((name,), path))
    return found


def chosen_models(names: Sequence[str], known: Sequence[Wanted]) -> list[Wanted]:
    """The models that `names` name; "all" names them all. Raises PML010 and PML011."""
    if "all" in names:
        return list(known)
    chosen = [
        choose("model", name, known, lambda wanted: wanted.names, listing="pmlaunch list models") for name in names
    ]
    return list(dict.fromkeys(chosen))


def refuse_unknown_models(site: Site) -> None:
    """Raise PML010 before anything is downloaded, where the presets know all that there is (2.x)."""
    if (
        site.request.models
        and generation_by_name(site.request.ref) is Generation.V2
        and look_at(site.checkout).state == "absent"
    ):
        chosen_models(site.request.models, known_models(site))


def wanted_files(git: Git, site: Site) -> list[LfsFile]:
    """The LFS files of the chosen models: the checkpoint, and what generation 3 keeps beside it.

    Raises PML010, PML011, and PML411 when the commit has no such file.
    """
    known = known_models(site, git)
    tracked = {file.path: file for file in lfs_files(git, site.checkout, PRETRAINED)}
    files: list[LfsFile] = []
    for wanted in chosen_models(site.request.models, known):
        if wanted.path not in tracked:
            if "all" in site.request.models:
                continue
            raise PmlaunchError(
                "PML411",
                f"{site.checkout} has no checkpoint {wanted.path} in Git LFS.{_others(tracked)}",
                hint="pmlaunch list models; or --models none",
                subject=wanted.names[0],
            )
        files += beside(wanted.path, tracked)
    if generation_of(site.checkout) is Generation.V3:
        files += robot_assets(git, site)
    return list(dict.fromkeys(files))


def robot_assets(git: Git, site: Site) -> list[LfsFile]:
    """Meshes and scenery of generation 3, which are in Git LFS there: those of one robot, and what belongs to none.

    Raises PML010 for a robot that the checkout does not know.
    """
    configs = site.checkout / "protomotions" / "robot_configs"
    known = sorted(path.stem for path in configs.glob("*.py") if path.stem not in ("__init__", "base", "factory"))
    listing = f"--robot NAME, one of: {', '.join(known)}"
    robot = choose("robot", site.request.robot, known, lambda name: (name,), listing=listing) if known else ""
    meshes = f"{_ASSETS}/mesh/"
    return [
        file
        for file in lfs_files(git, site.checkout, _ASSETS)
        if not file.path.startswith(meshes) or fold(file.path.removeprefix(meshes).split("/")[0]) == fold(robot)
    ]


def beside(path: str, tracked: Mapping[str, LfsFile]) -> list[LfsFile]:
    """The checkpoint and the frozen configs (.pt) in its folder, without which generation 3 cannot load it."""
    folder = path.rpartition("/")[0]
    configs = [file for name, file in tracked.items() if name.rpartition("/")[0] == folder and name.endswith(".pt")]
    return [tracked[path], *configs]


def _others(tracked: Mapping[str, LfsFile]) -> str:
    there = [path for path in tracked if path.endswith(".ckpt")]
    return f" It has: {', '.join(there[:6])}." if there else ""


def _said(files: Sequence[LfsFile]) -> str:
    """ "masked_mimic/smpl/last.ckpt 304 MB, 74 meshes and pieces of scenery 31 MB"."""
    assets = [file for file in files if file.path.startswith(f"{_ASSETS}/")]
    named = [file for file in files if file not in assets]
    words = [f"{file.path.removeprefix(f'{PRETRAINED}/')} {megabytes(file.pointer.size)}" for file in named[:4]]
    if assets:
        words.append(f"{len(assets)} meshes and pieces of scenery {megabytes(sum(it.pointer.size for it in assets))}")
    return ", ".join(words) + (f" and {len(named) - 4} more" if len(named) > 4 else "")


def _estimate(site: Site) -> Todo | None:
    """Before there is a checkout: what the presets say of v2.3, and that generation 3 has its meshes in Git LFS."""
    generation = generation_by_name(site.request.ref)
    known = known_models(site)
    try:
        chosen = chosen_models(site.request.models, known)
    except PmlaunchError:
        if generation is Generation.V2:
            raise
        chosen = []  # the checkout will tell
    size = sum(wanted.size or 0 for wanted in chosen)
    names = ", ".join(wanted.names[0] for wanted in chosen) or ", ".join(site.request.models)
    files = ",".join(wanted.path for wanted in chosen)
    parts = [f"{names}: {megabytes(size)} as v2.3 has them"] if names else []
    if generation is Generation.V3:
        parts.append(f"the meshes of robot {site.request.robot}, as many as the checkout names")
    if not parts:
        return None
    pull = (f'git -C "{site.checkout}" lfs pull --include="{files}" --exclude=""',) if files else ()
    return Todo(
        f"{'; '.join(parts)}; from Git LFS",
        (f'git -C "{site.checkout}" lfs install --local', *pull),
        bytes=size or None,
        disk=2 * size,
    )
