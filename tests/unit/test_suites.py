"""Suites: inheritance, what a suite may not say, published values beside measured ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest
from pmlaunch.settings import Settings
from pmlaunch.sweeping.matrix import points_of, read_matrix
from pmlaunch.sweeping.model import CellResult, Evaluation, Suite
from pmlaunch.sweeping.suite import (
    Compared,
    compare_with_published,
    own_motions,
    read_suite,
    subset_findings,
)
from pmlaunch.sweeping.suite_file import ABOUT, SuiteFile, load_suite, suite_folders, suites_in

BASE = "model: demo\nmotion: [walk, wave]\nseed: 0-4\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "mine"
    found.mkdir()
    (found / "base.yaml").write_text(BASE, encoding="utf-8")
    (found / "own.yaml").write_text("defaults: [base, _self_]\nseed: [7]\n", encoding="utf-8")
    return found


def load(folder: Path, name: str, *overrides: str) -> SuiteFile:
    return load_suite(name, Settings(folder.parent), folder.name, overrides)


def refused(folder: Path, text: str) -> PmlaunchError:
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PmlaunchError) as caught:
        load(folder, "bad")
    return caught.value


def test_a_suite_inherits_and_replaces(folder: Path) -> None:
    suite = load(folder, "own")
    assert suite.values == {"model": "demo", "motion": ["walk", "wave"], "seed": [7]}
    assert [file.name for file in suite.files] == ["own.yaml", "base.yaml"]
    by_path = load_suite(str(folder / "own.yaml"), Settings(folder), None, ())
    assert by_path.values == suite.values


def test_a_suite_inherits_from_a_shipped_one(folder: Path) -> None:
    (folder / "mine.yaml").write_text("defaults: [maskmimic-paper]\nterrain: complex\n", encoding="utf-8")
    suite = load(folder, "mine")
    assert suite.values["terrain"] == "complex"
    assert len(suite.values["references"]) > 10


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("seed=0,1,9", [0, 1, 9]),
        ("seed=range(0,3)", [0, 1, 2]),
        ("seed=[4]", [4]),
        ("seed=2-4", "2-4"),
        ("++seed=3", 3),
        ("~seed", None),
    ],
)
def test_overrides_mean_what_they_mean_to_hydra(folder: Path, override: str, value: Any) -> None:
    assert load(folder, "base", override).values.get("seed") == value
    assert load(folder, "base", override).values["model"] == "demo"


def test_suites_are_found_beside_pmlaunch_yaml_and_the_nearest_wins(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pmlaunch.yaml").touch()
    own = tmp_path / "configs" / "suite"
    own.mkdir(parents=True)
    (own / "base.yaml").write_text("model: beside\n", encoding="utf-8")
    settings = Settings(tmp_path)
    assert load_suite("base", settings, None, ()).values == {"model": "beside"}
    assert load_suite("base", settings, "mine", ()).values["model"] == "demo"
    assert {"base", "maskmimic-paper", "trackers-3"} <= set(suites_in(suite_folders(settings)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hydra: {searchpath: ['pkg://evil']}", "has the key hydra"),
        ("no_check: [PML150]", "has the key no_check"),
        ("trust-workspace: true", "has the key trust-workspace"),
        ("defaults: [{override hydra/launcher: x}]", "in its defaults: only names"),
        ("defaults: ['pkg://evil/x']", "in its defaults: only names"),
        ("defaults: [../x]", "in its defaults: only names"),
        ("defaults: ['${oc.env:HOME}']", "in its defaults: only names"),
        ("seed: ${nothing}", "cannot be composed"),
        ("model: [", "is not valid YAML"),
        ("- model", "is not a mapping"),
    ],
)
def test_a_suite_is_data(folder: Path, text: str, told: str) -> None:
    error = refused(folder, text)
    assert (error.code, error.exit_code) == ("PML377", 2)
    assert told in error.message


def test_no_such_suite(folder: Path) -> None:
    with pytest.raises(PmlaunchError, match=r"No suite is called 'ownn'\. Did you mean own\?") as caught:
        load(folder, "ownn")
    assert (caught.value.code, caught.value.exit_code) == ("PML378", 3)
    assert refused(folder, "defaults: [bse]").code == "PML378"


@pytest.mark.hostile
def test_a_suite_names_no_other_computer_and_no_program_without_trust(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(folder, "motion: ['//evil/share/x.npy']").code == "PML147"
    monkeypatch.delenv("PMLAUNCH_TRUST_WORKSPACE")
    (folder / "runs.yaml").write_text("model: demo\npython: ./evil\n", encoding="utf-8")
    (untrusted,) = load(folder, "runs").untrusted(Settings(folder))
    assert untrusted.file == folder / "runs.yaml"
    assert untrusted.programs == ("./evil",)
    assert load(folder, "base").untrusted(Settings(folder)) == ()


@pytest.mark.parametrize("name", ["maskmimic-paper", "trackers-3"])
def test_shipped_suites(tmp_path: Path, name: str) -> None:
    values = load_suite(name, Settings(tmp_path), None, ()).values
    suite = read_suite(values, name)
    matrix = read_matrix({key: value for key, value in values.items() if key not in ABOUT}, name)
    evaluations = [Evaluation(str(at), it.request, it.labels, ("m",)) for at, it in enumerate(points_of(matrix))]
    assert suite.title
    assert all(reference.source for reference in suite.references)
    compared = compare_with_published(suite, evaluations, ())
    run = {row.row for row in compared if row.model}
    assert all(reference.row in run for reference in suite.references if reference.where is not None)


def test_the_papers_tables(tmp_path: Path) -> None:
    suite = read_suite(load_suite("maskmimic-paper", Settings(tmp_path), None, ()).values, "paper")
    count = {table: sum(it.table == table for it in suite.references) for table in "1234"}
    assert count == {"1": 8, "2": 8, "3": 10, "4": 6}
    published = {(it.table, it.row): dict(it.values) for it in suite.references}
    assert published["1", "full body, test"] == {"success_rate": 0.992, "mean_position_error_m": 0.0351}
    assert published["4", "VR, irregular terrain, train"] == {"success_rate": 0.944, "mean_position_error_m": 0.0627}
    assert (suite.limit, suite.motions) == (0.5, {"test": 138, "train": 11317})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ({"references": [{"row": "x", "values": {"a": 1}, "sorce": "y"}]}, "Did you mean source"),
        ({"references": [{"row": "x", "values": {"a": "much"}}]}, "needs row: NAME and values"),
        ({"references": [{"values": {"a": 1}}]}, "needs row: NAME and values"),
        ({"references": {"row": "x"}}, "must be a list"),
        ({"definition": {"limt": 0.5}}, "Did you mean limit"),
        ({"definition": {"limit": "half"}}, "needs limit: METRES"),
        ({"definition": {"motions": {"test": "many"}}}, "and motions: {SET: NUMBER}"),
    ],
)
def test_what_is_no_reference(text: dict[str, Any], told: str) -> None:
    with pytest.raises(PmlaunchError, match=told) as caught:
        read_suite(text, "x.yaml")
    assert caught.value.code == "PML377"


def test_the_users_motions_take_the_place_of_a_set(tmp_path: Path) -> None:
    (tmp_path / "test.yaml").write_text("motions: [{file: a/x.npy}, {file: a/y.npy}]", encoding="utf-8")
    (tmp_path / "train.yaml").write_text("motions: [{file: b/x.npy}]", encoding="utf-8")
    amass = tmp_path / "amass"
    (amass / "a").mkdir(parents=True)
    for name in ("a/y.npy", "a/other.npy"):
        (amass / name).touch()
    sets = {"test": "test.yaml", "train": ["train.yaml"]}

    def own(*given: str) -> dict[str, list[str]]:
        return own_motions(sets, given, lambda typed: tmp_path / typed)

    assert own("amass") == {"test": [str(amass / "a/y.npy")]}
    assert own("walk", "train=mine.yaml") == {"test": ["walk"], "train": ["mine.yaml"]}
    assert own("amass/a") == {"test": ["amass/a"]}, "a folder without any of the listed motions is a folder of motions"


SUITE = read_suite(
    {
        "definition": {"limit": 0.5, "motions": {"test": 4}},
        "references": [
            {
                "table": "1",
                "row": "vr",
                "where": {"constraint": "vr"},
                "source": "somewhere",
                "values": {"success_rate": 0.9, "mean_position_error_m": 0.05},
                "differs": ["data"],
            },
            {"table": "1", "row": "other method", "source": "somewhere", "values": {"success_rate": 0.5}},
        ],
    },
    "test",
)


def evaluation(identity: str, model: str = "a", **more: Any) -> Evaluation:
    labels = {"model": model, "constraint": "vr", "set": "test", **more.pop("labels", {})}
    return Evaluation(identity, EvalRequest(model, **more), labels, ("walk", "run"))


def cell(of: str, motion: str, success: bool | None, error: float, limit: float = 0.5) -> CellResult:
    return CellResult(of, motion, "run", "done", success, {"eval/gt_err": error}, {"limit": limit})


def compared(evaluations: list[Evaluation], *results: CellResult, suite: Suite = SUITE) -> list[Compared]:
    return list(compare_with_published(suite, evaluations, results))


def test_published_values_beside_measured_ones() -> None:
    success, error, other = compared(
        [evaluation("1", labels={"seed": "0"}), evaluation("2", labels={"seed": "1"})],
        *(cell("1", "walk", True, 0.02), cell("1", "run", True, 0.04)),
        *(cell("2", "walk", True, 0.04), cell("2", "run", False, 0.1)),
    )
    assert (success.published, success.measured, success.motions) == (0.9, 0.75, 2)
    assert success.interval == pytest.approx((0.198, 0.973), abs=1e-3), (
        "Wilson's, over motions: seeds are no more motions"
    )
    assert error.interval is None, "two motions are too few for a bootstrap"
    assert error.measured == pytest.approx(0.05)
    assert success.differs == ("subset: 2 of 4 motions", "data")
    assert (other.row, other.model, other.measured) == ("other method", "", None)


def test_another_limit_of_failure_is_never_beside_it() -> None:
    success, error, _ = compared([evaluation("1")], cell("1", "walk", True, 0.02, limit=0.25))
    assert success.measured is None
    assert success.differs[0] == "not comparable: failure above 0.25 m, published 0.5 m"
    assert error.measured == 0.02


def test_rates_that_were_counted_differently_have_no_mean() -> None:
    unknown = Suite(references=SUITE.references)
    cells = cell("1", "walk", True, 0.02, limit=0.25), cell("1", "run", True, 0.02)
    (success, *_) = compared([evaluation("1")], *cells, suite=unknown)
    assert (success.measured, success.limit) == (None, None)
    assert success.differs[0] == "not comparable: failure above 0.25 m and 0.5 m, published not known"
    (success, *_) = compared([evaluation("1")], cells[0], suite=unknown)
    assert (success.measured, success.limit, success.differs[0]) == (1.0, 0.25, "published limit of failure not known")
    (success, *_) = compared([evaluation("1")], replace(cells[0], definition={}))
    assert (success.measured, success.differs[0]) == (1.0, "limit of failure not recorded")


def test_an_evaluation_that_failed_has_measured_nothing() -> None:
    success, error, _ = compared([evaluation("1")], replace(cell("1", "walk", True, 0.02), state="failed"))
    assert (success.measured, error.measured) == (None, None)


def test_a_row_for_each_model_and_what_cuts_it_short() -> None:
    rows = compared([evaluation("1"), evaluation("2", "b", max_steps=30)])
    assert [(row.model, row.figure) for row in rows[:4]] == [
        ("a", "success_rate"),
        ("a", "mean_position_error_m"),
        ("b", "success_rate"),
        ("b", "mean_position_error_m"),
    ]
    assert "cut after 30 steps" in rows[2].differs


@pytest.mark.parametrize("isolated", [False, True])
def test_a_subset_is_reported(isolated: bool) -> None:
    two = [evaluation("1"), evaluation("2", labels={"seed": "1"})]
    evaluations = [replace(it, motions=(name,)) for it in two for name in it.motions] if isolated else two
    (finding,) = subset_findings(SUITE, evaluations)
    assert "subset: 2 of 4 motions" in compared(evaluations)[0].differs
    assert finding.code == "PML380"
    assert finding.message == "2 of the 4 motions of the published set test are evaluated."


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text",
    [
        "include: [{model: demo, no_check: [PML150]}]\n",
        "include: [{model: demo, no-check: [PML150]}]\n",
        "include: [{model: demo, trust-workspace: true}]\n",
        "defaults: [{sub@_global_: evil}]\n",
    ],
)
def test_no_part_of_a_suite_waives_a_check(folder: Path, text: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "evil.yaml").write_text("no_check: [PML150]\n", encoding="utf-8")
    (folder / "sub.yaml").write_text("model: demo\n", encoding="utf-8")
    assert refused(folder, text).code == "PML377"


@pytest.mark.hostile
def test_hydra_reads_no_other_file_than_the_one_that_was_checked(folder: Path) -> None:
    (folder / "own.yml").write_text("model: demo\n", encoding="utf-8")
    with pytest.raises(PmlaunchError) as caught:
        load_suite(str(folder / "own.yml"), Settings(folder), None, ())
    assert caught.value.code == "PML377"


@pytest.mark.hostile
def test_a_program_that_an_include_names_needs_the_users_agreement(folder: Path) -> None:
    (folder / "own.yaml").write_text("model: demo\ninclude: [{python: ./evil}]\n", encoding="utf-8")
    assert [found.file.name for found in load(folder, "own").untrusted(Settings(folder.parent))] == ["own.yaml"]
