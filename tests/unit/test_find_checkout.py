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
    assert "`pmlaunch eval demo` works now, without a checkout" in (error.hint or "")


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
