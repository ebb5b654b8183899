"""Who owns a file, as Windows tells it: pmlaunch does not read another user's settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pmlaunch.support.owners import other_owner
from wine import wine_version


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pmlaunch.yaml"
    path.write_text("simulator: genesis\n", encoding="utf-8")
    return path


def give_away(path: Path) -> None:
    """Let another user own the file. Wine knows two owners: this user, and everybody else."""
    system = Path(os.environ["SYSTEMROOT"], "system32")
    if wine_version():
        tell = subprocess.run(["winepath", "-u", str(path)], check=True, capture_output=True, text=True)
        command = [str(system / "start.exe"), "/wait", "/unix", "/bin/chown", "12345", tell.stdout.strip()]
    else:
        command = [str(system / "icacls.exe"), str(path), "/setowner", "*S-1-5-32-546"]  # Guests
    done = subprocess.run(command, check=False, capture_output=True)
    if not wine_version() and done.returncode != 0:
        pytest.skip("giving a file away needs an administrator")


def test_file_of_this_user_and_of_the_system(file: Path) -> None:
    assert other_owner(file) is None
    assert other_owner(Path(os.environ["SYSTEMROOT"], "system32", "kernel32.dll")) is None
    assert other_owner(file.with_name("missing")) is None


def test_file_of_somebody_else(file: Path) -> None:
    give_away(file)
    assert str(other_owner(file)).startswith("S-1-5-")
