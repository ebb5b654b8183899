"""The heart: whatever a value holds, Hydra and OmegaConf give the same value back."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pmlaunch.generations.v2.quoting import is_scanned, value_override, value_text

PARSER = OverridesParser.create()

# What means something to Hydra's lexer, to OmegaConf's grammar, to upstream's scan or to a shell
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
    """Any characters but lone surrogates, which no YAML can hold, mixed with `pieces`; and not OmegaConf's ???."""
    characters = st.text(st.characters(codec="utf-8"), max_size=4)
    return st.lists(st.sampled_from(pieces) | characters, max_size=8).map("".join).filter(lambda text: text != "???")


TEXTS = texts_with(HOSTILE)
SCANNED_TEXTS = texts_with((*SCANNED, "'", "\\", "${", "\\${", "$", "}", "走路", " "))
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = TEXTS | NUMBERS | st.booleans() | st.none()


def as_hydra_reads(argument: str) -> Any:
    """The config in which `argument` has arrived, as Hydra's config loader puts it there."""
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
def test_text_comes_back(text: str) -> None:
    assert the_same(as_hydra_reads(value_override("key", text)).key, text)


@given(TEXTS)
@settings(max_examples=200)
def test_text_comes_back_at_a_dotted_key(text: str) -> None:
    assert as_hydra_reads(value_override("agent.config.path", text)).agent.config.path == text


@given(TEXTS, TEXTS)
@settings(max_examples=250)
def test_text_comes_back_over_the_value_of_a_checkpoint(text: str, before: str) -> None:
    trained = as_hydra_reads(value_override("key", before))
    merged = OmegaConf.merge(trained, as_hydra_reads(value_override("key", text)))
    assert merged.key == text
    assert OmegaConf.to_container(merged, resolve=True) == {"key": text}


@given(TEXTS)
@settings(max_examples=250)
def test_text_comes_back_where_another_value_refers_to_it(text: str) -> None:
    trained = OmegaConf.create({"key": "???", "env": {"file": "${key}"}})
    merged = OmegaConf.merge(trained, as_hydra_reads(value_override("key", text)))
    assert merged.env.file == text
    assert OmegaConf.to_container(merged, resolve=True)["env"] == {"file": text}


@given(SCANNED_TEXTS)
@example("D:\\simulator_runs\\isaacgym\\last.ckpt")
@example("/simulator/simulator/isaaclab")
@example("\\simulator=isaaclab")
@example("${simulator}isaaclab\\")
def test_no_text_is_taken_for_the_choice_of_a_simulator(text: str) -> None:
    argument = value_override("key", text)
    assert not is_scanned(argument)
    assert the_same(as_hydra_reads(argument).key, text)


@given(SCANNED_TEXTS, st.sampled_from(["isaacgym", "isaaclab", "genesis"]))
@settings(max_examples=250)
def test_path_with_the_words_of_the_scan_comes_back_everywhere(text: str, package: str) -> None:
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
def test_list_comes_back(values: list[Any]) -> None:
    found = as_hydra_reads(value_override("key", values)).key
    assert len(found) == len(values)
    assert all(the_same(one, other) for one, other in zip(found, values, strict=True))


@pytest.mark.parametrize(
    "text",
    ["123", "-1", "1e3", ".5", "null", "None", "true", "False", "yes", "on", "nan", "inf", "???", "~", "{}", "[]", ""],
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    override = PARSER.parse_override(value_override("key", text))
    assert the_same(override.value(), text)


def test_three_question_marks_are_the_one_text_that_omegaconf_keeps_for_itself() -> None:
    config = as_hydra_reads(value_override("key", "???"))
    assert OmegaConf.is_missing(config, "key")
    assert as_hydra_reads(value_override("key", "????")).key == "????"


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity_comes_back(value: float) -> None:
    assert as_hydra_reads(value_override("key", value)).key == value


@pytest.mark.parametrize("path", ["C:\\data\\walk.npy", "\\\\server\\share", "/home/robot/走路.npy", "a b (x86) & c"])
def test_ordinary_path_stays_readable(path: str) -> None:
    assert value_text(path) == f"'{path}'"


@pytest.mark.parametrize("override", ["++num_envs=4", "++headless=true", "++checkpoint='/simulator/last.ckpt'"])
def test_what_no_scan_minds_is_written_plainly(override: str) -> None:
    key, _, right_side = override.removeprefix("++").partition("=")
    value: Any = {"num_envs": 4, "headless": True, "checkpoint": "/simulator/last.ckpt"}[key]
    assert value_override(key, value) == override
    assert right_side == value_text(value)
