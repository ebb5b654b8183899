"""Find the checkout by flag, environment or workspace file, or in the current folder or one above."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.demo import demo_checkout
from pmlaunch.generations.find import find_checkout, generation_of
from pmlaunch.model import FLAG, Generation
from pmlaunch.settings import Settings


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "else" / "where"
    folder.mkdir(parents=True)
    return folder


def refusal(settings: Settings, flag: str | None = None) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        find_checkout(settings, flag)
    assert caught.value.exit_code == 3
    return caught.value


def test_checkout_from_the_flag(checkout: Path, elsewhere: Path) -> None:
    found = find_checkout(Settings(elsewhere), "../../protomotions")
    assert (found.root, found.source, found.generation) == (checkout.resolve(), FLAG, Generation.V2)


def test_checkout_from_the_environment(checkout: Path, elsewhere: Path) -> None:
    found = find_checkout(Settings(elsewhere, {"PMLAUNCH_PROTOMOTIONS": str(checkout)}))
    assert (found.root, str(found.source)) == (checkout.resolve(), "environment PMLAUNCH_PROTOMOTIONS")


def test_checkout_from_the_workspace_file(checkout: Path, elsewhere: Path) -> None:
    moved = Path(shutil.move(checkout, elsewhere / "checkouts"))
    (elsewhere.parent / "pmlaunch.yaml").write_text("protomotions: where/checkouts", encoding="utf-8")
    found = find_checkout(Settings(elsewhere))
    assert (found.root, str(found.source)) == (moved.resolve(), "workspace pmlaunch.yaml")


@pytest.mark.parametrize("name", ["protomotions", "ProtoMotions"])
def test_checkout_in_the_current_folder(checkout: Path, tmp_path: Path, name: str) -> None:
    checkout.rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / name)
    found = find_checkout(Settings(tmp_path))
    assert (found.root, str(found.source)) == ((tmp_path / name).resolve(), "found here")


def test_current_folder_inside_the_checkout(checkout: Path) -> None:
    assert str(find_checkout(Settings(checkout)).source) == "found here"
    below = find_checkout(Settings(checkout / "data" / "motions"))
    assert (below.root, str(below.source)) == (checkout.resolve(), "found above")


def test_checkout_in_a_folder_above(checkout: Path, elsewhere: Path) -> None:
    found = find_checkout(Settings(elsewhere))
    assert (found.root, str(found.source)) == (checkout.resolve(), "found above")


def test_pml012_suggests_the_demo(elsewhere: Path) -> None:
    error = refusal(Settings(elsewhere))
    assert error.code == "PML012"
    assert str(elsewhere) in error.message
    assert "`pmlaunch eval demo` needs none" in error.message
    assert error.fix == "pmlaunch install"


def test_pml012_named_folder_is_never_replaced_by_another(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    error = refusal(Settings(tmp_path), "empty")
    assert (error.code, error.subject) == ("PML012", str(tmp_path / "empty"))
    assert "protomotions/eval_agent.py (2.x)" in error.message
    assert error.message.endswith("(from flag).")
    assert "does not exist (from flag)" in refusal(Settings(tmp_path), "gone").message


def test_generation_3_is_recognised_by_its_program(checkout: Path, tmp_path: Path) -> None:
    program = checkout / "protomotions" / "eval_agent.py"
    program.rename(program.with_name("inference_agent.py"))
    assert generation_of(checkout) is Generation.V3
    found = find_checkout(Settings(tmp_path))
    assert (found.generation, found.root) == (Generation.V3, checkout)
    assert found.script.is_file()


def test_checkout_lists_its_groups_and_options(checkout: Path, tmp_path: Path) -> None:
    found = find_checkout(Settings(tmp_path))
    assert found.groups() == ["base", "opt", "robot", "simulator", "terrain"]
    assert found.options("terrain") == ["complex", "flat"]
    assert "masked_mimic/constraints/vr" in found.options("opt")
    assert found.options("nothing") == []
    assert found.script.is_file()
    assert found.python_path[0] == found.root


def test_demo_is_an_embedded_checkout() -> None:
    demo = demo_checkout()
    assert demo.generation is Generation.DEMO
    assert all(point.module.startswith("pmlaunch.demo.") for point in demo.watch)


def submodule(workspace: Path, *paths: str) -> None:
    """Write the .gitmodules that git leaves for submodules at these paths."""
    url = "https://github.com/NVlabs/ProtoMotions.git"
    entries = [f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path in paths]
    (workspace / ".gitmodules").write_text("".join(entries), encoding="utf-8")


@pytest.mark.parametrize("name", ["protomotion", "third party/PM", "[old] {x}"])
@pytest.mark.parametrize("inside", [".", "else/where"])
def test_submodule_of_any_name(checkout: Path, tmp_path: Path, elsewhere: Path, name: str, inside: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    moved = Path(shutil.move(checkout, tmp_path / name))
    submodule(tmp_path, "docs", name)
    found = find_checkout(Settings(tmp_path / inside))
    assert (found.root, str(found.source)) == (moved, "found in .gitmodules")
    assert elsewhere.is_dir()


@pytest.mark.parametrize("path", ["../outside", "/outside"])
def test_submodule_outside_of_its_repository_is_ignored(checkout: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "workspace").mkdir()
    shutil.move(checkout, tmp_path / "outside")
    submodule(tmp_path / "workspace", path.replace("/outside", str(tmp_path / "outside")) if path[0] == "/" else path)
    assert refusal(Settings(tmp_path / "workspace")).code == "PML012"


def test_child_folder_of_any_name(checkout: Path, tmp_path: Path, elsewhere: Path) -> None:
    moved = Path(shutil.move(checkout, tmp_path / "motions-2.3"))
    found = find_checkout(Settings(tmp_path))
    assert (found.root, str(found.source)) == (moved, "found here")
    assert refusal(Settings(elsewhere)).code == "PML012", "the children of a folder above may be anything"
    (tmp_path / "pmlaunch.yaml").write_text("num_envs: 1", encoding="utf-8")
    found = find_checkout(Settings(elsewhere))
    assert (found.root, str(found.source)) == (moved, "found above"), "beside the workspace file"


def test_nested_and_hidden_folders_are_not_searched(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    moved = Path(shutil.move(checkout, tmp_path / "deeper" / "pm"))
    assert refusal(Settings(tmp_path)).code == "PML012"
    moved.rename(tmp_path / ".protomotions.pmlaunch")
    assert refusal(Settings(tmp_path)).code == "PML012", "an unfinished clone"


def test_only_the_start_of_a_large_folder_is_searched(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.rename(tmp_path / "pm")
    asked: list[Path] = []
    monkeypatch.setattr("pmlaunch.generations.find.generation_of", asked.append)
    for index in range(1200):
        (tmp_path / f"folder{index}").mkdir()
    refusal(Settings(tmp_path))
    assert len([root for root in asked if root.parent == tmp_path]) <= 1003


@pytest.mark.parametrize("as_submodules", [False, True])
def test_pml011_several_checkouts(checkout: Path, tmp_path: Path, as_submodules: bool) -> None:
    checkout.rename(tmp_path / "new")
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    if as_submodules:
        submodule(tmp_path, "new", "old")
    error = refusal(Settings(tmp_path))
    assert error.code == "PML011"
    assert f"{tmp_path / 'new'}, {tmp_path / 'old'}" in error.message
    assert error.retry == {"--protomotions": str(tmp_path / "new")}
    assert find_checkout(Settings(tmp_path), "old").root == tmp_path / "old"


def test_one_submodule_wins_over_other_folders(checkout: Path, tmp_path: Path) -> None:
    checkout.rename(tmp_path / "new")
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    submodule(tmp_path, "old")
    assert find_checkout(Settings(tmp_path)).root == tmp_path / "old"


def test_mistyped_folder_suggests_the_nearest(checkout: Path, tmp_path: Path) -> None:
    error = refusal(Settings(tmp_path), "protomotins")
    assert error.message.endswith(f"does not exist (from flag). Did you mean {checkout}?")
