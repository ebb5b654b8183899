"""The step that provides the ProtoMotions checkout: cloned, adopted or switched; a submodule inside a git repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of, script_in
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.git.failures import writing
from pmlaunch.git.progress import Reporter
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout.clone import CloneOrder, clone, refuse_clone
from pmlaunch.installing.checkout.location import look_at, refuse_if_at_work, remove_marker
from pmlaunch.installing.checkout.source import address, generation_by_name, is_commit, known_ref, look_up_offline
from pmlaunch.installing.checkout.submodule import Surrounding, free_name, register, restore, surrounding
from pmlaunch.installing.checkout.switch import check_ref, other_generation, refuse_if_changed, switch
from pmlaunch.installing.context import CheckoutKind, InstallContext
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import Finding, Generation, Severity

_OTHER_REF = "--ref v2.3"


class CheckoutStep:
    """Provide ProtoMotions at the requested ref."""

    name = "checkout"
    title = "ProtoMotions checkout"

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML404 (no such folder), PML406, PML407, PML408; what only the source knows is checked in `do`."""
        git, folder, ref = context.git(), context.checkout, context.request.ref
        location = look_at(folder)
        if location.empty:
            return _plan_clone(git, context)
        if location.generation is None:
            what = "is not empty and is not a ProtoMotions checkout" if folder.is_dir() else "is a file, not a folder"
            message = f"{folder} {what}. pmlaunch left it unchanged."
            raise PmlaunchError("PML406", message, hint="--dir ANOTHER_FOLDER", subject=str(folder))
        if location.gitdir is None:
            return AlreadyDone(f"using the existing {folder} (no git repository)", notes=(_no_git(folder),))
        refuse_if_at_work(location.gitdir, folder)
        if location.marker:
            return Todo("finish an earlier installation")
        right, notes = check_ref(git, context, location.generation)
        if right:
            return AlreadyDone(_describe(git), notes)
        repository = surrounding(git)
        refuse_if_changed(git, ref, repository.pinned if repository else None)
        return Todo(
            f"switch {folder} to {ref}",
            (f'git -C "{folder}" checkout --detach {ref}',),
            bytes=None if known_ref(git, ref) else GENERATIONS[Generation.V2].download_bytes,
            findings=_generation_warning(ref),
            notes=notes,
        )

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML409 if the files do not make a checkout, and what `clone` and `switch` raise."""
        git, folder = context.git(report), context.checkout
        location = look_at(folder)
        if location.generation and not location.marker:
            switch(git, context, report)
        else:
            if location.empty:
                _clone_or_restore(git, context, report)
            _finish(git)
        generation = generation_of(folder)
        script = script_in(folder)
        if generation is None or script is None:
            raise PmlaunchError("PML409", f"{folder} is not a valid ProtoMotions checkout.", subject=str(folder))
        if generation is Generation.V3 and not _generation_warning(context.request.ref):
            report.findings.append(other_generation(context.request.ref, _OTHER_REF))
        context.trust(script, report)
        return Done(_describe(git))


def _plan_clone(git: Git, context: InstallContext) -> Todo:
    request, repository = context.request, _submodule_parent(git, context)
    order = _order(context, repository)
    refuse_clone(order)
    _refuse_current_folder(context)
    kind = f"submodule of {repository.root}" if repository else "clone"
    adapter = GENERATIONS[generation_by_name(order.ref) or Generation.V2]
    doubts = look_up_offline(git, request.source, order.ref) if context.dry else None
    return Todo(
        f"{request.ref if order.ref == request.ref else order.ref[:8]} from {order.url} as a {kind}, "
        "without history and without checkpoints",
        _commands(order, repository),
        bytes=adapter.download_bytes,
        disk=adapter.download_bytes + adapter.disk_bytes,
        findings=(*_generation_warning(order.ref), *([doubts] if doubts else [])),
    )


def _commands(order: CloneOrder, repository: Surrounding | None) -> tuple[str, ...]:
    """The equivalent commands to type by hand, in any shell."""
    plain = "git -c filter.lfs.smudge= -c filter.lfs.process= -c filter.lfs.required=false"
    ref, url, folder = order.ref, order.url, order.folder
    commands = [f'{plain} clone --depth 1 --branch {ref} {url} "{folder}"']
    if is_commit(ref):  # git clone accepts only a branch or a tag
        commands = [
            f'git init "{folder}"',
            f'git -C "{folder}" remote add origin {url}',
            f'git -C "{folder}" fetch --depth 1 origin {ref}',
            f'{plain} -C "{folder}" checkout --detach {ref}',
        ]
    if repository:
        commands.append(f'git -C "{repository.root}" submodule add --force {url} "{repository.path}"')
    return tuple(commands)


def _refuse_current_folder(context: InstallContext) -> None:
    """Raise PML001 for the current folder: the clone replaces it, and the shell would be left in a deleted one."""
    folder = context.checkout
    if folder.is_dir() and folder.samefile(context.settings.folder):
        message = (
            f"--dir cannot be the current folder ({folder}), because the checkout is built beside it and then "
            "replaces it."
        )
        hint = f'cd .. and then: pmlaunch install --dir "{folder.name}"'
        raise PmlaunchError("PML001", message, hint=hint, subject=str(folder))


def _order(context: InstallContext, repository: Surrounding | None) -> CloneOrder:
    """The clone to make. A submodule on record keeps its commit and its source unless others were typed."""
    request = context.request
    order = CloneOrder(context.checkout, address(request.source), request.ref)
    if repository is None:
        return order
    order = replace(order, submodule=free_name(repository))
    if repository.pinned and not request.ref_given:
        recorded = repository.url if repository.url and "://" in repository.url else order.url
        return replace(order, ref=repository.pinned, url=recorded)
    return order


def _submodule_parent(git: Git, context: InstallContext) -> Surrounding | None:
    """The repository that the checkout becomes a submodule of; None for a plain clone. Raises PML001."""
    kind = context.request.kind
    if kind is CheckoutKind.CLONE:
        return None
    repository = surrounding(git)
    if repository is None and kind is CheckoutKind.SUBMODULE:
        message = f"{context.checkout} is not inside a git repository, so it cannot be a submodule."
        raise PmlaunchError("PML001", message).retrying({"--as": "clone"})
    return repository if kind is CheckoutKind.SUBMODULE or (repository and not repository.ignored) else None


def _clone_or_restore(git: Git, context: InstallContext, report: Reporter) -> None:
    repository = _submodule_parent(git, context)
    recorded = repository.name if repository and repository.pinned else None
    if repository and recorded and (repository.modules / recorded).exists():
        restore(git, repository)
    else:
        clone(git, _order(context, repository), report)


def _finish(git: Git) -> None:
    """Register the clone as a submodule if it is to be one, and remove the marker. May be repeated after a kill."""
    folder, location = git.folder, look_at(git.folder)
    if location.marker is None or location.gitdir is None:
        return
    repository = surrounding(git) if location.marker.name else None
    with writing(folder):
        if repository is not None:
            register(git, repository, location.marker)
        remove_marker(look_at(folder).gitdir or location.gitdir)


def _describe(git: Git) -> str:
    """What is checked out, such as "v2.3 (4a905b99), generation 2, submodule"."""
    commit = (git.ask("rev-parse", "HEAD") or "")[:8]
    name = git.ask("describe", "--tags", "--exact-match") or git.ask("name-rev", "--name-only", "HEAD") or ""
    name = name.removeprefix("remotes/origin/")
    known = f"{name} ({commit})" if name and name != "undefined" else commit
    kind = ", submodule" if (git.folder / ".git").is_file() else ""
    return f"{known}, generation {generation_of(git.folder)}{kind}"


def _generation_warning(ref: str) -> tuple[Finding, ...]:
    return (other_generation(ref, _OTHER_REF),) if generation_by_name(ref) is Generation.V3 else ()


def _no_git(folder: Path) -> Finding:
    message = (
        f"{folder} has no git repository, so its ref cannot be checked and Git LFS cannot download its checkpoints."
    )
    return Finding("PML417", Severity.WARNING, message, "pmlaunch install --dir ANOTHER_FOLDER", None, str(folder))
