"""The source of a checkout: its address, its refs, and what a ref resolves to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.git.failures import NOT_A_REPOSITORY, check
from pmlaunch.git.runner import Git
from pmlaunch.model import Finding, Generation, Severity
from pmlaunch.support.paths import expanded, is_remote

DEFAULT_SOURCE = "https://github.com/NVlabs/ProtoMotions"
PINNED = {"v2.3": "4a905b998101333a2fb91f2de8e2cab4bd0db68e"}
"""The commits of ProtoMotions' own tags that pmlaunch was tested with."""
KNOWN_REFS = ("v2.3", "v3.0", "v3.1", "main")
"""The tags and the branch of ProtoMotions' own repository that are known to exist."""
_UPSTREAM = re.compile(
    r"(?:[a-z+]+://)?(?:[^/@]*@)?(?:www\.)?github\.com(?::\d+)?[:/]+NVlabs/ProtoMotions(?:\.git)?/*", re.IGNORECASE
)
_ANSWER = 60.0  # seconds within which a source must respond
_URL = re.compile(r"[a-z][a-z0-9+.-]+://|[^/\\]+@[^/\\]+:", re.IGNORECASE)  # https://..., git@host:...


@dataclass(frozen=True)
class Ref:
    """A ref at a source: its full name (None for a commit) and the object that it names there."""

    name: str | None
    commit: str

    @property
    def refspec(self) -> str:
        """What git fetches, and the local name for it."""
        if self.name is None:
            return self.commit
        kept = self.name.replace("refs/heads/", "refs/remotes/origin/", 1)
        return f"+{self.name}:{kept}"

    @property
    def kept(self) -> str:
        """The local name of the fetched ref."""
        return self.commit if self.name is None else self.refspec.partition(":")[2]


def address(source: str) -> str:
    """The address for git: a URL without name and password, a folder as file:// (git copies a plain path with all its history).

    Raises PML404 if it is neither.
    """
    if _URL.match(source):
        return _without_user(source)[0]
    folder = expanded(source).absolute()
    if folder.is_dir():
        return folder.as_uri()
    message = f"The source {source} is neither a URL nor a folder."
    raise PmlaunchError(NOT_A_REPOSITORY.code, message, subject=source).retrying({"--source": DEFAULT_SOURCE})


def user_setting(source: str) -> tuple[str, ...]:
    """The setting with which git adds the name and password of `source` to its `address`; none if it has none.

    So they are in no file: not in the checkout's settings, and not in a log.
    """
    bare, user = _without_user(source)
    if user is None:
        return ()
    scheme, _, rest = bare.partition("://")
    return (f"url.{scheme}://{user.replace('=', '%3D')}@{rest}.insteadOf={bare}",)


def _without_user(url: str) -> tuple[str, str | None]:
    """An address of HTTP without its name and password, and these."""
    found = re.match(r"(https?://)([^/]*)@(.*)", url, re.IGNORECASE)
    return (found[1] + found[3], found[2]) if found else (url, None)


def generation_by_name(ref: str) -> Generation | None:
    """The generation of ProtoMotions' own refs; None for any other ref."""
    return next((it for it, adapter in GENERATIONS.items() if re.match(adapter.refs, ref)), None)


def find_ref(git: Git, url: str, wanted: str) -> Ref:
    """The tag, else the branch, else the commit called `wanted` at the source.

    Raises PML403 if the source does not answer, PML404 if it is not a git repository, PML405 if it has no such ref.
    """
    ended = git.online.run("ls-remote", "--heads", "--tags", "--", url, patience=_ANSWER)
    if not ended.ok and NOT_A_REPOSITORY.line_in(ended.tail):
        message = f"{url} is not a git repository. git's output: {ended.log}"
        raise PmlaunchError(NOT_A_REPOSITORY.code, message, subject=url).retrying({"--source": DEFAULT_SOURCE})
    check(ended, f"Asking {url}", url, "PML403")
    refs = _parse(ended.log.read_bytes().decode("utf-8", "replace"))
    for name in (f"refs/tags/{wanted}", f"refs/heads/{wanted}", wanted):
        if name in refs:
            return Ref(name, refs[name])
    if is_commit(wanted):
        return Ref(None, wanted)
    names = [name.removeprefix("refs/tags/").removeprefix("refs/heads/") for name in refs if not name.endswith("^{}")]
    there = f" It has: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}." if names else " It has none."
    message = f"{url} has no tag or branch named {wanted!r}.{did_you_mean(wanted, names) or there}"
    raise PmlaunchError("PML405", message, subject=wanted).retrying({"--ref": "v2.3"})


