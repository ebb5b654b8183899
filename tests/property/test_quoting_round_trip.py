"""Any value, quoted for an override, is the same value after Hydra and OmegaConf have read it."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pmlaunch.generations.v2.quoting import is_scanned, value_override, value_text

PARSER = OverridesParser.create()

# pieces that are special to Hydra's lexer, OmegaConf's grammar, upstream's scan or a shell
HOSTILE = (
    *("'", '"', "\\", "\\\\", "\\'", '\\"', "$", "${", "\\${", "\\\\${", "}", "{", "${}", "${key}", "${oc.env:HOME}"),
    *(
        "=",
        ",",
        "[",
        "]",
        "(",
        ")",
        ":",
        "~",
        "+",
        "@",
        "#",
        "&",
        "|",
        "!",
        "%PATH%",
        "^",
        "*",
        "?",
        ";",
        "`",
        "<",
        ">",
    ),
    *(" ", "  ", "\t", "\n", "\r\n", "\u00a0", "走路", "é", "😀", "C:\\", "\\\\server\\", "/", "null", "1e3", "?"),
)
SCANNED = ("simulator", "simul", "ator", "isaacgym", "isaaclab", "genesis", "=", "/", "\\", "Simulator")


def texts_with(pieces: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Texts of `pieces` and of any characters but lone surrogates, which YAML cannot hold; not OmegaConf's ???."""
    characters = st.text(st.characters(codec="utf-8"), max_size=4)
    return st.lists(st.sampled_from(pieces) | characters, max_size=8).map("".join).filter(lambda text: text != "???")


TEXTS = texts_with(HOSTILE)
SCANNED_TEXTS = texts_with((*SCANNED, "'", "\\", "${", "\\${", "$", "}", "走路", " "))
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = TEXTS | NUMBERS | st.booleans() | st.none()


def as_hydra_reads(argument: str) -> Any:
    """A config with the override `argument`, applied as Hydra's config loader does it."""
    override = PARSER.parse_override(argument)
    config = OmegaConf.create({})
    OmegaConf.update(config, override.key_or_group, override.value(), merge=True, force_add=True)
    return config


def the_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


@given(TEXTS)
@example("")
@example("\\")
@example("a\\'${b}\\")
@example("\\\\\\${")
def test_text_round_trips(text: str) -> None:
    assert the_same(as_hydra_reads(value_override("key", text)).key, text)


@given(TEXTS)
@settings(max_examples=200)
def test_text_round_trips_at_a_dotted_key(text: str) -> None:
    assert as_hydra_reads(value_override("agent.config.path", text)).agent.config.path == text


@given(TEXTS, TEXTS)
@settings(max_examples=250)
def test_text_round_trips_over_a_checkpoints_value(text: str, before: str) -> None:
    trained = as_hydra_reads(value_override("key", before))
    merged = OmegaConf.merge(trained, as_hydra_reads(value_override("key", text)))
    assert merged.key == text
    assert OmegaConf.to_container(merged, resolve=True) == {"key": text}


@given(TEXTS)
@settings(max_examples=250)
def test_text_round_trips_through_an_interpolation(text: str) -> None:
    trained = OmegaConf.create({"key": "???", "env": {"file": "${key}"}})
    merged = OmegaConf.merge(trained, as_hydra_reads(value_override("key", text)))
    assert merged.env.file == text
    assert OmegaConf.to_container(merged, resolve=True) == {"key": text, "env": {"file": text}}


@given(SCANNED_TEXTS)
@example("D:\\simulator_runs\\isaacgym\\last.ckpt")
@example("/simulator/simulator/isaaclab")
@example("\\simulator=isaaclab")
@example("${simulator}isaaclab\\")
def test_no_text_is_mistaken_for_the_choice_of_a_simulator(text: str) -> None:
    argument = value_override("key", text)
    assert not is_scanned(argument)
    assert the_same(as_hydra_reads(argument).key, text)


@given(SCANNED_TEXTS, st.sampled_from(["isaacgym", "isaaclab", "genesis"]))
@settings(max_examples=250)
def test_path_with_scanned_words_round_trips(text: str, package: str) -> None:
    path = f"/runs/simulator{text}/{package}/last.ckpt"
    assert is_scanned(f"++checkpoint='{path}'")
    argument = value_override("checkpoint", path)
    trained = OmegaConf.create({"checkpoint": None, "other": "${checkpoint}"})
    merged = OmegaConf.merge(trained, as_hydra_reads(argument))
    assert not is_scanned(argument)
    assert OmegaConf.to_container(merged, resolve=True) == {"checkpoint": path, "other": path}


@given(VALUES)
@settings(max_examples=250)
def test_value_keeps_its_type(value: Any) -> None:
    assert the_same(as_hydra_reads(value_override("key", value)).key, value)


@given(st.lists(VALUES, max_size=4))
@settings(max_examples=250)
def test_list_round_trips(values: list[Any]) -> None:
    found = as_hydra_reads(value_override("key", values)).key
    assert len(found) == len(values)
    assert all(the_same(one, other) for one, other in zip(found, values, strict=True))


@pytest.mark.parametrize(
    "text",
    ["123", "-1", "1e3", ".5", "null", "None", "true", "False", "yes", "on", "nan", "inf", "???", "~", "{}", "[]", ""],
)
def test_text_that_looks_like_another_type_stays_text(text: str) -> None:
    override = PARSER.parse_override(value_override("key", text))
    assert the_same(override.value(), text)


def test_question_marks_are_reserved_by_omegaconf() -> None:
    config = as_hydra_reads(value_override("key", "???"))
    assert OmegaConf.is_missing(config, "key")
    assert as_hydra_reads(value_override("key", "????")).key == "????"


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity_round_trips(value: float) -> None:
    assert as_hydra_reads(value_override("key", value)).key == value


@pytest.mark.parametrize("path", ["C:\\data\\walk.npy", "\\\\server\\share", "/home/robot/走路.npy", "a b (x86) & c"])
def test_ordinary_path_is_written_plainly(path: str) -> None:
    assert value_text(path) == f"'{path}'"


@pytest.mark.parametrize("override", ["++num_envs=4", "++headless=true", "++checkpoint='/simulator/last.ckpt'"])
def test_unscanned_value_is_written_plainly(override: str) -> None:
    key, _, right_side = override.removeprefix("++").partition("=")
    value: Any = {"num_envs": 4, "headless": True, "checkpoint": "/simulator/last.ckpt"}[key]
    assert value_override(key, value) == override
    assert right_side == value_text(value)
