"""What a user agreed to, whose a file is, and paths on other computers."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import pmlaunch.catalog.presets as preset_module
import pmlaunch.settings as settings_module
from pmlaunch.catalog.presets import presets
from pmlaunch.doctor.target import TargetRequest, resolve_target
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.motion_library import listed_motions
from pmlaunch.generations.v3.checkout import v3_checkout
from pmlaunch.installing.python.outstanding import requirements_text
from pmlaunch.model import UNKNOWN, RuntimeKind
from pmlaunch.planning.plan import make_plan
from pmlaunch.request import EvalRequest
from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
from pmlaunch.runtimes.python_files import site_packages
from pmlaunch.settings import Settings
from pmlaunch.support.owners import other_owner
from pmlaunch.support.paths import is_remote
from pmlaunch.support.platforms import PLATFORMS, current_name, platform_named
from pmlaunch.trust import TrustStore
from standin import make_checkout
from standin3 import make_checkout3

REMOTE = (
    r"\\server\share\x",
    "//server/share/x",
    r"/\server\share",
    r"\/server/share",
    r"\\?\UNC\server\x",
    r"\\.\pipe\x",
)


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "user" / "trust.json")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pmlaunch.yaml"
    path.write_text("python: ./python\n", encoding="utf-8")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, {"PATH": ""}, tmp_path / "user")


def test_a_file_is_trusted_as_long_as_it_does_not_change(store: TrustStore, file: Path) -> None:
    assert not store.holds(file)
    store.add(file)
    assert store.holds(file)
    assert store.holds(file.parent / "." / file.name)
    file.write_text("python: ./other\n", encoding="utf-8")
    assert not store.holds(file)


def test_a_copy_elsewhere_is_another_file(store: TrustStore, file: Path) -> None:
    store.add(file)
    (file.parent / "other").mkdir()
    copy = file.parent / "other" / file.name
    copy.write_bytes(file.read_bytes())
    assert not store.holds(copy)


def test_trust_is_taken_back_for_a_file_or_a_folder(store: TrustStore, file: Path) -> None:
    store.add(file)
    assert store.remove(file.parent / "elsewhere") == []
    assert len(store.remove(file.parent)) == 1
    assert not store.holds(file)


@pytest.mark.parametrize("content", ["", "[]", '{"trusted": []}', '{"trusted": {"x": 1}}', "{" * 5000])
def test_a_broken_memory_trusts_nothing_and_is_replaced(store: TrustStore, file: Path, content: str) -> None:
    path = file.parent / "user" / "trust.json"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    assert not store.holds(file)
    store.add(file)
    assert store.holds(file)


def test_what_cannot_be_remembered_is_an_error(tmp_path: Path, file: Path) -> None:
    with pytest.raises(PmlaunchError) as raised:
        TrustStore(file / "trust.json").add(file)
    assert raised.value.code == "PML204"


def test_a_huge_file_is_never_trusted(store: TrustStore, file: Path) -> None:
    with file.open("wb") as sink:
        sink.truncate((4 << 20) + 1)
    store.add(file)
    assert not store.holds(file)


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("python: ./x", True),
        ("isaaclab: lab", True),
        ("protomotions: pm", True),
        ("via: python", False),
        ("runs: there", False),
        ("device: cpu", False),
    ],
)
def test_only_settings_that_name_a_program_need_trust(settings: Settings, file: Path, line: str, needed: bool) -> None:
    file.write_text(f"{line}\n", encoding="utf-8")
    assert bool(settings.untrusted_workspace()) == needed


def test_what_the_user_chose_needs_no_trust(settings: Settings, file: Path, tmp_path: Path) -> None:
    named = {
        "flag": settings.get("python", "./mine"),
        "variable": replace(settings, environment={"PMLAUNCH_PYTHON": "x"}).get("python"),
    }
    file.unlink()
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "config.yaml").write_text("python: ./own\n", encoding="utf-8")
    named["user's file"] = Settings(tmp_path, {}, tmp_path / "user").get("python")
    for value in named.values():
        assert value is not None
        assert settings.untrusted(value) == ()


@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_a_variable_trusts_everything(settings: Settings, file: Path, value: str) -> None:
    assert settings.untrusted_workspace()[0].file == file
    assert replace(settings, environment={"PMLAUNCH_TRUST_WORKSPACE": value}).untrusted_workspace() == ()
    assert replace(settings, environment={"PMLAUNCH_TRUST_WORKSPACE": "0"}).untrusted_workspace()


def test_a_checkout_that_was_only_found_is_known_by_its_program(settings: Settings, tmp_path: Path) -> None:
    root = make_checkout(tmp_path / "ProtoMotions")
    found, named = find_checkout(settings), find_checkout(settings, str(root))
    assert found.source.anchor == root / "protomotions" / "eval_agent.py"
    assert named.source.anchor is None


def isaaclab(folder: Path) -> Path:
    script = folder / platform_named(None).isaaclab_script
    script.parent.mkdir(parents=True)
    script.touch()
    windows = current_name() == "windows"
    python = folder / "_isaac_sim" / ("python.bat" if windows else "python.sh")
    python.parent.mkdir()
    python.touch()
    return script


def runtime_request(settings: Settings, **more: object) -> RuntimeRequest:
    request = RuntimeRequest(settings, platform_named(None), settings.folder, RuntimeKind.ISAACLAB)
    return replace(request, **more)  # type: ignore[arg-type]


def test_isaac_lab_that_was_only_found_is_known_by_its_script(settings: Settings, tmp_path: Path) -> None:
    script = isaaclab(tmp_path / "isaaclab")
    assert choose_runtime(runtime_request(settings)).facts.source.anchor == script
    assert choose_runtime(runtime_request(settings, isaaclab=str(script.parent))).facts.source.anchor is None
    by_variable = replace(settings, environment={"PATH": "", "ISAACLAB_PATH": str(script.parent)})
    assert choose_runtime(runtime_request(by_variable)).facts.source.anchor is None


def test_its_python_is_no_less_found(settings: Settings, tmp_path: Path) -> None:
    script = isaaclab(tmp_path / "isaaclab")
    runtime = choose_runtime(runtime_request(settings, via="python"))
    assert "_isaac_sim" in runtime.facts.path
    assert runtime.facts.source.anchor == script


def test_the_demo_uses_pmlaunchs_own_python_and_says_so(settings: Settings, file: Path, tmp_path: Path) -> None:
    python = tmp_path / ("python.exe" if os.name == "nt" else "python")
    python.touch(mode=0o755)
    file.write_text(f"python: ./{python.name}\n", encoding="utf-8")
    planned = make_plan(EvalRequest("demo", ("walk",)), settings)
    assert planned.plan.runtime.path == sys.executable
    assert [found.code for found in planned.runtime.findings] == ["PML145"]
    assert planned.untrusted == ()
    settings.trusted.add(file)
    assert make_plan(EvalRequest("demo", ("walk",)), settings).plan.runtime.path == str(python)


def test_doctor_asks_no_python_that_was_only_found(settings: Settings, tmp_path: Path) -> None:
    make_checkout(tmp_path / "ProtoMotions")
    target = resolve_target(TargetRequest(simulator="genesis"), settings)
    assert target.probe is None
    assert "was not started" in target.unanswered
    assert resolve_target(TargetRequest(simulator="genesis"), replace(settings, trust_workspace=True)).probe


def test_a_plan_for_another_system_needs_no_trust(settings: Settings, tmp_path: Path) -> None:
    make_checkout(tmp_path / "ProtoMotions")
    other = next(name for name in PLATFORMS if name != current_name())
    request = EvalRequest("motion_tracker", ("walk",), simulator="genesis")
    assert make_plan(request, settings).untrusted
    assert make_plan(replace(request, target_os=other), settings).untrusted == ()


@pytest.mark.hostile
def test_settings_of_another_user_are_not_read(
    settings: Settings, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs" / "model").mkdir(parents=True)
    for module in (settings_module, preset_module):
        monkeypatch.setattr(module, "other_owner", lambda _: "user 1001")
    assert settings.get("python") is None
    assert settings.preset_folders == ()
    assert [found.code for found in settings.findings] == ["PML146"]
    assert str(file) in settings.findings[0].message


@pytest.mark.hostile
def test_a_preset_of_another_user_is_not_read(settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file.parent / "configs" / "model"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text("checkpoint: x\n", encoding="utf-8")
    monkeypatch.setattr(preset_module, "other_owner", lambda _: "user 1001")
    assert "theirs" not in presets("model", settings.preset_folders)


def test_an_own_file_has_no_other_owner(file: Path) -> None:
    assert other_owner(file) is None
    assert other_owner(file.parent / "missing") is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="skipped: only root can give files away")
@pytest.mark.parametrize("link", [False, True])
def test_the_owner_of_a_file_and_of_a_link_to_it_count(file: Path, link: bool) -> None:
    path = file
    if link:
        path = file.parent / "link"
        path.symlink_to(file)
    os.chown(path, 12345, -1, follow_symlinks=False)
    assert other_owner(path) == "user 12345"


@pytest.mark.hostile
@pytest.mark.parametrize("path", REMOTE)
def test_paths_on_other_computers(path: str) -> None:
    assert is_remote(path)


@pytest.mark.parametrize("path", ["x", "/x", "x//y", r"C:\x", r"\x", r"\\?\C:\x", "//?/c:/x", ""])
def test_paths_on_this_computer(path: str) -> None:
    assert not is_remote(path)


@pytest.mark.hostile
@pytest.mark.parametrize("key", ["protomotions", "isaaclab", "python", "runs"])
def test_settings_name_no_other_computer(settings: Settings, file: Path, key: str) -> None:
    file.write_text(json.dumps({key: REMOTE[0]}), encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        settings.get(key)
    assert (raised.value.code, raised.value.exit_code) == ("PML147", 4)
    assert settings.get(key, REMOTE[0])  # typed by the user


@pytest.mark.hostile
@pytest.mark.parametrize("path", REMOTE)
def test_a_library_names_no_other_computer(tmp_path: Path, path: str) -> None:
    library = tmp_path / "library.yaml"
    library.write_text(json.dumps({"motions": [{"file": "walk.npy"}, {"file": path}]}), encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        listed_motions(library)
    assert raised.value.code == "PML147"


@pytest.mark.hostile
@pytest.mark.parametrize("preset", ["model: {checkpoint: X}", "model: {motion: X}", "motion: {files: {smpl: X}}"])
def test_a_preset_names_no_other_computer(settings: Settings, file: Path, preset: str) -> None:
    group, _, content = preset.partition(": ")
    folder = file.parent / "configs" / group
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text(content.replace("X", "//server/share/x"), encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        presets(group, settings.preset_folders)
    assert raised.value.code == "PML147"


@pytest.mark.hostile
def test_a_checkpoint_names_no_other_computer(settings: Settings, checkout: Path) -> None:
    config = checkout / "data/pretrained_models/motion_tracker/smpl/config.yaml"
    text = config.read_text("utf-8")
    assert "motion_file: ???" in text
    config.write_text(text.replace("motion_file: ???", "motion_file: //server/share/x.npy"), "utf-8")
    with pytest.raises(PmlaunchError) as raised:
        make_plan(EvalRequest(str(config.parent / "last.ckpt"), protomotions=str(checkout)), settings)
    assert raised.value.code == "PML147"


@pytest.mark.hostile
def test_frozen_configs_name_no_other_computer(settings: Settings, checkout3: Path) -> None:
    text = checkout3 / "results/g1_mlp/resolved_configs_inference.yaml"
    text.write_text(text.read_text("utf-8").replace("asset: {", 'asset: {asset_root: "//server/share", '), "utf-8")
    model = str(checkout3 / "results/g1_mlp/last.ckpt")
    with pytest.raises(PmlaunchError) as raised:
        make_plan(EvalRequest(model, protomotions=str(checkout3)), settings)
    assert raised.value.code == "PML147"
    typed = EvalRequest(model, protomotions=str(checkout3), overrides=("robot.asset.asset_root=x",))
    assert make_plan(typed, settings).report.asset_root == "x"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "entry", ["//server/share/x", "robot: ///server/x", '"\\x2f\\x2fserver/x": y', r"'\\server\x'"]
)
def test_defaults_name_no_other_computer(settings: Settings, checkout: Path, entry: str) -> None:
    config = checkout / "protomotions/config/robot/theirs.yaml"
    config.write_text(f"defaults:\n  - {entry}\n", encoding="utf-8")
    request = EvalRequest("motion_tracker", ("walk",), protomotions=str(checkout))
    assert "PML147" in [found.code for found in make_plan(request, settings).report.findings]


@pytest.mark.hostile
@pytest.mark.parametrize("line", ["-r //server/share/x", r"--requirement=\\server\x", '-r "//server/x"'])
def test_requirements_name_no_other_computer(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements_genesis.txt").write_text(f"torch\n{line}\n", encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        requirements_text(tmp_path, "genesis")
    assert raised.value.code == "PML147"


@pytest.mark.hostile
def test_aliases_of_a_preset_are_followed_once(settings: Settings, file: Path) -> None:
    folder = file.parent / "configs" / "motion"
    folder.mkdir(parents=True)
    bomb = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    (folder / "theirs.yaml").write_text("\n".join(bomb), encoding="utf-8")
    with pytest.raises(PmlaunchError) as raised:
        presets("motion", settings.preset_folders)
    assert raised.value.code == "PML015"


@pytest.mark.hostile
def test_packages_are_looked_for_on_no_other_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "Lib" / "site-packages"
    place.mkdir(parents=True)
    (place / "a.pth").write_text("\n".join((*REMOTE, str(tmp_path))), encoding="utf-8")
    monkeypatch.setattr(Path, "is_dir", watched(Path.is_dir))
    assert site_packages(tmp_path / "python.exe", "3.11") == [place, tmp_path]


def watched(look: object) -> object:
    def is_dir(path: Path) -> bool:
        assert not is_remote(str(path)), path
        return bool(look(path))  # type: ignore[operator]

    return is_dir


@pytest.mark.hostile
@pytest.mark.parametrize("remote", ["asset_file_name", "meshdir", "mesh"])
def test_meshes_are_looked_for_on_no_other_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: str
) -> None:
    checkout = v3_checkout(make_checkout3(tmp_path / "pm"), UNKNOWN)
    robot = checkout.root / "protomotions/robot_configs/theirs.py"
    asset = "//server/x.xml" if remote == "asset_file_name" else "theirs.xml"
    robot.write_text(f"Robot(asset_file_name={asset!r})\n", encoding="utf-8")
    meshdir, mesh = ("//server/x" if remote == name else "x" for name in ("meshdir", "mesh"))
    xml = f'<mujoco><compiler meshdir="{meshdir}"/><asset><mesh file="{mesh}"/></asset></mujoco>'
    checkout.assets.mkdir(parents=True, exist_ok=True)
    (checkout.assets / "theirs.xml").write_text(xml, encoding="utf-8")
    opened: list[Path] = []
    monkeypatch.setattr("pmlaunch.git.lfs_pointer.read_pointer", opened.append)
    assert checkout.pointer_meshes("theirs") == []
    assert opened == []
