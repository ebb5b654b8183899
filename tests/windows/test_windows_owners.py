"""Who owns a file, as Windows tells it: pmlaunch does not read another user's settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pmlaunch.support.owners import other_owner
from started import wait_for
from wine import wine_version


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pmlaunch.yaml"
    path.write_text("simulator: genesis\n", encoding="utf-8")
    return path


def give_away(path: Path) -> None:
    """Let another user own the file. Wine knows two owners: this user, and everybody else."""
    if wine_version():
        code = chown(path)
    else:
        icacls = Path(os.environ["SYSTEMROOT"], "system32", "icacls.exe")
        guests = "*S-1-5-32-546"
        code = subprocess.run([icacls, path, "/setowner", guests], check=False, capture_output=True).returncode
    if code != 0:
        pytest.skip("skipped: only an administrator can give files away")


def chown(path: Path) -> int:
    """The exit code of chown, run by the system below Wine. start.exe neither waits for it nor returns its exit code."""
    code, name = path.with_name("code"), path.with_name("code.new")
    unix = [subprocess.run(["winepath", "-u", file], check=True, capture_output=True, text=True).stdout.strip()
            for file in (path, name, code)]  # fmt: skip
    script = 'chown 12345 "$0"; echo $? > "$1"; mv "$1" "$2"'
    start = Path(os.environ["SYSTEMROOT"], "system32", "start.exe")
    subprocess.run([start, "/unix", "/bin/sh", "-c", script, *unix], check=False, capture_output=True)
    wait_for(code.exists, "the end of chown")
    return int(code.read_text(encoding="utf-8"))


def test_file_of_this_user_and_of_the_system(file: Path) -> None:
    assert other_owner(file) is None
    assert other_owner(Path(os.environ["SYSTEMROOT"], "system32", "kernel32.dll")) is None
    assert other_owner(file.with_name("missing")) is None


def test_file_of_somebody_else(file: Path) -> None:
    give_away(file)
    assert str(other_owner(file)).startswith("S-1-5-")
