"""The matrix of a sweep: axes, include, exclude, and the ids of evaluations."""

from __future__ import annotations

from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import EvalRequest
from pmlaunch.sweeping.matrix import Point, evaluation_id, identity, points_of, read_matrix


def points(**values: Any) -> list[Point]:
    return list(points_of(read_matrix(values, "test.yaml")))


def labels(**values: Any) -> list[str]:
    """What is left of a sweep, a line for each point: its labels, its seeds, and the motions left out."""
    return [
        " ".join([*point.labels.values(), *(f"-{it}" for it in point.without), *map(str, point.seeds)])
        for point in points(**values)
    ]


def test_every_combination_with_the_model_outermost() -> None:
    found = labels(model=["a", "b"], constraint="full_body,vr", seed="0-2")
    assert found == ["a full_body 0 1 2", "a vr 0 1 2", "b full_body 0 1 2", "b vr 0 1 2"]


@pytest.mark.parametrize(
    ("typed", "seeds"),
    [("0-3", (0, 1, 2, 3)), ("5", (5,)), ([1, "3-4"], (1, 3, 4)), ("0,2,9-10", (0, 2, 9, 10)), (7, (7,))],
)
def test_seeds(typed: Any, seeds: tuple[int, ...]) -> None:
    (point,) = points(model="a", seed=typed)
    assert point.seeds == seeds


def test_options_with_one_value_go_to_every_cell() -> None:
    (point,) = points(model="a", timeout=60, **{"num-envs": 4, "save-motion": False}, overrides=["x=1"])
    request = point.request
    assert (request.timeout, request.num_envs, request.save_motion, request.overrides) == (60.0, 4, False, ("x=1",))
    assert request.headless is True, "a sweep has no windows unless they are asked for"


def test_a_path_is_not_split_at_its_commas() -> None:
    (point,) = points(model="runs/a,b/last.ckpt", motion=["walk,run", "data/x,y.npy"])
    assert point.request.model == "runs/a,b/last.ckpt"
    assert point.request.motions == ("walk", "run", "data/x,y.npy")


@pytest.mark.parametrize("typed", ["pelvis+head,vr", [["pelvis", "head"], "vr"]])
def test_constraints_that_count_together(typed: Any) -> None:
    assert [point.request.constraints for point in points(model="a", constraint=typed)] == [("pelvis", "head"), ("vr",)]


def test_include_replaces_axes_and_adds_what_results() -> None:
    include = [{"model": "teacher", "constraint": None}, {"constraint": "vr", "terrain": "complex"}]
    found = labels(model="a", terrain="flat", constraint=["full", "vr"], include=include)
    assert found == ["a flat full None", "a flat vr None", "teacher flat None", "a complex vr None"]


def test_named_sets_of_motions_are_evaluated_on_their_own() -> None:
    sets = {"test": ["t.yaml"], "train": ["a.npy", "b.npy"], "inherited": None}
    found = points(model="a", motion=sets, include=[{"set": "test", "terrain": "complex"}])
    assert [(it.labels["set"], it.request.motions) for it in found] == [
        ("test", ("t.yaml",)),
        ("train", ("a.npy", "b.npy")),
        ("test", ("t.yaml",)),
    ]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ({"constraint": "vr"}, ["a full 0 1", "b full 0 1"]),
        ({"constraint": "v*", "model": ["a", "x*"]}, None),  # no model begins with x
        ({"constraint": "V*", "model": "a"}, ["a full 0 1", "b full 0 1", "b vr 0 1"]),
        ({"seed": 1, "model": "b"}, ["a full 0 1", "a vr 0 1", "b full 0", "b vr 0"]),
        ({"motion": "fall*", "constraint": "vr"}, ["a full 0 1", "a vr -fall* 0 1", "b full 0 1", "b vr -fall* 0 1"]),
        (
            {"motion": "fall*", "seed": 1, "model": "a", "constraint": "vr"},
            ["a full 0 1", "a vr 0", "a vr -fall* 1", "b full 0 1", "b vr 0 1"],
        ),
    ],
)
def test_exclude(exclude: dict[str, Any], left: list[str] | None) -> None:
    values = {"model": ["a", "b"], "constraint": ["full", "vr"], "seed": [0, 1], "exclude": [exclude]}
    if left is None:
        with pytest.raises(PmlaunchError, match=r"exclude names model x\*, which no cell has"):
            labels(**values)
    else:
        assert labels(**values) == left


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"constrait": "vr"}, "test.yaml has an unknown key 'constrait'. Did you mean constraint"),
        ({"exclude": [{"modl": "a"}]}, "Did you mean model"),
        ({"exclude": [{"constraint": "vrr"}], "constraint": "vr"}, "exclude names constraint vrr, which no cell has"),
        ({"exclude": {"model": "a"}}, "must be a list of mappings"),
        ({"metrics": False}, "unknown key 'metrics'"),
        ({"seed": "x"}, "seed in test.yaml cannot be 'x'"),
        ({"seed": "4-0"}, "The range 4-0 has no values"),
        ({"timeout": [1, 2]}, "timeout in test.yaml can have one value only"),
        ({"terrain": {"a": 1}}, "terrain in test.yaml cannot be a mapping"),
    ],
)
def test_what_is_not_a_sweep(values: dict[str, Any], told: str) -> None:
    with pytest.raises(PmlaunchError) as caught:
        points(model="a", **values)
    assert caught.value.code == "PML377"
    assert caught.value.exit_code == 2
    assert told in caught.value.message


@pytest.mark.parametrize(
    "values", [{"seed": "0-2,1"}, {"constraint": ["vr", "vr"]}, {"motion": "walk,walk"}, {"model": ["a", "a"]}]
)
def test_a_value_given_twice(values: dict[str, Any]) -> None:
    with pytest.raises(PmlaunchError) as caught:
        points(**{"model": "a", **values})
    assert (caught.value.code, caught.value.exit_code) == ("PML376", 2)


def test_checkpoints_are_shown_by_their_short_names_if_these_differ() -> None:
    (one, two) = points(model="a", checkpoint=["runs/x/epoch_1.ckpt", "runs/x/epoch_2.ckpt"])
    assert (one.labels["checkpoint"], two.labels["checkpoint"]) == ("epoch_1", "epoch_2")
    (one, two) = points(model="a", checkpoint=["x/last.ckpt", "y/last.ckpt"])
    assert (one.labels["checkpoint"], two.labels["checkpoint"]) == ("x/last.ckpt", "y/last.ckpt")


def test_ids_depend_on_what_is_measured_only() -> None:
    request = EvalRequest("demo", motions=("walk",), headless=True)
    known = identity(request)
    assert evaluation_id(known, 0) == "97bc67e3370d", "the id of an evaluation may not change between versions"
    elsewhere = EvalRequest("demo", motions=("walk",), headless=True, runs="x", skip_bad=True, timeout=5.0, seed=3)
    assert identity(elsewhere) == known
    others = (EvalRequest("demo", motions=("run",), headless=True), EvalRequest("b", motions=("walk",), headless=True))
    ids = {evaluation_id(identity(it), seed) for it in (request, *others) for seed in (None, 0, 1)}
    assert len(ids) == 9
