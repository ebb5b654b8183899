"""What an installation downloads: the notes' way (submodule, `git lfs fetch --all`) against `pmlaunch install`.

    python benchmarks/install.py [--scale 0.1] [--folder /var/tmp]

Real git and real git-lfs, from a repository that is made here and served from file://, in the proportions of the real
one: two checkpoints of 300 MB at the tag, nine versions of each in history (5.4 GB in Git LFS), and 52 MB of other files
at each of six commits (312 MB of history). `--scale 1` is the full size and takes about 8 GB of disk for a while.
What was received is measured where it lies afterwards: git's packs, and the objects of Git LFS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKPOINTS = {"masked_mimic": 303_850_268, "motion_tracker": 279_251_872}
VERSIONS, COMMITS, FILES = 9, 6, 52_000_000
LIMIT = 1 / 15
# the real repository, in bytes: history and every version in Git LFS; v2.3 without history and its one checkpoint
REAL_NOTES, REAL_OURS = 312_000_000 + 5_300_000_000, 51_200_000 + 303_850_268
_WHO = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@b", "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@b"}


@dataclass(frozen=True)
class Received:
    """What a way of installing has brought: bytes in git's packs, bytes in Git LFS, seconds."""

    packs: int
    lfs: int
    seconds: float

    @property
    def bytes(self) -> int:
        """Everything that was downloaded."""
        return self.packs + self.lfs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pmlaunch-bytes-", dir=options.folder) as home:
        source = make_source(Path(home, "source"), options.scale)
        ours = install(source, Path(home, "ours"))
        theirs = notes(source, Path(home, "theirs"))
    print(f"scale {options.scale:g}: checkpoints of {CHECKPOINTS['masked_mimic'] * options.scale / 1e6:.0f} MB")
    print(f"{'':<44} {'git packs':>12} {'Git LFS':>12} {'together':>12} {'seconds':>8}")
    rows = {"the notes: submodule add, lfs fetch --all": theirs, "pmlaunch install --models maskmimic": ours}
    for name, row in rows.items():
        print(f"{name:<44} {mb(row.packs):>12} {mb(row.lfs):>12} {mb(row.bytes):>12} {row.seconds:8.1f}")
    ratio = ours.bytes / theirs.bytes
    print(f"pmlaunch / notes = 1/{1 / ratio:.1f} (limit 1/15): {'ok' if ratio <= LIMIT else 'OVER'}")
    print(
        f"the real repository, by the sizes that its pointers state: {mb(REAL_OURS)} against more than {mb(REAL_NOTES)}, "
        f"1/{REAL_NOTES / REAL_OURS:.1f}; in Git LFS alone 304 MB against more than 5300 MB"
    )


def mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def make_source(root: Path, scale: float) -> Path:
    """The repository: its objects of Git LFS are sparse files, distinct and of full length, put where git-lfs keeps them."""
    (root / "protomotions").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "uploadpack.allowFilter", "true")
    git(root, "config", "core.bigFileThreshold", "1m")  # random bytes have no deltas: git need not look for them
    (root / ".gitattributes").write_text("*.ckpt filter=lfs diff=lfs merge=lfs -text\n", encoding="utf-8")
    (root / "protomotions" / "eval_agent.py").touch()
    for version in range(VERSIONS):
        for name, size in CHECKPOINTS.items():
            pointer(root, name, version, max(int(size * scale), 1000))
        if version < COMMITS:
            other = random.Random(version).randbytes(int(FILES * scale))
            (root / "data" / "motions.bin").write_bytes(other)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", str(version))
    git(root, "tag", "v2.3")
    git(root, "mv", "protomotions/eval_agent.py", "protomotions/inference_agent.py")
    git(root, "commit", "-q", "-m", "generation 3")
    return root


def pointer(root: Path, name: str, version: int, size: int) -> None:
    """The pointer in its place, and its object in the store: the version's name, then zeros that take no disk."""
    path = root / "data" / "pretrained_models" / name / "smpl" / "last.ckpt"
    path.parent.mkdir(parents=True, exist_ok=True)
    first = f"{name} {version}\n".encode()
    digest, rest, zeros = hashlib.sha256(first), size - len(first), bytes(1 << 20)
    while rest:
        digest.update(zeros[: min(rest, len(zeros))])
        rest -= min(rest, len(zeros))
    oid = digest.hexdigest()
    stored = root / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    stored.parent.mkdir(parents=True, exist_ok=True)
    with stored.open("wb") as file:
        file.write(first)
        file.truncate(size)
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def notes(source: Path, home: Path) -> Received:
    """What the page of notes says, on a machine where `git lfs install` was run once."""
    with repository(home) as folder:
        begin = time.perf_counter()
        git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source.as_uri(), "pm", lfs=True)
        git(folder / "pm", "lfs", "fetch", "--all", lfs=True)
        return received(folder, time.perf_counter() - begin)


def install(source: Path, home: Path) -> Received:
    """The same place, with pmlaunch."""
    command = [sys.executable, "-m", "pmlaunch", "install", "--source", str(source), "--dir", "pm", "--json"]
    with repository(home) as folder:
        begin = time.perf_counter()
        done = subprocess.run(  # noqa: PLW1510 (its exit code is reported)
            [*command, "--simulator", "genesis", "--no-packages"],
            cwd=folder,
            env={**os.environ, "PMLAUNCH_LOGS": str(home / "logs")},
            stdout=subprocess.PIPE,
        )
        if done.returncode:
            raise SystemExit(json.dumps(json.loads(done.stdout)["errors"], indent=2))
        return received(folder, time.perf_counter() - begin)


@contextmanager
def repository(home: Path) -> Iterator[Path]:
    folder = home / "work"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    yield folder


def received(folder: Path, seconds: float) -> Received:
    """Every way of receiving ends in one of these two folders of the submodule's repository."""
    modules = folder / ".git" / "modules" / "pm"
    packs = sum(path.stat().st_size for path in (modules / "objects").rglob("*") if path.is_file())
    stored = modules / "lfs" / "objects"
    return Received(packs, sum(path.stat().st_size for path in stored.rglob("*") if path.is_file()), seconds)


def git(folder: Path, *arguments: str, lfs: bool = False) -> None:
    """Run git without the user's settings; with `lfs` as `git lfs install` sets it up, else without any filter."""
    filters = [
        "smudge=git-lfs smudge -- %f",
        "clean=git-lfs clean -- %f",
        "process=git-lfs filter-process",
        "required=true",
    ]
    settings = [f"filter.lfs.{line}" for line in filters] if lfs else []
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": str(len(settings))}
    for number, setting in enumerate(settings):
        key, _, value = setting.partition("=")
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **_WHO, **variables}, check=True)


if __name__ == "__main__":
    main()
