"""Which of its own settings a repository may contribute: those that can name no program, no host and no other folder.

The settings of a checkout are data from anywhere, and git starts programs that they name: hooks, a file watcher,
filters, transports, helpers for passwords. So this is a list of what is allowed. Anything else is overridden from the
command line with what the user's own settings say, or with what git does without the setting; a setting that cannot be
overridden refuses the repository. The user's own settings are trusted.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.process import neutral_folder, run_git
from pmlaunch.git.repository import Repository

# Names as git lists them, with * for the part in the middle. Numbers, switches, words of a fixed list, names of people,
# refs and remotes: none of them makes git start a program, contact a host or leave the repository.
_ALLOWED = {
    "core": "abbrev autocrlf bare bigfilethreshold checkstat commentchar commitgraph compression createobject eol filemode "
    "deltabasecachelimit filesreflocktimeout fsync fsyncmethod fsyncobjectfiles hidedotfiles ignorecase ignorestat longpaths "
    "logallrefupdates loosecompression multipackindex notesref packedgitlimit packedgitwindowsize packedrefstimeout "
    "precomposeunicode preloadindex quotepath repositoryformatversion safecrlf sharedrepository sparsecheckout "
    "sparsecheckoutcone splitindex symlinks trustctime untrackedcache whitespace",
    "credential": "usehttppath username",
    "credential.*": "usehttppath username",
    "diff": "algorithm colormoved colormovedws context dirstat ignoresubmodules indentheuristic interhunkcontext "
    "mnemonicprefix noprefix relative renamelimit renames statgraphwidth submodule",
    "extensions": "compatobjectformat noop objectformat partialclone preciousobjects refstorage relativeworktrees "
    "worktreeconfig",
    "fetch": "fsckobjects negotiationalgorithm output parallel prune prunetags showforcedupdates unpacklimit "
    "writecommitgraph",
    "http": "lowspeedlimit lowspeedtime maxrequestbuffer maxrequests minsessions postbuffer version",
    "init": "defaultbranch",
    "lfs": "activitytimeout concurrenttransfers dialtimeout fetchexclude fetchinclude locksverify repositoryformatversion "
    "skipdownloaderrors tlstimeout",
    "lfs.*": "access locksverify",
    "log": "abbrevcommit date decorate diffmerges follow graphcolors showroot",
    "merge": "conflictstyle directoryrenames ff log renamelimit renames renormalize stat verbosity",
    "remote": "pushdefault",
    "remote.*": "fetch gh-resolved mirror partialclonefilter promisor prune prunetags push pushurl skipdefaultupdate "
    "skipfetchall tagopt url",
    "submodule": "active fetchjobs propagatebranches",
    "submodule.*": "active branch fetchrecursesubmodules ignore shallow url",
    "tag": "sort",
    "transfer": "fsckobjects unpacklimit",
    "versionsort": "suffix",
}
# Of these whole sections the commands used here read nothing but switches, words and names.
_ALLOWED_SECTIONS = (
    "advice author branch checkout color column commitgraph committer feature gui i18n index pack pull push rebase rerere "
    "splitindex status user worktree"
)
# What git does without the setting, where an empty value does not mean that.
_WITHOUT = {
    "core.protecthfs": "true",
    "core.protectntfs": "true",
    "http.sslverify": "true",
    "http.*.sslverify": "true",
    "http.followredirects": "initial",
    "http.*.followredirects": "initial",
    "remote.*.receivepack": "git-receive-pack",
    "remote.*.uploadpack": "git-upload-pack",
    "submodule.*.update": "checkout",
    "transfer.credentialsinurl": "allow",
}
_PROGRAM = "it names a program for git to start and cannot be overridden"
_REFUSED = {
    "core.gitproxy": _PROGRAM,
    "include.path": "it adds settings from another file",
    "includeif.*.path": "it adds settings from another file",
    "lfs.standalonetransferagent": _PROGRAM,
    "lfs.*.standalonetransferagent": _PROGRAM,
    "remote.*.vcs": _PROGRAM,
    "url.*.insteadof": "it redirects git to another address than the given one",
    "url.*.pushinsteadof": "it redirects git to another address than the given one",
}
_LFS_AS_INSTALLED = {
    "filter.lfs.clean": ("git-lfs clean -- %f",),
    "filter.lfs.smudge": ("git-lfs smudge -- %f", "git-lfs smudge --skip -- %f"),
    "filter.lfs.process": ("git-lfs filter-process", "git-lfs filter-process --skip"),
    "filter.lfs.required": ("true", "false", ""),
}


@dataclass(frozen=True)
class Setting:
    """One setting: its name as git lists it (section and key in lower case), its value, and the file it is in."""

    name: str
    value: str
    file: Path

    @property
    def kind(self) -> str:
        """The name with * for its middle part."""
        section, _, rest = self.name.partition(".")
        return f"{section}.*.{rest.rpartition('.')[2]}" if "." in rest else self.name

    @property
    def allowed(self) -> bool:
        """Whether a repository may say this."""
        if self.name in _LFS_AS_INSTALLED:
            return self.value in _LFS_AS_INSTALLED[self.name]
        section, _, key = self.kind.rpartition(".")
        return key in _ALLOWED.get(section, "").split() or self.name.partition(".")[0] in _ALLOWED_SECTIONS.split()


def overrides(
    git: str, repository: Repository, environment: Mapping[str, str], *, checked_out: bool = True
) -> tuple[str, ...]:
    """The settings for `git -c` that override those of the repository that are not allowed.

    `git` is the program, `environment` what it gets; a submodule's repository may not be `checked_out`.

    Raises PML140 for a setting that cannot be overridden, PML141 for another work tree, PML142 for unreadable settings.
    """
    settings = [setting for file in repository.settings() for setting in _read(git, file, environment)]
    _refuse_other_work_tree(repository, settings, checked_out)
    strange = [setting for setting in settings if not setting.allowed and setting.name != "core.worktree"]
    for setting in settings:
        _refuse(setting, repository)
    return tuple(_neutral(strange, _own_settings(git, environment), environment)) if strange else ()


def _neutral(strange: Iterable[Setting], own: Sequence[Setting], environment: Mapping[str, str]) -> Iterable[str]:
    """Overrides: the user's own values, else git's defaults."""
    for name, kind in {setting.name: setting.kind for setting in strange}.items():
        listed = name.endswith((".helper", ".extraheader"))  # an empty value clears these lists, whoever filled them
        values = [f"{it.name}={it.value}" for it in own if it.name == name and not listed]
        values = values[-1:] or [f"{name}={_WITHOUT.get(kind, '')}"]
        if name == "core.sshcommand" and values == ["core.sshcommand="]:
            values = [f"{name}={shlex.quote(environment.get('GIT_SSH') or 'ssh')}"]
        yield from values
        if kind.startswith("filter."):  # a required filter that is missing would be an error
            yield f"{name.rpartition('.')[0]}.required=false"
        if listed:
            key = name.rpartition(".")[2]
            yield from (f"{it.name}={it.value}" for it in own if it.name.endswith(f".{key}") and "=" not in it.name)


def _refuse(setting: Setting, repository: Repository) -> None:
    """Raise PML140 for a setting that is not allowed and that `-c` cannot override."""
    why = _REFUSED.get(setting.kind)
    if setting.kind.startswith("remote.*.") and re.search(r"[:\\]|^[./]", setting.name.removeprefix("remote.")):
        why = "it redefines an address, which git would use instead of the given one"
    elif setting.name.startswith("lfs.extension."):
        why = _PROGRAM
    elif setting.name.startswith("extensions.") and not setting.allowed:
        why = "pmlaunch does not know this git extension, and it cannot be overridden"
    elif not setting.allowed and ("=" in setting.name or not setting.name.isprintable() or not _is_text(setting.name)):
        why = "it is not allowed, and git cannot be told to ignore a setting with this name"
    if why is not None:
        message = f"The repository at {repository.root} sets {setting.name!r} in {setting.file}: {why}."
        raise _refusal("PML140", message, setting)


def _refuse_other_work_tree(repository: Repository, settings: Iterable[Setting], checked_out: bool) -> None:
    """Raise PML141 if git would write the files elsewhere, or if only a .git file says that the repository is this one's."""
    for setting in settings:
        if setting.name == "core.worktree":
            if repository.own != repository.common and setting.file.parent == repository.common:
                continue  # in a worktree git takes its own place, not that of the main one
            if Path(os.path.realpath(repository.own / setting.value)) == repository.root:
                return
            message = (
                f"{setting.file} sets core.worktree: git would write the files of {repository.root} to {setting.value}."
            )
            raise _refusal("PML141", message, setting)
    if checked_out and repository.own == repository.common and not repository.own.is_relative_to(repository.root):
        config, root = repository.own / "config", repository.root
        message = f"{root / '.git'} leads to {repository.own}, which does not say that {root} is its work tree."
        hint = f'if you own both: git config --file "{config}" core.worktree "{root}"'
        raise PmlaunchError("PML141", message, hint=hint, subject=str(root / ".git"))


