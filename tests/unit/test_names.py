"""Forgiving name lookup, and the errors for names that match nothing or too much."""

from __future__ import annotations

import pytest

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.support.names import choose, fold

NAMES = {
    "masked_mimic": ("maskmimic", "mm"),
    "motion_tracker": ("tracker",),
    "motion_tracker_g1": (),
    "walk": ("walking",),
}


def chosen(wanted: str) -> str:
    return choose("model", wanted, NAMES, lambda name: (name, *NAMES[name]), listing="pmlaunch list models")


def refusal(wanted: str) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        chosen(wanted)
    assert (caught.value.hint, caught.value.subject) == ("pmlaunch list models", wanted)
    return caught.value


@pytest.mark.parametrize("name", ["masked_mimic", "Masked-Mimic", "MASKED MIMIC", "maskedmimic", "maskmimic", "mm"])
def test_case_spaces_dashes_and_underscores_are_ignored(name: str) -> None:
    assert chosen(name) == "masked_mimic"


@pytest.mark.parametrize(("name", "found"), [("masked", "masked_mimic"), ("wal", "walk"), ("tra", "motion_tracker")])
def test_unique_prefix(name: str, found: str) -> None:
    assert chosen(name) == found


def test_exact_name_beats_a_longer_one() -> None:
    assert chosen("motion_tracker") == "motion_tracker"


def test_ambiguous_prefix() -> None:
    error = refusal("motion")
    assert (error.code, error.exit_code) == ("PML011", 3)
    assert error.message == "Model 'motion' is ambiguous: motion_tracker, motion_tracker_g1."


@pytest.mark.parametrize("name", ["wa", "m", "", "-", "走路"])
def test_prefixes_have_at_least_three_letters(name: str) -> None:
    assert refusal(name).code == "PML010"


def test_typo_suggests_the_nearest_thing_once() -> None:
    error = refusal("maskmimc")
    assert error.code == "PML010"
    assert error.message.startswith("No model is called 'maskmimc'. Did you mean masked_mimic?")


def test_no_suggestion_without_a_near_name() -> None:
    assert refusal("xyzzy").message == "No model is called 'xyzzy'."


def test_letters_of_every_script_count() -> None:
    assert fold("走-路 A_b") == "走路ab"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("gensis", " Did you mean genesis?"), ("SMPL", " Did you mean smpl or smplx?"), ("quadruped", ""), ("", "")],
)
def test_did_you_mean(word: str, sentence: str) -> None:
    assert did_you_mean(word, ["smpl", "smplx", "genesis"]) == sentence


def test_did_you_mean_lists_at_most_three() -> None:
    choices = ["walk_a", "walk_b", "walk_c", "walk_d"]
    sentence = did_you_mean("walk_", choices)
    assert sum(choice in sentence for choice in choices) == 3
    assert sentence.startswith(" Did you mean ")


def test_error_requires_a_registered_code() -> None:
    with pytest.raises(KeyError):
        PmlaunchError("PML999", "unheard of")
