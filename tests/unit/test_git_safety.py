"""Safe use of git: disabled filters, and variables it does not get."""

from __future__ import annotations

import pytest

from pmlaunch.git.safety import may_filter, safe_environment, without_filters

LFS = (
    b"filter.lfs.clean\ngit-lfs clean -- %f\0filter.lfs.smudge\ngit-lfs smudge --skip -- %f\0"
    b"filter.lfs.process\ngit-lfs filter-process\0"
)


def test_foreign_filters_are_disabled_but_not_git_lfs() -> None:
    configured = b"filter.evil.clean\ntouch /tmp/x\0" + LFS + "filter.名 字.process\nx\0".encode()
    assert without_filters(configured) == (
        *("filter.evil.clean=", "filter.evil.required=false"),
        *("filter.名 字.process=", "filter.名 字.required=false"),
    )
    assert without_filters(b"") == without_filters(LFS) == ()


def test_a_filter_that_only_claims_to_be_git_lfs_is_replaced() -> None:
    configured = b"filter.lfs.clean\ngit-lfs clean -- %f; touch /tmp/x\0filter.lfs.process\n\0"
    assert without_filters(configured) == (
        "filter.lfs.clean=git-lfs clean -- %f",
        "filter.lfs.process=git-lfs filter-process",
    )


def test_an_extension_of_git_lfs_is_disabled() -> None:
    assert without_filters(b"lfs.extension.x.clean\ntouch /tmp/x\0") == ("lfs.extension.x.clean=",)


def test_a_filter_that_cannot_be_disabled() -> None:
    """`git -c filter.a=b.clean=` would set filter.a."""
    assert without_filters(b"filter.a=b.clean\ntouch /tmp/x\0") is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [("status", True), ("lfs", True), ("ls-files", True), ("rev-parse", False), ("config", False)],
)
def test_commands_that_may_start_a_filter(command: str, expected: bool) -> None:
    assert may_filter((command,)) is expected


def test_the_environment_names_no_other_repository() -> None:
    given = {"GIT_DIR": "/other/.git", "GIT_WORK_TREE": "/other", "GIT_INDEX_FILE": "x", "PATH": "p", "GIT_SSH": "ssh"}
    kept = safe_environment(given)
    assert (kept["PATH"], kept["GIT_SSH"], kept["GIT_TERMINAL_PROMPT"], kept["LANGUAGE"]) == ("p", "ssh", "0", "en")
    assert not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} & set(kept)