def look_up_offline(git: Git, source: str, ref: str) -> Finding | None:
    """Check a ref without contacting a host: in the source itself if it is a folder, else among the known refs.

    Returns PML165 if the ref could not be checked. Raises PML405 if the folder's repository does not have it.
    """
    upstream = _UPSTREAM.fullmatch(source) is not None
    _, scheme, path = source.rpartition("file://")
    is_folder = (scheme or not _URL.match(source)) and not is_remote(path)
    folder = expanded(re.sub(r"^/(?=[A-Za-z]:)", "", unquote(path)) if scheme else path).absolute()
    if is_folder and (there := git.at(folder)).ask("rev-parse", "HEAD"):
        if known_ref(there, ref) is None:
            message = f"{folder} has no tag, branch or commit called {ref!r}."
            raise PmlaunchError("PML405", message, subject=ref).retrying({"--ref": "v2.3"})
        return None
    if upstream and (is_commit(ref) or ref in KNOWN_REFS):
        return None
    message, severity = f"--ref {ref} was not checked, because a dry run contacts no host.", Severity.NOTE
    if upstream:
        message += did_you_mean(ref, KNOWN_REFS) or f" Known refs: {', '.join(KNOWN_REFS)}."
        severity = Severity.WARNING
    return Finding("PML165", severity, message, "pmlaunch install asks the source first", None, ref)


def refuse_moved(ref: str, url: str, commit: str | None) -> None:
    """Raise PML144 if ProtoMotions' own repository delivers another commit under a tag than the one known."""
    pinned = PINNED.get(ref)
    if pinned is not None and commit != pinned and _UPSTREAM.fullmatch(url):
        message = f"{url} has {ref} at {commit or 'no commit'}, but pmlaunch was tested with {pinned}."
        raise PmlaunchError("PML144", message, subject=ref).retrying({"--ref": str(pinned)})


def is_commit(ref: str) -> bool:
    """Whether the ref is a full commit hash."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref) is not None


def _parse(output: str) -> Mapping[str, str]:
    """{ref: object} from the output of ls-remote."""
    found = (re.fullmatch(r"([0-9a-f]{40,64})\t(refs/.+)", line) for line in output.splitlines())
    return {match[2]: match[1] for match in found if match}


def known_ref(git: Git, ref: str) -> Ref | None:
    """What `ref` resolves to in git's folder; None if it was never fetched there."""
    if ref.startswith("-"):  # no ref starts like this, and git would take it for an option
        return None
    for name in (f"refs/tags/{ref}", f"refs/remotes/origin/{ref}", f"refs/heads/{ref}", ref):
        commit = git.ask("rev-parse", "--verify", "-q", f"{name}^{{commit}}")
        if commit:
            return Ref(None if name == ref else name, commit)
    return None


def is_branch(known: Ref | None) -> bool:
    """Whether the ref may have moved at its source."""
    return known is not None and (known.name or "").startswith(("refs/remotes/", "refs/heads/"))


def branch_at(git: Git, url: str, branch: str) -> str | None:
    """The commit of the branch at the source; "" if it has no such branch, None if it does not answer."""
    output = git.online.ask("ls-remote", "--heads", "--", url, f"refs/heads/{branch}")
    return None if output is None else _parse(output).get(f"refs/heads/{branch}", "")


def source_of(git: Git, typed: str) -> str:
    """Where to look up a branch of the checkout: the source that was typed, else the checkout's own.

    An address in the checkout's settings is used only if git opens it without starting another program (ssh, a helper).
    """
    origin = git.ask("config", "--local", "remote.origin.url") or ""
    if typed == DEFAULT_SOURCE and (re.match(r"(https?|file)://", origin) or Path(origin).is_absolute()):
        return origin
    return address(typed)


def same_source(one: str, other: str) -> bool:
    """Whether two addresses mean the same repository, however they are written."""
    urls = (Path(url).as_uri() if Path(url).is_absolute() else url for url in (one, other))
    return len({url.rstrip("/").removesuffix(".git").casefold() for url in urls}) == 1
