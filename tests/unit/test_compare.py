"""`pmlaunch compare`: what is compared, what is refused, the verdict and its exit code, and the tables."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.cli.app import run
from pmlaunch.runs.details import MotionResult
from pmlaunch.runs.measured import by_unique_name
from pmlaunch.runs.paired_tables import FORMATS
from pmlaunch.support.json import to_json
from pmlaunch.sweeping.model import CellResult
from run_folders import make_run, write

Json = Callable[..., dict[str, Any]]
RULE = {"figure": "eval/gt_err_max", "limit": 0.5, "max_steps": None}
GOOD = {f"m{number:02}": 0.02 + 0.001 * (number % 7) for number in range(20)}
WORSE = {name: error * (1.1 + 0.01 * (number % 3)) for number, (name, error) in enumerate(GOOD.items())}
LOSING = {name: 3.0 if number < 8 else error for number, (name, error) in enumerate(GOOD.items())}


@pytest.fixture
def runs(typed_in: Path) -> Path:
    return typed_in / "runs"


def plan(motions: Mapping[str, float], **decided: object) -> dict[str, Any]:
    """plan.json, as far as it is read; `decided` are provenance and the plan's own entries."""
    own: dict[str, Any] = {
        name: decided.pop(name) for name in ("model", "checkpoint", "simulator", "generation") if name in decided
    }
    seed = decided.pop("seed", 0)
    provenance = {name: {"value": value} for name, value in decided.items()}
    named = {"model": "tracker", "checkpoint": "/models/last.ckpt", "robot": "smpl", "simulator": "mujoco"}
    return {**named, **own, "motions": [{"name": it} for it in motions], "measuring": {"seed": seed},
            "provenance": provenance}  # fmt: skip


def measured(
    runs: Path, name: str, errors: Mapping[str, float], rule: Mapping[str, Any] | None = RULE, **decided: object
) -> Path:
    """A run that measured these mean errors; a motion fails if its own is above 0.5 m."""
    motions = [
        {"motion": it, "success": error < 0.5, "metrics": {"eval/gt_err": error, "eval/gr_err_degrees": 100 * error}}
        for it, error in errors.items()
    ]
    evaluation = {"common": {}, "per_motion": motions, "comparable": True, "notes": []}
    if rule is not None:
        evaluation["definition"] = rule
    folder = make_run(runs, name, errors=errors, evaluation=evaluation)
    write(folder, "plan.json", plan(errors, **decided))
    return folder


