"""With real git: a checkout from a stranger decides neither what is started, nor who is contacted, nor what is written.

Every program that a setting names leaves a trace when it is run; `test_the_traps_work` shows that plain git runs them.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installs import Install, pmlaunch

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.queries import ask_git, query
from pmlaunch.git.runner import Git
from pmlaunch.installing.checkout import source
from started import Done
from upstream import MASKED, Upstream, git, make_repository, needs_lfs

pytestmark = [
    needs_lfs,
    pytest.mark.hostile,
    pytest.mark.skipif(sys.platform == "win32", reason="skipped: the traps are shell scripts and links"),
]

# Settings that are overridden. {trap} is a program that leaves a trace.
IGNORED = {
    "core.fsmonitor": "{trap}",
    "core.sshCommand": "{trap}",
    "core.askPass": "{trap}",
    "core.pager": "{trap}",
    "core.editor": "{trap}",
    "core.alternateRefsCommand": "{trap}",
    "core.hooksPath": "{hooks}",
    "credential.helper": "!{trap}",
    "credential.http://127.0.0.1.helper": "!{trap}",
    "diff.external": "{trap}",
    "diff.x.textconv": "{trap}",
    "diff.x.command": "{trap}",
    "merge.x.driver": "{trap}",
    "gpg.program": "{trap}",
    "log.showSignature": "true",
    "filter.x.clean": "{trap}",
    "filter.x.smudge": "{trap}",
    "filter.x.process": "{trap}",
    "filter.x.required": "true",
    "filter.lfs.clean": "{trap}; git-lfs clean -- %f",
    "filter.lfs.smudge": "{trap}; git-lfs smudge -- %f",
    "filter.lfs.process": "{trap}; git-lfs filter-process",
    "remote.origin.uploadpack": "{trap}; git-upload-pack",
    "remote.origin.receivepack": "{trap}; git-receive-pack",
    "remote.origin.proxy": "http://127.0.0.1:9",
    "remote.origin.lfsurl": "http://127.0.0.1:9/x",
    "lfs.url": "http://127.0.0.1:9/x",
    "lfs.storage": "{outside}",
    "lfs.customtransfer.evil.path": "{trap}",
    "protocol.ext.allow": "always",
    "alias.lfs": "!{trap}",
    "alias.version": "!{trap}",
    "submodule.x.update": "!{trap}",
    "interactive.diffFilter": "{trap}",
    "uploadpack.packObjectsHook": "{trap}",
    "http.proxy": "http://127.0.0.1:9",
    "http.sslVerify": "false",
    "fetch.bundleURI": "http://127.0.0.1:9/x",
    "gc.recentObjectsHook": "{trap}",
}
# Settings that cannot be overridden: the repository is refused.
REFUSED = {
    "core.gitProxy": "{trap}",
    "core.worktree": "{outside}",
    "include.path": "{outside}/more",
    "includeIf.gitdir:/.path": "{outside}/more",
    "url.ssh://evil.invalid/.insteadOf": "https://github.com/",
    "url.ssh://evil.invalid/.pushInsteadOf": "https://github.com/",
    "remote.origin.vcs": "evil",
    "remote.https://github.com/NVlabs/ProtoMotions.url": "https://evil.invalid/x",
    "remote.https://github.com/NVlabs/ProtoMotions.uploadpack": "{trap}",
    "remote./srv/source.url": "https://evil.invalid/x",
    "filter.a=b.clean": "{trap}",
    "credential.https://h/?a=b.helper": "!{trap}",
    "lfs.standalonetransferagent": "evil",
    "lfs.http://h.standalonetransferagent": "evil",
    "lfs.extension.e.clean": "{trap}",
    "extensions.unheardOf": "true",
}
# What ordinary users have in a repository, which must go on working.
ORDINARY = {
    "user.email": "me@example.org",
    "pull.rebase": "true",
    "push.default": "simple",
    "gui.wmstate": "normal",
    "gui.geometry": "887x427+26+26 171 192",
    "branch.a=b.remote": "origin",
    "branch.main.vscode-merge-base": "origin/main",
    "remote.fork/of-me.url": "git@github.com:me/ProtoMotions.git",
    "remote.origin.gh-resolved": "base",
    "http.postBuffer": "524288000",
    "core.autocrlf": "input",
    "merge.conflictStyle": "diff3",
    "diff.algorithm": "histogram",
    "status.showUntrackedFiles": "no",
    "color.ui": "auto",
    "gc.auto": "100",
    "alias.st": "status",
    "lfs.https://github.com/x.git/info/lfs.access": "basic",
    "vendor.unknown": "1",
}


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """The folder in which programs leave their traces."""
    folder = tmp_path / "traps"
    (folder / "hooks").mkdir(parents=True)
    (folder / "outside").mkdir()
    return folder


def arm(checkout: Path, traps: Path, settings: dict[str, str]) -> None:
    """Set `settings` in the checkout, with hooks and attributes that refer to them."""
    for number, (name, value) in enumerate(settings.items()):
        git(checkout, "config", name, filled(value, traps, f"{number}-{name}"))
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        for hooks in (checkout / ".git" / "hooks", traps / "hooks"):
            hooks.mkdir(exist_ok=True)
            shutil.copy(trap(traps, f"hook-{name}"), hooks / name)
    info = checkout / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("*.py filter=x diff=x merge=x\n*.yaml filter=x\n", encoding="utf-8")


def filled(value: str, traps: Path, name: str) -> str:
    return value.format(trap=trap(traps, name), hooks=traps / "hooks", outside=traps / "outside")


def trap(traps: Path, name: str) -> Path:
    """A program that leaves the trace `ran-NAME`."""
    safe = "".join(character if character.isalnum() or character in ".-" else "_" for character in name)
    program = traps / f"x-{safe}"
    program.write_text(f"#!/bin/sh\ntouch '{traps}/ran-{safe}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def executed(traps: Path) -> list[str]:
    return sorted(path.name for path in traps.glob("ran-*"))


def written(traps: Path) -> list[str]:
    return sorted(path.name for path in (traps / "outside").iterdir())


def act(checkout: Path, made: Upstream, logs: Path) -> list[Done]:
    """What pmlaunch does with git in a checkout: look, fetch a checkpoint, remove it, switch to another ref."""
    (checkout / "protomotions" / "eval_agent.py").touch()  # git has to read it to see that nothing changed
    return [
        pmlaunch(checkout, logs, "fetch", "maskmimic"),
        pmlaunch(checkout, logs, "fetch", "maskmimic", "--remove"),
        switch(checkout, made, logs),
        pmlaunch(checkout, logs, "doctor", "--fix", "--simulator", "genesis", "--python", "nowhere"),
    ]


def switch(checkout: Path, made: Upstream, logs: Path, *more: str) -> Done:
    return pmlaunch(
        *(
            checkout.parent,
            logs,
            "install",
            "--dir",
            checkout,
            "--ref",
            "main",
            "--source",
            made.root,
            "--models",
            "none",
        ),
        *("--simulator", "genesis", "--no-packages", *more),
    )


def nested(checkout: Path, traps: Path) -> None:
    """A repository in the checkout that looks like a submodule; a careless `git status` would start git there."""
    inner = make_repository(checkout / "inner", "file.txt", "x")
    git(checkout, "add", "inner")
    git(checkout, "commit", "-q", "-m", "with a submodule")
    arm(inner, traps, {"core.fsmonitor": "{trap}", "filter.x.clean": "{trap}", "filter.x.process": "{trap}"})
    (inner / ".git" / "info" / "attributes").write_text("* filter=x\n", encoding="utf-8")
    os.utime(inner / "file.txt", (1_600_000_000, 1_600_000_000))


def test_the_traps_work(cloned: Path, traps: Path) -> None:
    nested(cloned, traps)
    arm(cloned, traps, {name: IGNORED[name] for name in ("core.fsmonitor", "filter.x.clean")})
    for traced in traps.glob("ran-*"):
        traced.unlink()
    (cloned / "protomotions" / "eval_agent.py").touch()
    subprocess.run(["git", "status"], cwd=cloned, check=False, capture_output=True)
    ran = executed(traps)
    assert {"ran-0-core.fsmonitor", "ran-1-filter.x.clean"} <= set(ran), ran


def test_what_is_not_allowed_is_ignored(cloned: Path, made: Upstream, traps: Path, tmp_path: Path) -> None:
    git(cloned, "branch", "mine")  # so that the commit with the submodule may be left
    arm(cloned, traps, IGNORED)
    stranger = trap(traps, "lfsconfig")
    (cloned / ".lfsconfig").write_text(
        "[lfs]\n\turl = http://127.0.0.1:9/x\n\tstandalonetransferagent = evil\n"
        f'[lfs "customtransfer.evil"]\n\tpath = {stranger}\n',
        encoding="utf-8",
    )
    results = act(cloned, made, tmp_path)
    assert [done.code for done in results[:3]] == [0, 0, 0], [done.document["errors"] for done in results]
    assert executed(traps) == []
    assert written(traps) == []


def test_nothing_runs_in_a_nested_repository(cloned: Path, made: Upstream, traps: Path, tmp_path: Path) -> None:
    nested(cloned, traps)
    git(cloned, "branch", "mine")
    for traced in traps.glob("ran-*"):
        traced.unlink()
    act(cloned, made, tmp_path)
    assert executed(traps) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_ignored_refuses_the_repository_until_it_is_removed(
    name: str, cloned: Path, traps: Path
) -> None:
    arm(cloned, traps, {name: REFUSED[name]})
    with pytest.raises(PmlaunchError) as refused:
        ask_git(os.environ, "status", "--porcelain", folder=cloned)
    error = refused.value
    assert error.code in ("PML140", "PML141")
    assert error.exit_code == 4
    assert str(cloned / ".git" / "config") in error.message
    assert name.casefold() in error.message.casefold()
    follow(str(error.hint))
    answer = ask_git(os.environ, "status", "--porcelain", folder=cloned)
    assert answer is not None
    assert answer[0] == 0
    assert executed(traps) == []


def follow(hint: str) -> None:
    """Type the commands of a hint, and delete the file that it says to delete."""
    for part in hint.split(", then "):
        word, _, rest = part.removeprefix("if you own both: ").partition(" ")
        if word == "git":
            home = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
            subprocess.run(["bash", "-c", f"{word} {rest}"], check=True, env=home, capture_output=True)
        elif word == "delete":
            Path(rest.strip('"')).unlink()
        else:
            raise AssertionError(hint)


def test_a_setting_whose_name_a_shell_would_act_on_is_not_put_into_a_command(cloned: Path) -> None:
    git(cloned, "config", "url.$(touch pwned)`touch pwned`.insteadOf", "https://github.com/")
    with pytest.raises(PmlaunchError) as refused:
        ask_git(os.environ, "status", folder=cloned)
    assert refused.value.hint == f'remove this setting from "{cloned / ".git" / "config"}" with an editor'


def test_a_refusal_of_install_and_fetch_ends_with_4(cloned: Path, made: Upstream, tmp_path: Path) -> None:
    git(cloned, "config", "core.gitProxy", "x")
    before = (cloned / ".git" / "config").read_bytes()
    for done in (switch(cloned, made, tmp_path), pmlaunch(cloned, tmp_path, "fetch", "maskmimic")):
        assert (done.code, done.document["errors"][0]["code"]) == (4, "PML140"), done.out
    assert (cloned / ".git" / "config").read_bytes() == before


def test_settings_that_ordinary_users_have_are_no_obstacle(
    cloned: Path, made: Upstream, traps: Path, tmp_path: Path
) -> None:
    for name, value in ORDINARY.items():
        git(cloned, "config", name, value)
    git(cloned, "config", "extensions.worktreeConfig", "true")
    git(cloned, "config", "--worktree", "core.sparseCheckout", "false")
    results = act(cloned, made, tmp_path)
    assert [done.code for done in results[:3]] == [0, 0, 0], [done.document["errors"] for done in results]


def test_the_user_s_own_settings_are_trusted(cloned: Path, traps: Path, tmp_path: Path) -> None:
    """A repository's own helper for passwords is replaced by the user's, not by none."""
    own = tmp_path / "gitconfig"
    own.write_text('[credential]\n\thelper = mine\n[url "file:///srv/"]\n\tinsteadOf = work:\n', encoding="utf-8")
    arm(cloned, traps, {"credential.helper": "!{trap}", "core.editor": "{trap}"})
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(own), "GIT_CONFIG_NOSYSTEM": "1"}
    answer = ask_git(environment, "config", "--get-all", "credential.helper", folder=cloned)
    assert answer is not None
    assert answer[1].splitlines()[-2:] == ["", "mine"]


# --- repositories of which a part lies elsewhere


def alternates(checkout: Path, other: Path) -> None:
    (checkout / ".git" / "objects" / "info" / "alternates").write_text(
        f"{other / '.git' / 'objects'}\n", encoding="utf-8"
    )


def git_file(checkout: Path, other: Path) -> None:
    shutil.rmtree(checkout / ".git")
    (checkout / ".git").write_text(f"gitdir: {other / '.git'}\n", encoding="utf-8")


def git_link(checkout: Path, other: Path) -> None:
    shutil.rmtree(checkout / ".git")
    (checkout / ".git").symlink_to(other / ".git")


def common_folder(checkout: Path, other: Path) -> None:
    (checkout / ".git" / "commondir").write_text(f"{other / '.git'}\n", encoding="utf-8")


def refs_link(checkout: Path, other: Path) -> None:
    shutil.rmtree(checkout / ".git" / "refs")
    (checkout / ".git" / "refs").symlink_to(other / ".git" / "refs")


def file_link(checkout: Path, other: Path) -> None:
    (checkout / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
    (checkout / ".git" / "FETCH_HEAD").symlink_to(other / "mine.txt")


def lfs_link(checkout: Path, other: Path) -> None:
    shutil.rmtree(checkout / ".git" / "lfs", ignore_errors=True)
    (checkout / ".git" / "lfs").symlink_to(other)


def bare(checkout: Path, other: Path) -> None:
    """Git finds no .git, and takes the folder itself for the repository."""
    for path in (checkout / ".git").iterdir():
        path.rename(checkout / path.name)
    (checkout / ".git").rmdir()


def settings_pipe(checkout: Path, other: Path) -> None:
    (checkout / ".git" / "config").unlink()
    os.mkfifo(checkout / ".git" / "config")


def broken_settings(checkout: Path, other: Path) -> None:
    (checkout / ".git" / "config").write_text("[core\n", encoding="utf-8")


@pytest.mark.parametrize("attack", [alternates, git_file, git_link, common_folder, refs_link, file_link, lfs_link])
def test_a_repository_that_leads_elsewhere(
    attack: Callable[[Path, Path], None], cloned: Path, made: Upstream, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other", "mine.txt", "mine")
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    attack(cloned, other)
    done = switch(cloned, made, tmp_path)
    assert (done.code, done.document["errors"][0]["code"]) == (4, "PML141"), done.out
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("attack", [settings_pipe, broken_settings])
def test_settings_that_cannot_be_read(
    attack: Callable[[Path, Path], None], cloned: Path, made: Upstream, tmp_path: Path
) -> None:
    attack(cloned, tmp_path)
    done = switch(cloned, made, tmp_path)
    assert (done.code, done.document["errors"][0]["code"]) == (4, "PML142"), done.out


def test_a_folder_laid_out_as_a_repository_is_refused(cloned: Path, traps: Path) -> None:
    arm(cloned, traps, {"core.fsmonitor": "{trap}"})
    bare(cloned, traps)
    with pytest.raises(PmlaunchError, match="has the layout of a git repository"):
        query(os.environ, ["status"], cloned / "data" / "pretrained_models" / "..")
    with pytest.raises(PmlaunchError, match="has the layout of a git repository"):
        query(os.environ, ["cat-file", "blob", "HEAD:./x"], cloned)
    assert executed(traps) == []


def test_objects_of_another_folder_are_taken_over_as_the_hint_says(made: Upstream, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    git(tmp_path, "clone", "-q", "--shared", str(made.root), str(shared), GIT_LFS_SKIP_SMUDGE="1")
    with pytest.raises(PmlaunchError) as refused:
        ask_git(os.environ, "status", "--porcelain", folder=shared)
    follow(str(refused.value.hint))
    assert ask_git(os.environ, "rev-parse", "HEAD", folder=shared) == (0, git(made.root, "rev-parse", "HEAD") + "\n")


def test_a_repository_of_the_user_s_in_another_place_is_used_once_both_say_so(made: Upstream, tmp_path: Path) -> None:
    place, repository = tmp_path / "apart", tmp_path / "apart.git"
    git(
        *(tmp_path, "clone", "-q", "--separate-git-dir", str(repository), made.url, str(place)),
        GIT_LFS_SKIP_SMUDGE="1",
    )
    with pytest.raises(PmlaunchError) as refused:
        ask_git(os.environ, "status", "--porcelain", folder=place)
    follow(str(refused.value.hint))
    answer = ask_git(os.environ, "status", "--porcelain", folder=place)
    assert answer is not None
    assert answer[0] == 0


def test_a_worktree_is_used_and_a_copied_one_is_not(made: Upstream, tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    git(tmp_path, "clone", "-q", made.url, str(main), GIT_LFS_SKIP_SMUDGE="1")
    git(main, "worktree", "add", "-q", "--detach", str(tree), "v2.3", GIT_LFS_SKIP_SMUDGE="1")
    answer = ask_git(os.environ, "rev-parse", "HEAD", folder=tree)
    assert answer is not None
    assert answer[0] == 0
    copied = Path(shutil.copytree(tree, tmp_path / "copied"))
    with pytest.raises(PmlaunchError, match="worktree of another folder"):
        ask_git(os.environ, "rev-parse", "HEAD", folder=copied)


def test_a_submodule_that_is_checked_out_again_runs_nothing_either(
    install: Install, folder: Path, traps: Path, tmp_path: Path
) -> None:
    git(folder, "init", "-q", "-b", "main")
    assert install("--models", "none").code == 0
    git(folder, "commit", "-q", "-m", "submodule")
    git(folder, "submodule", "deinit", "-f", "protomotions")
    module = folder / ".git" / "modules" / "protomotions"
    for name in ("core.fsmonitor", "filter.x.smudge", "filter.x.process", "core.sshCommand"):
        git(module, "config", name, str(trap(traps, name)))
    (module / "info").mkdir(exist_ok=True)
    (module / "info" / "attributes").write_text("* filter=x\n", encoding="utf-8")
    done = install("--models", "none")
    assert done.code == 0, done.out
    assert executed(traps) == []
    git(folder, "submodule", "deinit", "-f", "protomotions")
    git(module, "config", "core.gitProxy", "x")
    assert install("--models", "none").codes == ["PML140"]


# --- hosts


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address on this computer, and the connections that were made to it."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        seen.append("connected")

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x.git", seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_query_fetches_no_missing_object(
    cloned: Path, traps: Path, tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    url, seen = listener
    git(cloned, "config", "remote.origin.promisor", "true")
    git(cloned, "config", "extensions.partialClone", "origin")
    git(cloned, "config", "protocol.ext.allow", "always")
    program = trap(traps, "ext")
    missing = ("cat-file", "-e", "12" * 20)
    addresses = (f"ext::{program}", url)
    for address in addresses:
        git(cloned, "config", "remote.origin.url", address)
        assert query(os.environ, missing, cloned) is not None
        assert Git(os.environ, tmp_path / "logs", cloned).ask(*missing) is None
    assert (executed(traps), seen) == ([], [])
    for address in addresses:  # plain git does ask
        git(cloned, "config", "remote.origin.url", address)
        subprocess.run(["git", *missing], cwd=cloned, check=False, capture_output=True)
    assert executed(traps) == ["ran-ext"]
    assert seen


def test_only_the_origin_is_asked_for_a_checkpoint(
    cloned: Path, made: Upstream, tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    url, seen = listener
    (cloned / ".lfsconfig").write_text(
        f"[lfs]\n\turl = {url}\n\tpushurl = {url}\n\tfetchexclude = *\n\tgitprotocol = http\n"
        f'[remote "origin"]\n\tlfsurl = {url}\n',
        encoding="utf-8",
    )
    for name in ("lfs.url", "remote.origin.lfsurl", "remote.other.url", "http.proxy"):
        git(cloned, "config", name, url)
    done = pmlaunch(cloned, tmp_path, "fetch", "maskmimic")
    assert done.code == 0, done.out
    assert (cloned / MASKED).read_bytes() == made.masked
    assert seen == []


def test_a_switch_asks_the_named_source_only(
    cloned: Path, made: Upstream, tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    """The files of another commit are missing here, and the repository says that they are elsewhere."""
    url, seen = listener
    git(cloned, "config", "remote.evil.url", url)
    git(cloned, "config", "remote.evil.promisor", "true")
    git(cloned, "config", "extensions.partialClone", "evil")
    switch(cloned, made, tmp_path)
    assert seen == []


# --- programs


def test_no_program_is_taken_from_the_current_folder(
    cloned: Path, traps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "git-lfs", "ssh", "python", "nvidia-smi"):
        shutil.copy(trap(traps, name), cloned / name)
        (cloned / "bin").mkdir(exist_ok=True)
        shutil.copy(trap(traps, name), cloned / "bin" / name)
    monkeypatch.setenv("PATH", os.pathsep.join(("", ".", "bin", "./bin", os.environ["PATH"])))
    for words in (("fetch", "maskmimic"), ("doctor", "--fix", "--via", "python", "--python", "python")):
        pmlaunch(cloned, tmp_path, *words)
    assert executed(traps) == []


def test_an_alias_does_not_step_in_for_git_lfs(
    cloned: Path, traps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = tmp_path / "only git"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(str(shutil.which(name)))
    arm(cloned, traps, {"alias.lfs": "!{trap}"})
    monkeypatch.setenv("PATH", str(only))
    done = pmlaunch(cloned, tmp_path, "fetch", "maskmimic")
    assert done.document["errors"][0]["code"] == "PML401", done.out
    with pytest.raises(PmlaunchError):
        Git(os.environ, tmp_path / "logs", cloned).ask("lfs", "env")
    assert ask_git(os.environ, "lfs", "env", folder=cloned) is not None
    assert executed(traps) == []


def test_versions_are_asked_outside_of_any_repository(
    cloned: Path, traps: Path, tmp_path: Path, install: Install
) -> None:
    arm(cloned, traps, {"alias.version": "!{trap}", "include.path": "{outside}/more", "core.gitProxy": "x"})
    git_here = Git(os.environ, tmp_path / "logs", cloned)
    assert git_here.version > (2,)
    assert git_here.lfs_version > (2,)
    assert executed(traps) == []


# --- the release, and files of servers


UPSTREAM = "https://github.com/NVlabs/ProtoMotions"


def as_upstream(made: Upstream, tmp_path: Path) -> dict[str, str]:
    """Variables with which git takes the stand-in for ProtoMotions' own repository."""
    own = tmp_path / "gitconfig"
    own.write_text(f'[url "{made.url}"]\n\tinsteadOf = {UPSTREAM}\n', encoding="utf-8")
    return {"GIT_CONFIG_GLOBAL": str(own), "GIT_CONFIG_NOSYSTEM": "1"}


