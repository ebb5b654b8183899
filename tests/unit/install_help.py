"""Contexts of installations in which nothing is installed, and a git that knows nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.runner import Git
from pmlaunch.git.safety import Confinement
from pmlaunch.installing.context import InstallContext, InstallRequest
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import PLATFORMS

MakeContext = Callable[..., InstallContext]


@pytest.fixture
def make_context(tmp_path: Path) -> MakeContext:
    """A function that makes the context of an installation in an empty folder; options are those of the request."""

    def make(system: str = "linux", environment: dict[str, str] | None = None, **options: object) -> InstallContext:
        request = InstallRequest(
            **{
                "folder": tmp_path / "protomotions",
                "ref": "v2.3",
                "source": "https://github.com/NVlabs/ProtoMotions",
                "models": ("maskmimic",),
                **options,
            }  # type: ignore[arg-type]
        )
        settings = Settings(tmp_path, environment or {"PATH": "/bin"})
        return InstallContext(request, settings, PLATFORMS[system], tmp_path / "logs")

    return make


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that is installed and fails every query."""
    monkeypatch.setattr("pmlaunch.git.runner.git_program", lambda _: "/usr/bin/git")
    monkeypatch.setattr(Git, "_short", lambda *_, **__: SimpleNamespace(returncode=1, stdout=b""))
    monkeypatch.setattr(Git, "_confinement", lambda _: Confinement(None, (), {}))
    monkeypatch.setattr(Git, "version", (2, 40, 0))
    monkeypatch.setattr(Git, "lfs_version", (3, 4, 0))


def refused(call: Callable[[], object]) -> PmlaunchError:
    """The error that `call` raises."""
    with pytest.raises(PmlaunchError) as caught:
        call()
    return caught.value
