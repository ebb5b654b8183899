"""Where a checkout comes from: the source's address, its refs, and what a ref stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.installing.failures import failure
from pmlaunch.installing.git import Git

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


def generation_by_name(ref: str) -> str | None:
    """The generation that ProtoMotions' own refs hold; None for a ref that only the source knows."""
    if ref == "main" or re.match(r"v3(\.|$)", ref):
        return "3"
    return "2" if re.match(r"v[12](\.|$)", ref) else None


def find_ref(git: Git, url: str, wanted: str, cwd: Path) -> Ref:
    """The tag, else the branch, else the commit that `wanted` names in the source.

    Raises PML403 when the source does not answer, PML404 when it is no git repository, and PML405.
    """
    ended = git.run("ls-remote", "--heads", "--tags", "--", url, cwd=cwd, patience=_ANSWER)
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
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", wanted):
        return Ref(None, wanted)
    names = [name.removeprefix("refs/tags/").removeprefix("refs/heads/") for name in refs if not name.endswith("^{}")]
    there = f" It has: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}." if names else " It has none at all."
    near = did_you_mean(wanted, names) or there
    raise PmlaunchError(
        "PML405", f"{url} has no tag and no branch called {wanted!r}.{near}", hint="--ref v2.3", subject=wanted
    )


def _parse(told: str) -> Mapping[str, str]:
    found = (re.fullmatch(r"([0-9a-f]{40,64})\t(refs/.+)", line) for line in told.splitlines())
    return {match[2]: match[1] for match in found if match}


def known_commit(git: Git, folder: Path, ref: str) -> str | None:
    """The commit that `ref` is known to be in the checkout at `folder`; None when it was never fetched there."""
    for name in (f"refs/tags/{ref}", f"refs/remotes/origin/{ref}", f"refs/heads/{ref}", ref):
        commit = git.ask("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}", cwd=folder)
        if commit:
            return commit
    return None
