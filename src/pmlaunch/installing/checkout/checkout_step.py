"""The step that brings ProtoMotions: built, adopted, or switched; a submodule where there is a git repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.runner import Git, cannot_write
from pmlaunch.installing.checkout.adopted import is_right_ref, switch_asked
from pmlaunch.installing.checkout.clone import Building, build, refuse_if_at_work
from pmlaunch.installing.checkout.location import Around, Place, around, look_at, remove_marker
from pmlaunch.installing.checkout.source import address, generation_by_name, is_commit, known_ref
from pmlaunch.installing.checkout.stage_folder import refuse_foreign_stage
from pmlaunch.installing.checkout.submodule import free_name, register, restore
from pmlaunch.installing.checkout.switch import refuse_if_changed
from pmlaunch.installing.step import Report, Site, Todo
from pmlaunch.model import Finding, Generation, Severity

DEFAULT_REF = "v2.3"
# Bytes of one commit without history (packed), and of its files: v2.3 measured but for eleven files, 3.x estimated
_SIZES = {Generation.V2: (51_200_000, 108_600_000), Generation.V3: (30_000_000, 67_000_000)}


class CheckoutStep:
    """ProtoMotions at a pinned ref."""

    name = "checkout"
    title = "ProtoMotions checkout"

    def todo(self, site: Site) -> Todo | None:
        """Raises PML404 (no such folder), PML406, PML407, PML408; what only the source knows is seen in `do`."""
        git, request = Git(site), site.request
        place = look_at(site.checkout)
        if place.state == "other":
            raise PmlaunchError(
                "PML406",
                f"{site.checkout} {_what_it_is(site.checkout)}. It is left as it is.",
                hint="--dir ANOTHER_FOLDER",
                subject=str(site.checkout),
            )
        if place.state == "absent":
            return _to_build(git, site)
        if place.gitdir is None:
            site.findings.append(_no_git(site.checkout))
            site.said[self.name] = f"adopted: {site.checkout} (no git repository)"
            return None
        refuse_if_at_work(place.gitdir, site.checkout)
        if place.marker:
            return Todo("finish what an earlier install began")
        if is_right_ref(git, site, place):
            site.said[self.name] = _state(git, site.checkout)
            return None
        refuse_if_changed(git, site.checkout, request.ref, _held(git, site.checkout))
        known = known_ref(git, site.checkout, request.ref)
        return Todo(
            f"switch {site.checkout} to {request.ref}",
            (f'git -C "{site.checkout}" checkout --detach {request.ref}',),
            bytes=None if known else _SIZES[Generation.V2][0],
            findings=_generation_warning(request.ref),
        )

    def do(self, site: Site, report: Report) -> None:
        git, place = Git(site), look_at(site.checkout)
        if place.state == "checkout" and not place.marker:
            switch_asked(git, site, report)
            return
        repository = _submodule_of(git, site)
        if place.state == "absent":
            if repository and repository.pinned and repository.name and (repository.modules / repository.name).exists():
                building = _building(site, repository)
                if (
                    look_at(building.stage).state == "absent"
                    and not (building.gitdir / "pmlaunch-install.json").exists()
                ):
                    restore(git, repository)
                    return
            build(git, _building(site, repository), report)
            place = look_at(site.checkout)
        _finish(git, site, place)

    def prove(self, site: Site) -> str:
        """Raises PML409 when the files do not make a checkout."""
        if generation_of(site.checkout) is None:
            raise PmlaunchError("PML409", f"{site.checkout} is no checkout after all.", subject=str(site.checkout))
        if generation_of(site.checkout) is Generation.V3 and not _generation_warning(site.request.ref):
            site.findings.append(_other_generation(site.request.ref))
        return _state(Git(site), site.checkout)


def _what_it_is(place: Path) -> str:
    return "is not empty and is no ProtoMotions checkout" if place.is_dir() else "is a file, not a folder"


def _to_build(git: Git, site: Site) -> Todo:
    request, repository = site.request, _submodule_of(git, site)
    building = _building(site, repository)
    refuse_if_at_work(building.gitdir, site.checkout)
    refuse_foreign_stage(building.stage)
    _refuse_where_one_stands(site)
    generation = generation_by_name(building.ref) or Generation.V2
    kind = f"submodule of {repository.root}" if repository else "clone"
    packed, files = _SIZES[generation]
    return Todo(
        f"{request.ref if building.ref == request.ref else building.ref[:8]} from {building.url} as a {kind}, "
        "without history and without checkpoints",
        _commands(building, repository),
        bytes=packed,
        disk=packed + files,
        findings=_generation_warning(building.ref),
    )


def _commands(building: Building, repository: Around | None) -> tuple[str, ...]:
    """What a person could type instead, in any shell."""
    plain = "git -c filter.lfs.smudge= -c filter.lfs.process= -c filter.lfs.required=false"
    ref, url, folder = building.ref, building.url, building.folder
    told = [f'{plain} clone --depth 1 --branch {ref} {url} "{folder}"']
    if is_commit(ref):  # git clone takes a branch or a tag only
        told = [
            f'git init "{folder}"',
            f'git -C "{folder}" remote add origin {url}',
            f'git -C "{folder}" fetch --depth 1 origin {ref}',
            f'{plain} -C "{folder}" checkout --detach {ref}',
        ]
    if repository:
        told.append(f'git -C "{repository.root}" submodule add --force {url} "{repository.path}"')
    return tuple(told)


def _refuse_where_one_stands(site: Site) -> None:
    """Raise PML001 for the current folder: the checkout takes its place, and the shell would stand in a removed one."""
    folder = site.checkout
    if folder.is_dir() and folder.samefile(site.settings.folder):
        raise PmlaunchError(
            "PML001",
            f"--dir cannot be the current folder ({folder}): the checkout is built beside it and takes its place.",
            hint=f'cd .. and then: pmlaunch install --dir "{folder.name}"',
            subject=str(folder),
        )


def _building(site: Site, repository: Around | None) -> Building:
    """What is to be built. A submodule that is noted already keeps its commit and its source unless others were typed."""
    request = site.request
    building = Building(site.checkout, address(request.source), request.ref)
    if repository is None:
        return building
    building = replace(building, name=free_name(repository), modules=repository.modules)
    if repository.pinned and not request.ref_given:
        noted = repository.url if repository.url and "://" in repository.url else building.url
        return replace(building, ref=repository.pinned, url=noted)
    return building


def _submodule_of(git: Git, site: Site) -> Around | None:
    """The repository that the checkout becomes a submodule of; None for a plain clone."""
    kind = site.request.kind
    if kind == "clone":
        return None
    repository = around(git, site.checkout)
    if repository is None and kind == "submodule":
        raise PmlaunchError(
            "PML001", f"{site.checkout} lies in no git repository, so it cannot be a submodule.", hint="--as clone"
        )
    return repository if kind == "submodule" or (repository and not repository.ignored) else None


def _finish(git: Git, site: Site, place: Place) -> None:
    """What comes after the checkout is in its place; done again after an interruption."""
    assert place.gitdir is not None
    marker = place.marker or {}
    name = marker.get("name")
    repository = around(git, site.checkout) if name else None
    try:
        if repository is not None:
            register(git, repository, site.checkout, place.gitdir, str(name), str(marker["url"]))
        remove_marker(look_at(site.checkout).gitdir or place.gitdir)
    except OSError as error:
        raise cannot_write(site.checkout, error) from error


def _held(git: Git, folder: Path) -> str | None:
    repository = around(git, folder)
    return repository.pinned if repository else None


def _state(git: Git, folder: Path) -> str:
    """ "v2.3 (4a905b99), generation 2, submodule": what is checked out."""
    commit = (git.ask("rev-parse", "HEAD", cwd=folder) or "")[:8]
    name = git.ask("describe", "--tags", "--exact-match", cwd=folder) or git.ask(
        "name-rev", "--name-only", "HEAD", cwd=folder
    )
    name = (name or "").removeprefix("remotes/origin/")
    known = f"{name} ({commit})" if name and name != "undefined" else commit
    kind = ", submodule" if (folder / ".git").is_file() else ""
    return f"{known}, generation {generation_of(folder)}{kind}"


def _generation_warning(ref: str) -> tuple[Finding, ...]:
    return (_other_generation(ref),) if generation_by_name(ref) is Generation.V3 else ()


def _other_generation(ref: str) -> Finding:
    message = f"{ref} is ProtoMotions 3: it has no eval_agent.py, and its checkpoints are not those of 2.x."
    return Finding("PML410", Severity.WARNING, message, f"--ref {DEFAULT_REF}", None, ref)


def _no_git(folder: Path) -> Finding:
    message = f"{folder} has no git repository: its ref cannot be checked, and Git LFS cannot bring its checkpoints."
    return Finding("PML417", Severity.WARNING, message, "pmlaunch install --dir ANOTHER_FOLDER", None, str(folder))
