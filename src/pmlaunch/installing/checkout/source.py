"""Where a checkout comes from: the source's address, its refs, and what a ref stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.git.failures import failure
from pmlaunch.git.runner import Git, RunOptions
from pmlaunch.model import Generation

DEFAULT_SOURCE = "https://github.com/NVlabs/ProtoMotions"
_ANSWER = 60.0  # seconds in which a source has to say something
_URL = re.compile(r"[a-z][a-z0-9+.-]+://|[^/\\]+@[^/\\]+:", re.IGNORECASE)  # https://..., git@host:...


@dataclass(frozen=True)
class Ref:
    """A ref of a source: its full name (None for a commit) and the object that it names there."""

    name: str | None
    commit: str

    @property
    def refspec(self) -> str:
        """What git is asked to fetch, and under which name it keeps it."""
        if self.name is None:
            return self.commit
        kept = self.name.replace("refs/heads/", "refs/remotes/origin/", 1)
        return f"+{self.name}:{kept}"

    @property
    def kept(self) -> str:
        """The name under which the fetched ref is found afterwards."""
        return self.commit if self.name is None else self.refspec.partition(":")[2]


def address(source: str) -> str:
    """What git is told: a URL as it is; a folder as file://, because git copies a plain path with all its history."""
    if _URL.match(source):
        return source
    folder = Path(source).expanduser().absolute()
    if not folder.is_dir():
        raise PmlaunchError(
            "PML404",
            f"The source {source} is neither a URL nor a folder.",
            hint="--source https://github.com/NVlabs/ProtoMotions",
            subject=source,
        )
    return folder.as_uri()


def generation_by_name(ref: str) -> Generation | None:
    """The generation that ProtoMotions' own refs hold; None for a ref that only the source knows."""
    if ref == "main" or re.match(r"v3(\.|$)", ref):
        return Generation.V3
    return Generation.V2 if re.match(r"v[12](\.|$)", ref) else None


def find_ref(git: Git, url: str, wanted: str, cwd: Path) -> Ref:
    """The tag, else the branch, else the commit that `wanted` names in the source.

    Raises PML403 when the source does not answer, PML404 when it is no git repository, and PML405.
    """
    ended = git.run("ls-remote", "--heads", "--tags", "--", url, cwd=cwd, more=RunOptions(patience=_ANSWER))
    if not ended.ok:
        words = "\n".join(ended.tail)
        if re.search(r"does not appear to be a git repository|repository .* not found|not a git repository", words):
            raise PmlaunchError(
                "PML404", f"{url} is no git repository. git's output: {ended.log}", hint="--source URL", subject=url
            )
        raise failure(ended, f"Asking {url}", url, "PML403")
    refs = _parse(ended.log.read_bytes().decode("utf-8", "replace"))
    for name in (f"refs/tags/{wanted}", f"refs/heads/{wanted}", wanted):
        if name in refs:
            return Ref(name, refs[name])
    if is_commit(wanted):
        return Ref(None, wanted)
    names = [name.removeprefix("refs/tags/").removeprefix("refs/heads/") for name in refs if not name.endswith("^{}")]
    there = f" It has: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}." if names else " It has none at all."
    near = did_you_mean(wanted, names) or there
    raise PmlaunchError(
        "PML405", f"{url} has no tag and no branch called {wanted!r}.{near}", hint="--ref v2.3", subject=wanted
    )


def is_commit(ref: str) -> bool:
    """Whether the ref is the full name of a commit."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref) is not None


def _parse(told: str) -> Mapping[str, str]:
    found = (re.fullmatch(r"([0-9a-f]{40,64})\t(refs/.+)", line) for line in told.splitlines())
    return {match[2]: match[1] for match in found if match}


def known_ref(git: Git, folder: Path, ref: str) -> Ref | None:
    """What `ref` is known to be in the checkout at `folder`; None when it was never fetched there."""
    if ref.startswith("-"):  # no ref's name begins so, and git would take it for an option
        return None
    for name in (f"refs/tags/{ref}", f"refs/remotes/origin/{ref}", f"refs/heads/{ref}", ref):
        commit = git.ask("rev-parse", "--verify", "-q", f"{name}^{{commit}}", cwd=folder)
        if commit:
            return Ref(None if name == ref else name, commit)
    return None


def known_commit(git: Git, folder: Path, ref: str) -> str | None:
    """The commit that `ref` is known to be in the checkout at `folder`; None when it was never fetched there."""
    known = known_ref(git, folder, ref)
    return known.commit if known else None


def is_branch(known: Ref | None) -> bool:
    """Whether a known ref may be further on at its source."""
    return known is not None and (known.name or "").startswith(("refs/remotes/", "refs/heads/"))


def branch_at(git: Git, folder: Path, url: str, branch: str) -> str | None:
    """The commit at which the source has the branch now; "" when it has none, None when it does not answer."""
    told = git.ask("ls-remote", "--heads", "--", url, f"refs/heads/{branch}", cwd=folder)
    return None if told is None else _parse(told).get(f"refs/heads/{branch}", "")


def source_of(git: Git, folder: Path, typed: str) -> str:
    """Where a branch of the checkout at `folder` is asked for: the source that was typed; else the checkout's own.

    One that would have git start a program named in the checkout's settings (ssh, a helper) is not taken from there.
    """
    origin = git.ask("config", "--local", "remote.origin.url", cwd=folder) or ""
    if typed == DEFAULT_SOURCE and (re.match(r"(https?|file)://", origin) or Path(origin).is_absolute()):
        return origin
    return address(typed)


def same_source(one: str, other: str) -> bool:
    """Whether two addresses differ by more than how they are written."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    folder = Path(url).as_uri() if Path(url).is_absolute() else url
    return folder.rstrip("/").removesuffix(".git").casefold()