def swept(folder: Path, evaluations: Sequence[tuple[Mapping[str, float], Mapping[str, object]]]) -> Path:
    """A sweep: each evaluation has errors of motions, and what was decided. An error of -1 was not measured."""
    folder.mkdir()
    lines = []
    for number, (errors, decided) in enumerate(evaluations):
        run_folder = folder / "runs" / f"run{number}"
        run_folder.mkdir(parents=True)
        write(run_folder, "plan.json", plan(errors, **decided))
        for motion, error in errors.items():
            figures = {"eval/gt_err": error} if error >= 0 else {}
            state = "done" if error >= 0 else "abnormal"
            found = CellResult(f"e{number}", motion, run_folder.name, state, error < 0.5, figures, RULE)
            lines.append(json.dumps(to_json(found)))
    (folder / "results.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def rows(document: dict[str, Any], group: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["measure"], row["over"]): row for row in document["data"]["groups"][group]["rows"]}


def refused(document: dict[str, Any]) -> tuple[str, str]:
    assert document["exit_code"] == 2, "1 would look like a regression"
    return document["errors"][0]["code"], document["errors"][0]["message"]


def test_worse_errors_are_found_although_no_motion_is_lost(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE)
    found = as_json("compare", "main", "new", "--baseline")
    assert (found["exit_code"], found["findings"][0]["code"]) == (1, "PML373")
    assert found["data"]["verdict"] == "worse"
    success, error = rows(found)["success", "all"], rows(found)["error", "all"]
    assert (success["verdict"], success["p"], success["a"]["value"]) == ("no significant difference", 1.0, 1.0)
    assert error["verdict"] == "worse"
    assert error["worsening"] == pytest.approx(sum(WORSE.values()) / sum(GOOD.values()) - 1)
    assert error["adjusted"] > error["p"]
    assert error["change"]["low"] > 0
    assert rows(found)["rotation", "all"]["verdict"] is None, "it decides nothing"


def test_lost_motions_come_first(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", LOSING)
    found = as_json("compare", "main", "new")
    group = found["data"]["groups"][0]
    assert found["exit_code"] == 0, "without --baseline nothing is a failure"
    assert (group["wins"], group["losses"], group["motions"][0]["success_b"]) == (0, 8, 0.0)
    assert (group["closer"], group["farther"]) == (0, 8)
    assert [it["name"] for it in group["motions"][:8]] == sorted(list(GOOD)[:8], key=lambda it: GOOD[it])
    succeeded = rows(found)["error", "succeeded"]
    assert (succeeded["a"]["n"], succeeded["change"]["value"], succeeded["p"]) == (12, 0.0, 1.0)
    assert rows(found)["success", "all"]["p"] == pytest.approx(2 / 2**8)
    assert rows(found)["success", "all"]["adjusted"] == pytest.approx(4 / 2**8), "the second smallest p of three"
    assert found["data"]["worse"][0] == "success 100.0 % -> 60.0 %, p = 0.016"


def test_better_policy_and_one_below_the_least_effect_pass(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE)
    better = as_json("compare", "new", "main", "--baseline")
    assert (better["exit_code"], better["data"]["verdict"], better["findings"]) == (0, "better", [])
    assert as_json("compare", "main", "new", "--baseline", "--min-effect", "0.1")["exit_code"] == 1
    assert as_json("compare", "main", "new", "--baseline", "--min-effect", "0.2")["exit_code"] == 0
    for impossible in ("-1", "nan"):
        assert as_json("compare", "main", "new", "--min-effect", impossible)["errors"][0]["code"] == "PML001"


def test_few_motions_prove_nothing_and_say_so(as_json: Json, runs: Path) -> None:
    measured(runs, "main", {"walk": 0.01, "sit": 0.01})
    measured(runs, "new", {"walk": 0.9, "sit": 0.9})
    found = as_json("compare", "main", "new", "--baseline")
    assert (found["exit_code"], found["data"]["verdict"]) == (0, "no significant difference")
    assert found["data"]["notes"] == [
        "With fewer than 6 motions, no difference in success can be significant; with fewer than 5, none in errors."
    ]


def test_result_is_reproducible(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE)
    assert as_json("compare", "main", "new") == as_json("compare", "main", "new")


def test_other_motions_are_refused_or_left_out(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", {**dict(list(WORSE.items())[1:]), "jump": 0.1})
    code, message = refused(as_json("compare", "main", "new"))
    assert code == "PML370"
    assert "main lacks jump; new lacks m00" in message
    found = as_json("compare", "main", "new", "--common")
    assert len(found["data"]["groups"][0]["motions"]) == 19
    assert found["data"]["notes"] == ["2 of 21 motions and seeds, which one lacks, are left out."]
    measured(runs, "foreign", {"jump": 0.1})
    assert refused(as_json("compare", "main", "foreign", "--common"))[0] == "PML370", "there is nothing left"


DIFFERENT: Mapping[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "the same seeds (0 / 1)"),
    "constraint": ({"constraints": ["vr"]}, "constraint: none / vr"),
    "simulator": ({"simulator": "newton"}, "simulator: mujoco / newton"),
    "definition of 3.x": ({"rule": {**RULE, "limit": 0.25}}, "eval/gt_err_max > 0.25 m"),
    "steps": ({"rule": {**RULE, "max_steps": 600}}, "cut after 600 steps"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_conditions_are_refused(as_json: Json, runs: Path, name: str) -> None:
    decided, told = DIFFERENT[name]
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE, **decided)
    code, message = refused(as_json("compare", "main", "new"))
    assert code == "PML371"
    assert told in message


def test_condition_may_be_allowed_to_differ(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE, constraints=["vr"])
    assert as_json("compare", "main", "new")["errors"][0]["hint"] == "--allow constraint compares them nevertheless"
    group = as_json("compare", "main", "new", "--allow", "constraint")["data"]["groups"][0]
    assert group["conditions"]["constraint"] == "none / vr"
    assert group["definition"]["mask"] == []
    assert as_json("compare", "main", "new", "--allow", "weather")["errors"][0]["code"] == "PML001"


def test_older_runs_have_the_definition_of_their_generation(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD, None, generation="2")
    measured(runs, "new", WORSE, generation="2")
    assert as_json("compare", "main", "new")["data"]["groups"][0]["definition"]["limit"] == 0.5


def test_success_without_a_known_definition_is_not_compared(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD, None, generation="3")
    measured(runs, "new", LOSING, generation="3")
    found = as_json("compare", "main", "new")
    assert set(rows(found)) == {("error", "all"), ("rotation", "all")}
    assert "counted as a failure in main" in found["data"]["notes"][0]
    assert found["data"]["groups"][0]["losses"] == 0


def test_run_without_figures_is_refused(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    make_run(runs, "failed", state="failed")
    make_run(runs, "unmeasured", evaluation={})
    assert refused(as_json("compare", "main", "failed")) == (
        "PML372", "failed is failed, not done, so its figures prove nothing.")  # fmt: skip
    assert "no figures of single motions" in refused(as_json("compare", "main", "unmeasured"))[1]
    assert as_json("compare", "main", "nobody")["exit_code"] == 3


def seeds(
    errors: Mapping[str, float], factor: float, **decided: object
) -> list[tuple[dict[str, float], dict[str, object]]]:
    """Three seeds of an evaluation."""
    return [
        ({name: error * factor * (1 + 0.01 * seed) for name, error in errors.items()}, {"seed": seed, **decided})
        for seed in range(3)
    ]


def test_sweeps_are_compared_per_motion_and_seed(as_json: Json, tmp_path: Path) -> None:
    old, new = swept(tmp_path / "old", seeds(GOOD, 1)), swept(tmp_path / "new", seeds(GOOD, 1.2))
    found = as_json("compare", str(old), str(new))
    group, error = found["data"]["groups"][0], rows(found)["error", "all"]
    assert (group["seeds"], len(group["motions"]), error["a"]["n"]) == (["0", "1", "2"], 20, 20)
    assert error["worsening"] == pytest.approx(0.2)
    mean = sum(GOOD.values()) / 20
    assert error["spread"]["a"]["value"] == pytest.approx(1.01 * mean)
    assert error["spread"]["deviation_a"] == pytest.approx(0.01 * mean)
    assert error["spread"]["a"]["low"] < 1.01 * mean < error["spread"]["a"]["high"]


def test_constraints_of_a_sweep_are_groups_and_their_tests_are_adjusted_together(as_json: Json, tmp_path: Path) -> None:
    def both(factor: float) -> list[tuple[dict[str, float], dict[str, object]]]:
        return [*seeds(GOOD, 1, constraints=["full_body"]), *seeds(GOOD, factor, constraints=["vr"])]

    old, new = swept(tmp_path / "old", both(1)), swept(tmp_path / "new", both(1.5))
    found = as_json("compare", str(old), str(new), "--baseline")
    names = [group["conditions"]["constraint"] for group in found["data"]["groups"]]
    assert names == ["full_body", "vr"]
    assert [rows(found, at)["error", "all"]["verdict"] for at in (0, 1)] == ["no significant difference", "worse"]
    error = rows(found, 1)["error", "all"]
    assert error["adjusted"] == pytest.approx(6 * error["p"]), "two constraints with three tests each"
    assert "(model tracker" in found["data"]["worse"][0]


def test_policies_of_a_sweep_are_chosen(as_json: Json, tmp_path: Path) -> None:
    every = swept(tmp_path / "all", [*seeds(GOOD, 1, model="first"), *seeds(GOOD, 1.5, model="second")])
    found = as_json("compare", f"{every}@model=first", f"{every}@model=second,seed=1", "--common")
    assert found["data"]["groups"][0]["conditions"]["model"] == "first / second"
    assert found["data"]["groups"][0]["seeds"] == ["1"]
    code, message = refused(as_json("compare", f"{every}@model=first", str(every)))
    assert code == "PML372"
    assert "holds several policies" in message
    assert "It has model: first, second" in refused(as_json("compare", f"{every}@model=third", str(every)))[1]


def test_cell_that_was_not_measured_is_named(as_json: Json, tmp_path: Path) -> None:
    old, new = swept(tmp_path / "old", seeds(GOOD, 1)), swept(tmp_path / "new", seeds({**GOOD, "m03": -1.0}, 1))
    assert refused(as_json("compare", str(old), str(new))) == (
        "PML370", f"They did not measure the same motions: {new} lacks m03.")  # fmt: skip


def test_last_attempt_counts_and_a_broken_line_is_left_out(as_json: Json, tmp_path: Path) -> None:
    old, new = swept(tmp_path / "old", [(GOOD, {})]), swept(tmp_path / "new", [({**GOOD, "m03": -1.0}, {})])
    errors = {**GOOD, "m03": 0.5}
    again = [
        CellResult("e0", name, "run0", "done", True, {"eval/gt_err": errors[name]}, RULE, attempt=2) for name in errors
    ]
    with (new / "results.jsonl").open("a", encoding="utf-8") as results:
        results.writelines(f"{json.dumps(to_json(each))}\n" for each in again)
        results.write('[1]\n{"evaluation": 3}\n{"evaluation": "e0", "mot')
    found = as_json("compare", str(old), str(new))
    assert found["data"]["groups"][0]["motions"][0]["name"] == "m03"


def test_unusable_sweeps_are_refused(as_json: Json, tmp_path: Path) -> None:
    old = swept(tmp_path / "old", [(GOOD, {})])
    empty, elsewhere = swept(tmp_path / "empty", []), swept(tmp_path / "elsewhere", [(GOOD, {})])
    twice = swept(tmp_path / "twice", [(GOOD, {}), (GOOD, {})])
    text = (elsewhere / "results.jsonl").read_text(encoding="utf-8")
    (elsewhere / "results.jsonl").write_text(text.replace('"run0"', '"../../old/runs/run0"'), encoding="utf-8")
    for other, told in ((empty, "No cell"), (elsewhere, "is missing"), (twice, "two evaluations")):
        code, message = refused(as_json("compare", str(old), str(other)))
        assert code == "PML372"
        assert told in message


def test_tables(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured(runs, "main_run", {**GOOD, "=1+1|x": 0.02})
    measured(runs, "new", {**LOSING, "=1+1|x": 0.9})
    texts = {}
    for form in FORMATS:
        assert run(["compare", "main_run", "new", "--to", form]) == 0
        texts[form] = capsys.readouterr().out
    table = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert table[0]["measure"] == "success (failed if eval/gt_err_max > 0.5 m; whole motions)"
    assert (float(table[0]["a"]), table[0]["verdict"], table[1]["measure"]) == (1.0, "worse", "error")
    assert json.loads(texts["json"])["groups"][0]["losses"] == 9
    assert "| success, % | 100.0 [84.5, 100.0] | 57.1 [36.5, 75.5] |" in texts["md"]
    assert r"| =1+1\|x | 100 % | 0 % |" in texts["md"]
    assert "failed if eval/gt_err_max > 0.5 m; whole motions" in texts["md"]
    assert r"A (main\_run)" in texts["latex"]
    assert r"\textgreater{} 0.5 m" in texts["latex"]
    assert all(line.count("&") == 4 for line in texts["latex"].splitlines() if line.endswith(r"\\"))


def test_table_is_written_in_the_format_of_its_name(as_json: Json, runs: Path, tmp_path: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", WORSE)
    for suffix in ("csv", "json", "md", "tex"):
        file = tmp_path / f"table.{suffix}"
        assert as_json("compare", "main", "new", "-o", str(file))["exit_code"] == 0
        assert file.stat().st_size > 300
    again = as_json("compare", "main", "new", "-o", str(file))
    assert (again["errors"][0]["code"], again["exit_code"]) == ("PML374", 2)
    assert as_json("compare", "main", "new", "-o", str(file), "--force")["exit_code"] == 0
    nowhere = as_json("compare", "main", "new", "-o", str(tmp_path / "no" / "table.csv"))
    assert nowhere["errors"][0]["code"] == "PML374"
    assert as_json("compare", "main", "new", "-o", str(tmp_path / "table.xls"))["errors"][0]["code"] == "PML001"


def test_people_see_the_verdict_the_figures_and_the_worst_motions(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", {**LOSING, "\x1b[31mred": 3.0} | {"m19": 0.01})
    measured(runs, "base", {**GOOD, "\x1b[31mred": 0.02})
    assert run(["compare", "base", "new", "--baseline"]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("B (new) compared with A (base): worse\n")
    assert "B tracks 0 motions more often and 9 less often, has a smaller error on 1 and" in shown.out
    assert re.search(r"worst regressions .*\n.*\n m00 ", shown.out)
    assert "\x1b" not in shown.out
    assert "PML373" in shown.err


def test_motions_of_one_name_are_told_apart() -> None:
    several = [MotionResult(name, None, {}) for name in ("a", "a (2)", "a", "b", "a")]
    assert list(by_unique_name(several)) == ["a", "a (2)", "a (3)", "b", "a (4)"]
    assert len(by_unique_name([several[0]] * 20_000)) == 20_000


def test_figures_beyond_all_bounds_end_in_no_traceback(as_json: Json, runs: Path) -> None:
    measured(runs, "main", GOOD)
    measured(runs, "new", {**dict.fromkeys(GOOD, 1e99), "m00": 1e308, "m01": -1e308})
    found = as_json("compare", "main", "new", "--baseline")
    assert found["exit_code"] == 1
    assert rows(found)["error", "all"]["a"]["n"] == 18
    assert as_json("compare", "x" * 5000, "new")["exit_code"] == 3
