"""Presets: those that come with pmlaunch, and a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.catalog.presets import GROUPS, presets, shipped_presets
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Generation, Origin, RuntimeKind, Source
from pmlaunch.support.names import fold

USER_FILE, WORKSPACE = Source(Origin.USER_FILE), Source(Origin.WORKSPACE)
UPSTREAM = (Generation.V2, Generation.V3)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A configs/ folder of the user, without presets."""
    for group in GROUPS:
        (tmp_path / "configs" / group).mkdir(parents=True)
    return tmp_path / "configs"


@pytest.mark.parametrize("group", GROUPS)
def test_shipped_presets_are_named_like_their_files(group: str) -> None:
    found = presets(group)
    assert list(found) == sorted(path.stem for path in (shipped_presets() / group).glob("*.yaml"))
    assert all(str(preset.source) == "preset" and preset.title for preset in found.values())


@pytest.mark.parametrize("group", GROUPS)
def test_names_of_shipped_presets_are_unique(group: str) -> None:
    names = [fold(name) for preset in presets(group).values() for name in {*map(fold, preset.names)}]
    assert len(names) == len(set(names))


def test_models_refer_to_existing_presets() -> None:
    for preset in presets("model").values():
        for model in map(preset.of, UPSTREAM):
            if model.checkpoint:
                assert model.robot in presets("robot"), model.name
                assert model.simulator in presets("simulator"), model.name
                assert model.motion in presets("motion") or "/" in str(model.motion), model.name


def test_motions_have_files_of_known_robots_only() -> None:
    for preset in presets("motion").values():
        for motion in map(preset.of, UPSTREAM):
            assert motion.files
            assert set(motion.files) <= set(presets("robot"))


def test_generation_replaces_only_the_values_it_names() -> None:
    model = presets("model")["masked_mimic"]
    assert (model.terrain, model.of(Generation.V2).terrain, model.of(Generation.V3).terrain) == ("flat", "flat", None)
    assert model.of(Generation.V3).robot == model.robot
    assert presets("model")["demo"].checkout is Generation.DEMO


def test_motion_prefixes_of_robots_are_unique() -> None:
    prefixes = [robot.motion_prefix for robot in presets("robot").values()]
    assert len(set(prefixes)) == len(prefixes)


def test_users_preset_is_added_or_replaces_a_shipped_one(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("title: Mine\ncheckpoint: mine.ckpt\n", encoding="utf-8")
    (own / "model" / "other.yaml").write_text("name: masked_mimic\naliases: [best]\n", encoding="utf-8")
    found = presets("model", ((WORKSPACE, own),))
    assert (found["mine"].source, found["mine"].checkpoint) == (WORKSPACE, "mine.ckpt")
    assert found["masked_mimic"].names == ("masked_mimic", "best")
    assert found["masked_mimic"].path == own / "model" / "other.yaml"
    assert set(found) == {*presets("model"), "mine"}
    assert list(found) == sorted(found)


def test_last_folder_wins(own: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    (more / "robot").mkdir(parents=True)
    for folder, title in ((own, "first"), (more, "second")):
        (folder / "robot" / "smpl.yaml").write_text(f"title: {title}\n", encoding="utf-8")
    assert presets("robot", ((USER_FILE, own), (WORKSPACE, more)))["smpl"].title == "second"


def test_null_is_the_default(own: Path) -> None:
    (own / "simulator" / "mine.yaml").write_text("runtime: null\ndevices:\nkeys: null\naliases:\n", encoding="utf-8")
    mine = presets("simulator", ((WORKSPACE, own),))["mine"]
    assert (mine.runtime, mine.devices, mine.keys, mine.names) == (RuntimeKind.PYTHON, (), {}, ("mine",))


@pytest.mark.parametrize(
    ("group", "content", "words"),
    [
        ("robot", "aliases: text", "aliases must be a list"),
        ("robot", "aliases: 3", "aliases must be a list"),
        ("robot", "- a", "not a mapping"),
        ("robot", "a: [", "not valid YAML"),
        ("robot", "motion_prefx: smpl", "unknown key 'motion_prefx'. Did you mean motion_prefix?"),
        ("robot", "xyz: 1", "unknown key 'xyz'. Known keys: name, title, aliases, generations, motion_prefix"),
        ("robot", "titel: x", "unknown key 'titel'. Did you mean title?"),
        ("robot", "title: [a]", "title must be text"),
        ("model", "terain: flat", "unknown key 'terain'. Did you mean terrain?"),
        ("model", "headless: maybe", "headless must be true or false"),
        ("model", "size: big", "size must be a whole number"),
        ("model", "checkout: demmo", "checkout must be one of: 2, 3, demo"),
        ("model", "generations: {'3': {robt: g1}}", "unknown key 'generations.3.robt'. Did you mean robot?"),
        ("model", "generations: {'4': {robot: g1}}", "generations must be one of: 2, 3, demo"),
        ("model", "generations: {'3': g1}", "generations must be a mapping of mappings"),
        ("motion", "files: walk.npy", "files must be a mapping"),
        ("simulator", "devices: gpu", "devices must be a list"),
        ("simulator", "runtime: docker", "runtime must be one of: isaaclab, python"),
    ],
)
def test_pml015_names_the_file_and_the_key(own: Path, group: str, content: str, words: str) -> None:
    path = own / group / "broken.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PmlaunchError) as caught:
        presets(group, ((WORKSPACE, own),))
    assert (caught.value.code, caught.value.subject) == ("PML015", str(path))
    assert words in caught.value.message
    assert str(path) in caught.value.message