def test_a_moved_release_is_refused(install: Install, folder: Path, made: Upstream, tmp_path: Path) -> None:
    done = install("--models", "none", source=UPSTREAM, **as_upstream(made, tmp_path))
    assert (done.code, done.document["errors"][0]["code"]) == (4, "PML144"), done.out
    assert not (folder / "protomotions").exists()


def test_the_known_release_is_installed_and_its_tag_may_not_move_later(
    install: Install, folder: Path, made: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(source.PINNED, "v2.3", git(made.root, "rev-parse", "v2.3^{commit}"))
    variables = as_upstream(made, tmp_path)
    assert install("--models", "none", source=UPSTREAM, **variables).code == 0
    checkout = folder / "protomotions"
    git(checkout, "commit", "-q", "--allow-empty", "-m", "another")
    git(checkout, "tag", "-f", "v2.3", GIT_LFS_SKIP_SMUDGE="1")
    done = install("--models", "none", "--ref", "v2.3", source=UPSTREAM, **variables)
    assert (done.code, done.document["errors"][0]["code"]) == (4, "PML144"), done.out


def test_another_source_is_not_held_to_the_release(install: Install) -> None:
    assert install("--models", "none").code == 0


def test_a_checkpoint_is_not_written_through_a_link(cloned: Path, made: Upstream, traps: Path, tmp_path: Path) -> None:
    place = cloned / "data" / "pretrained_models" / "masked_mimic"
    shutil.copytree(place, traps / "outside" / "masked_mimic")
    shutil.rmtree(place)
    place.symlink_to(traps / "outside" / "masked_mimic")
    before = {path: path.read_bytes() for path in (traps / "outside").rglob("*") if path.is_file()}
    done = pmlaunch(cloned, tmp_path, "fetch", "maskmimic")
    assert (done.code, done.document["errors"][0]["code"]) == (4, "PML143"), done.out
    pmlaunch(cloned, tmp_path, "fetch", "maskmimic", "--remove")
    assert {path: path.read_bytes() for path in (traps / "outside").rglob("*") if path.is_file()} == before


# --- passwords


def test_a_password_in_an_address_reaches_the_source_and_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that refuses everybody notes with what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://user:Xq7-very-secret@127.0.0.1:{server.server_port}/x.git"
        words = ("install", "--source", address, "--simulator", "genesis", "--no-packages", "--models", "none")
        done = pmlaunch(folder, tmp_path, *words)
        server.shutdown()
    assert done.code == 6, done.out
    assert f"Basic {base64.b64encode(b'user:Xq7-very-secret').decode()}" in asked
    assert "Xq7-very" not in done.out + done.err
    for path in (*tmp_path.rglob("*"), *folder.rglob("*")):
        assert not path.is_file() or b"Xq7-very" not in path.read_bytes(), path
