"""The report on a config is cached by content, and the fast YAML parser agrees with OmegaConf's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from unit_help import report_on, with_line

from pmlaunch.generations.v2 import compose
from pmlaunch.generations.v2 import config_inspection as inspection
from pmlaunch.generations.values import ConfigReport
from standin import TRAINED


class Counted:
    """Counts the calls of compose._examine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.times = 0
        self._examine = compose._examine
        monkeypatch.setattr(compose, "_examine", self)

    def __call__(self, *arguments: Any) -> ConfigReport:
        self.times += 1
        return self._examine(*arguments)


@pytest.mark.parametrize("line", ["x: 1", "x: ${nothing}", "x: {_target_: os.system}"])
def test_unchanged_config_is_not_examined_again(config: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    counted = Counted(monkeypatch)
    first = report_on(with_line(config, line), keys=("num_env",))
    assert report_on(with_line(config, line), keys=("num_env",)) == first
    assert counted.times == 1


def test_changed_config_is_examined_again(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    assert report_on(config).control_hz == 30
    config.write_text(TRAINED.replace("seed: 0", "seed: 1"), encoding="utf-8")
    report_on(config)
    group = config.parents[4] / "protomotions/config/robot/base.yaml"
    group.write_text(group.read_text().replace("decimation: 4", "decimation: 8"), encoding="utf-8")
    assert report_on(config).control_hz == 15
    report_on(config, "++seed=1")
    report_on(config, keys=("seed",))
    assert counted.times == 5


def test_cache_may_be_off_or_not_writable(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = Counted(monkeypatch)
    (tmp_path / "file").write_text("no folder")
    for place in ("off", str(tmp_path / "file")):
        monkeypatch.setenv("PMLAUNCH_CACHE", place)
        assert report_on(config) == report_on(config)
    assert counted.times == 4


def _yaml_files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.yaml"))


def _both(path: Path) -> tuple[object, object]:
    def load() -> object:
        try:
            return OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        except Exception as error:
            return type(error).__name__

    slow = load()
    with inspection.bounded_omegaconf():
        return slow, load()


def test_bounded_yaml_agrees_with_omegaconf(checkout: Path) -> None:
    files = _yaml_files(checkout)
    assert len(files) > 15
    for path in files:
        slow, fast = _both(path)
        assert fast == slow, path


def test_bounded_yaml_agrees_with_omegaconf_on_upstreams_configs(upstream: Path) -> None:
    for path in _yaml_files(upstream):
        slow, fast = _both(path)
        assert fast == slow, path


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "1.",
        "0x1f",
        "010",
        "yes",
        "on",
        "~",
        "null",
        "2024-01-01",
        "1_000",
        "1:30",
        ".inf",
        "'1'",
        '"\\u8d70"',
        "- 1",
    ],
)
def test_bounded_yaml_agrees_with_omegaconf_on_scalars(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(
        f"a: {text}\nb: [x, {{c: {text.lstrip('- ')}}}]\n" if "-" not in text[:1] else text, encoding="utf-8"
    )
    slow, fast = _both(path)
    assert (fast, str(fast)) == (slow, str(slow))
