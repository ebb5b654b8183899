"""Doctor names the pmlaunch.yaml in force."""

from __future__ import annotations

from dataclasses import replace

from pmlaunch.doctor.checks.runtime import look
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.settings import Settings


def test_the_settings_file_in_force_is_named(target: DoctorTarget) -> None:
    folder = target.settings.folder
    assert "settings" not in dict(look(target).facts)
    (folder / "pmlaunch.yaml").write_text("num_envs: 2\n", encoding="utf-8")
    below = replace(target, settings=Settings(folder / "below", {"PATH": ""}))
    assert dict(look(below).facts)["settings"] == str(folder / "pmlaunch.yaml")
