"""The presets that come with pmlaunch, and a user's own beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.catalog.presets import GROUPS, presets, shipped_presets
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Generation
from pmlaunch.support.names import fold


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for group in GROUPS:
        (tmp_path / "configs" / group).mkdir(parents=True)
    return tmp_path / "configs"


@pytest.mark.parametrize("group", GROUPS)
def test_shipped_presets_parse_and_bear_the_names_of_their_files(group: str) -> None:
    found = presets(group)
    assert list(found) == sorted(path.stem for path in (shipped_presets() / group).glob("*.yaml"))
    assert all(str(preset.source) == "preset" and preset.title for preset in found.values())


@pytest.mark.parametrize("group", GROUPS)
def test_no_two_presets_answer_to_one_name(group: str) -> None:
    names = [fold(name) for preset in presets(group).values() for name in {*map(fold, preset.names)}]
    assert len(names) == len(set(names))


def test_models_name_robots_simulators_and_motions_that_there_are() -> None:
    for model in presets("model").values():
        for generation in (Generation.V2, Generation.V3):
            own = model.of(generation)
            for group in ("robot", "simulator", "motion") if own.values.get("checkpoint") else ():
                wanted = own.values[group]
                assert wanted in presets(group) or "/" in wanted, f"{model.name}: {group}"


def test_motions_have_a_file_for_known_robots_only() -> None:
    for motion in presets("motion").values():
        for generation in (Generation.V2, Generation.V3):
            assert set(motion.of(generation).values["files"]) <= set(presets("robot"))


def test_prefixes_of_robots_differ() -> None:
    prefixes = [robot.values["motion_prefix"] for robot in presets("robot").values()]
    assert len(set(prefixes)) == len(prefixes)


def test_users_own_preset_joins_and_wins(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("title: Mine\ncheckpoint: mine.ckpt\n", encoding="utf-8")
    (own / "model" / "other.yaml").write_text("name: masked_mimic\naliases: [best]\n", encoding="utf-8")
    found = presets("model", (("workspace", own),))
    assert str(found["mine"].source) == "workspace"
    assert found["masked_mimic"].names == ("masked_mimic", "best")
    assert found["masked_mimic"].path == own / "model" / "other.yaml"
    assert set(found) == {*presets("model"), "mine"}
    assert list(found) == sorted(found)


def test_last_folder_wins(own: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    (more / "robot").mkdir(parents=True)
    for folder, title in ((own, "first"), (more, "second")):
        (folder / "robot" / "smpl.yaml").write_text(f"title: {title}\n", encoding="utf-8")
    assert presets("robot", (("user file", own), ("workspace", more)))["smpl"].title == "second"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("aliases: text", "aliases must be a list"),
        ("aliases: 3", "aliases must be a list"),
        ("- a", "no mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_broken_preset_names_its_file(own: Path, content: str, words: str) -> None:
    path = own / "robot" / "broken.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PmlaunchError, match=words) as caught:
        presets("robot", (("workspace", own),))
    assert (caught.value.code, caught.value.subject) == ("PML015", str(path))