def _refusal(code: str, message: str, setting: Setting) -> PmlaunchError:
    """The error, with the command that removes the setting. A name that a shell would act on is not put into a command."""
    if re.fullmatch(r"[\w./:@=~*?-]+", setting.name, re.ASCII):
        fix = f'git config --file "{setting.file}" --unset-all "{setting.name}"'
        return PmlaunchError(code, message, fix=fix, subject=setting.name)
    hint = f'remove this setting from "{setting.file}" with an editor'
    return PmlaunchError(code, message, hint=hint, subject=setting.name)


def _is_text(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)


def _read(git: str, file: Path, environment: Mapping[str, str]) -> list[Setting]:
    """The settings in a file. Raises PML142 if git cannot read it."""
    listed = _listed(git, ("--file", str(file), "--no-includes"), environment)
    if listed is None:
        message = f"git cannot read the settings in {file}, so pmlaunch does not start it there."
        raise PmlaunchError("PML142", message, fix=f'git config --file "{file}" --list', subject=str(file))
    return [Setting(name, value, file) for name, value in listed]


def _own_settings(git: str, environment: Mapping[str, str]) -> list[Setting]:
    """The user's and the system's settings; none if git cannot list them."""
    listed = _listed(git, ("--includes",), environment) or []
    return [Setting(name, value, Path()) for name, value in listed]


def _listed(git: str, source: Sequence[str], environment: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """(name, value) of each setting in `source`, read outside of any repository; None if git fails."""
    alone = {**environment, "GIT_CEILING_DIRECTORIES": str(neutral_folder(git).parent)}
    done = run_git([git, "config", "-z", "--list", *source], alone)
    if done is None or done.returncode != 0:
        return None
    entries = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [(name, value) for name, _, value in (entry.partition("\n") for entry in entries) if name]
